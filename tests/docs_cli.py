"""The command line's help as `docs/cli.md` shows it: `python -m tests.docs_cli` writes it there.

With `--check` nothing is written, and the exit code is 1 when the document is stale.
"""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stdout, suppress
from io import StringIO

# Read by typer when it is imported: plain text, because frames and colours depend on the terminal.
os.environ["TYPER_USE_RICH"] = "0"

from typer.main import get_command

from cloudact.cli.app import app
from tests.docs_shell import commands
from tests.docs_text import DOCS

DOCUMENT = DOCS / "cli.md"
BEGIN = "<!-- begin: written by python -m tests.docs_cli -->"
END = "<!-- end -->"
WIDTH = 100
COMMAND = get_command(app)


def help_of(path: tuple[str, ...]) -> str:
    """Return what a command prints with --help."""
    words = [*path, "--help"]
    with redirect_stdout(StringIO()) as printed, suppress(SystemExit):
        COMMAND.main(words, prog_name="cloudact", terminal_width=WIDTH, max_content_width=WIDTH)
    return "\n".join(line.rstrip() for line in printed.getvalue().strip().splitlines())


def reference() -> str:
    """Return a section for each command."""
    return "\n\n".join(
        f"### {' '.join(('cloudact', *path))}\n\n```text\n{help_of(path)}\n```" for path in commands(COMMAND)
    )


def updated(document: str) -> str:
    """Return the document with the reference between its marks as it should be now."""
    before, rest = document.split(BEGIN)
    return f"{before}{BEGIN}\n\n{reference()}\n\n{END}{rest.split(END)[1]}"


def main() -> int:
    """Write the reference into the document, or check it."""
    committed = DOCUMENT.read_text(encoding="utf-8")
    current = updated(committed)
    if "--check" in sys.argv:
        return int(committed != current)
    DOCUMENT.write_text(current, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

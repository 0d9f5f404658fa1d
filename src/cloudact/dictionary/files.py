"""Pages in a directory: written where they differ; what was not written here is never touched."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cloudact.dictionary.pages import MARKER
from cloudact.errors import OutputRefused


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a directory differs from what would be written, by file name.

    `vanished` are generated pages that nothing would write any more.
    """

    missing: tuple[str, ...]
    stale: tuple[str, ...]
    vanished: tuple[str, ...]

    @property
    def is_current(self) -> bool:
        """Whether the directory holds exactly the pages."""
        return not (self.missing or self.stale or self.vanished)


def compare(pages: Mapping[str, str], directory: Path) -> Comparison:
    """Compare pages with a directory; raises OutputRefused where a file that was not generated is in the way."""
    found = _read(directory, pages)
    foreign = sorted(name for name in pages if name in found and not _is_generated(found[name]))
    if foreign:
        raise OutputRefused(
            f"{directory} has files that the data dictionary would replace and did not write: {', '.join(foreign)}",
            hint="Nothing was written. Move them away, or give --out another directory.",
        )
    return Comparison(
        missing=tuple(name for name in pages if name not in found),
        stale=tuple(
            name for name, content in pages.items() if name in found and _lines(found[name]) != content.encode()
        ),
        vanished=tuple(name for name in found if name not in pages and _is_generated(found[name])),
    )


def write(pages: Mapping[str, str], directory: Path) -> Comparison:
    """Write the pages that are missing or stale and return what differed; raises OutputRefused when it cannot."""
    differing = compare(pages, directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name in (*differing.missing, *differing.stale):
            replace_file(directory / name, pages[name].encode())
    except OSError as error:
        raise OutputRefused(
            f"the data dictionary cannot be written to {directory}: {error.strerror}",
            hint="Mend its permissions, or the disk; pages written before are whole, and running it again goes on.",
        ) from error
    return differing


def _read(directory: Path, pages: Collection[str]) -> dict[str, bytes]:
    """Return the Markdown files, and whatever else is in the place of a page."""
    if directory.exists() and not directory.is_dir():
        raise OutputRefused(f"{directory} is not a directory", hint="Give --out the path of a directory.")
    try:
        there = sorted(directory.iterdir()) if directory.exists() else []
        looked_at = [path for path in there if path.name in pages or (path.suffix == ".md" and path.is_file())]
        return {path.name: path.read_bytes() for path in looked_at}
    except OSError as error:
        raise OutputRefused(f"{error.filename} cannot be read: {error.strerror}", hint="Mend it.") from error


def _is_generated(content: bytes) -> bool:
    return _lines(content).split(b"\n", 1)[0] == MARKER.encode()


def _lines(content: bytes) -> bytes:
    """Return a text with the line ends it was written with: a checkout may have others."""
    return content.replace(b"\r\n", b"\n")


def replace_file(path: Path, content: bytes) -> None:
    """Write a file that is the old one or the new one at any moment, never half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)

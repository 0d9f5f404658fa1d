"""Doing what the documents tell a reader to do: commands in a shell, requests to the application."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template

from fastapi.testclient import TestClient
from httpx2 import Response

from tests.docs_text import Block

BASE = "http://localhost:8000"


class Shell:
    """A reader's terminal in a directory of its own; what `export` sets stays set."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._exports = directory / ".exports"
        self._exports.touch()

    def run(self, command: str) -> str:
        """Return what the command prints, on both streams, without spaces at the ends of lines."""
        state = shlex.quote(str(self._exports))
        script = f"source {state}\n{command}\nexport -p > {state}"
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {"PATH": path, "COLUMNS": "120", "TERM": "dumb", "NO_COLOR": "1"}
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.directory,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return "\n".join(line.rstrip() for line in done.stdout.splitlines())


def transcript(block: Block) -> Iterator[tuple[str, str]]:
    """Yield each command of a console block with the output that the document shows for it."""
    command: list[str] = []
    output: list[str] = []
    for line in block.text.splitlines():
        if command and command[-1].endswith("\\"):
            command.append(line)
        elif line.startswith("$ "):
            if command:
                yield "\n".join(command), "\n".join(output)
            command, output = [line.removeprefix("$ ")], []
        else:
            output.append(line)
    yield "\n".join(command), "\n".join(output)


def curl(client: TestClient, command: str, variables: Mapping[str, str]) -> Response:
    """Send what a curl command sends; an option that the documents have no use for is an error."""
    words = iter(shlex.split(Template(command).safe_substitute(variables).replace("\\\n", " ")))
    assert next(words) == "curl", command
    method, path, body = "GET", "", None
    headers: dict[str, str] = {}
    for word in words:
        match word:
            case "-X":
                method = next(words)
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "-d":
                body = next(words)
            case _:
                assert word.startswith(BASE), f"{word} in {command}"
                path = word.removeprefix(BASE)
    return client.request(method, path, headers=headers, content=body)


def curls(block: Block) -> list[str]:
    """Return the curl commands of a block, which end where a line does not end in a backslash or inside quotes."""
    commands: list[str] = []
    open_command = ""
    for line in block.text.splitlines():
        if open_command or line.startswith("curl "):
            open_command = f"{open_command}\n{line}" if open_command else line
            if not line.endswith("\\") and open_command.count("'") % 2 == 0:
                commands.append(open_command)
                open_command = ""
    return commands


def commands(command: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command, groups before what is in them."""
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*path, name))

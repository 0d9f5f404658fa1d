"""The command line and what is around it: files to edit, the real service, and servers that are not ours."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import SecretStr

from cloudact.api.app import create_app
from cloudact.wiring import Services
from tests.acme import ROOT_KEY
from tests.api.catalog_files import CatalogFiles
from tests.api.served import served
from tests.cli.command_line import CommandLine
from tests.prepared import Prepared


@pytest.fixture
def cli(catalog_dir: Path, tmp_path: Path, prepared: Prepared) -> CommandLine:
    """The command line over a file of its own, which it makes."""
    return CommandLine(catalog_dir, tmp_path / "cli.duckdb", prepared)


@pytest.fixture
def files(config_dir: Path) -> CatalogFiles:
    """The catalog's files, for editing."""
    return CatalogFiles(config_dir)


@pytest.fixture
def acme(cli: CommandLine) -> CommandLine:
    """The command line after acme_corp was onboarded."""
    cli.onboard()
    return cli


@pytest.fixture
def service_url(services: Services) -> Iterator[str]:
    """The address of the real service, in this process, over another file than the command line's."""
    with served(create_app(services, SecretStr(ROOT_KEY))) as url:
        yield url


@pytest.fixture
def answering() -> Iterator[Callable[[int, bytes], str]]:
    """Start a server that answers every request alike, and return its address."""
    with ExitStack() as servers:
        yield lambda status, body: servers.enter_context(_server(status, body))


@contextmanager
def _server(status: int, body: bytes) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()

"""The fake as a process of its own, and as it is left when its user is done."""

from __future__ import annotations

import gzip
import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from tests.acme import ROOT
from tests.bigquery_fake.clients import ONCE, Queries, connected
from tests.bigquery_fake.server import running


@pytest.fixture
def address() -> Iterator[str]:
    """The address of a fake that runs as a process."""
    command = [sys.executable, "-m", "tests.bigquery_fake", "--port", "0", "--no-limits"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()
        assert process.wait(30) == 0


def test_a_process_serves_and_ends_when_told(address: str) -> None:
    with connected(address) as client:
        client.create_dataset("shop", retry=ONCE)
        sql = Queries(client)
        sql.job("CREATE TABLE shop.t (id INT64); INSERT INTO shop.t VALUES (1)")
        assert sql.one("SELECT COUNT(*) FROM shop.t") == 1


def test_a_compressed_request_is_read() -> None:
    with running() as fake:
        body = gzip.compress(json.dumps({"datasetReference": {"projectId": "p", "datasetId": "shop"}}).encode())
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{fake.url}/bigquery/v2/projects/p/datasets", body, headers)
        with urllib.request.urlopen(request) as answer:
            assert json.load(answer)["id"] == "p:shop"


def test_nothing_is_left_when_it_ends() -> None:
    with running() as fake:
        port = int(fake.url.rpartition(":")[2])
        with connected(fake.url) as client:
            client.create_dataset("shop", retry=ONCE)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_an_error_of_the_fake_itself_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    def use() -> None:
        with running() as fake, connected(fake.url) as client:
            monkeypatch.setattr(fake.catalog, "create_dataset", broken)
            with pytest.raises(exceptions.MethodNotImplemented, match="does not know how to answer"):
                client.create_dataset(bigquery.Dataset("acme-test.shop"), retry=ONCE)

    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        use()

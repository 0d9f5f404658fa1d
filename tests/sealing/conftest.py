"""Sealers of each kind, over real keys: a file, an environment variable, and a Cloud KMS on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudact.sealing.gcp_kms import KmsSealer
from cloudact.sealing.gcp_kms_client import KmsClient, Patience
from cloudact.sealing.key_file import KeyFile
from cloudact.sealing.local import LocalSealer
from cloudact.sealing.sealer import Context, ManagedSealer
from tests.sealing import kms_server
from tests.sealing.kms_server import KEY, KmsServer

# Pauses are short; a busy machine may take its time all the same.
QUICK = Patience(request=5.0, total=30.0, first_pause=0.001, longest_pause=0.01)


@pytest.fixture
def context() -> Context:
    """The place of a secret."""
    return Context("acme_corp", "org_integration_credentials", "encrypted_credential", "0001")


@pytest.fixture
def key_path(tmp_path: Path) -> Path:
    """Where this test's key file is, or will be."""
    return tmp_path / "keys" / "sealing.key"


@pytest.fixture(scope="session")
def _kms_process() -> Iterator[KmsServer]:
    with kms_server.running() as server:
        yield server


@pytest.fixture
def kms(_kms_process: KmsServer) -> KmsServer:
    """A Cloud KMS with new keys, of which nothing was asked yet."""
    _kms_process.reset()
    return _kms_process


@pytest.fixture
def kms_sealer(kms: KmsServer) -> Iterator[KmsSealer]:
    """A sealer with a key of that Cloud KMS."""
    sealer = KmsSealer(KmsClient(KEY, emulator=kms.address, patience=QUICK))
    yield sealer
    sealer.close()


@pytest.fixture(params=["local", "gcp-kms"])
def sealer(request: pytest.FixtureRequest, key_path: Path) -> ManagedSealer:
    """A sealer of each kind."""
    if request.param == "local":
        return LocalSealer(KeyFile(key_path, strict=False))
    found: KmsSealer = request.getfixturevalue("kms_sealer")
    return found

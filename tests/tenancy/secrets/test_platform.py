"""The platform's secret: one for a warehouse, whoever needs it first, and kept sealed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cloudact.errors import NotBootstrapped, PlatformSecretLost, SealBroken
from cloudact.sealing.key_file import KeyFile
from cloudact.sealing.local import LocalSealer
from cloudact.settings import Settings
from cloudact.tenancy.access.key_text import KeyDigests
from cloudact.tenancy.secrets.columns import API_KEY, CREDENTIAL
from cloudact.tenancy.secrets.platform import PlatformSecret
from cloudact.warehouse.driver import Equals
from cloudact.wiring import build_services
from tests.acme import ROOT
from tests.tenancy.secrets.vault import NOW, Vault


def secret_of(vault: Vault) -> bytes:
    (found,) = vault.raw(CREDENTIAL).items()
    context, sealed = found
    return vault.sealer.open(CREDENTIAL.from_column(sealed), context)


def test_the_secret_is_made_once_and_kept_sealed(any_vault: Vault) -> None:
    first, again = any_vault.platform(), any_vault.platform()
    assert not first.stored()
    assert first.derive("audit") == again.derive("audit")
    assert first.stored()
    columns = ["org_slug", "provider", "credential_id", "is_active"]
    (row,) = any_vault.warehouse.run(lambda session: session.select(any_vault.dataset, CREDENTIAL.table, columns))
    assert row == {"org_slug": "system", "provider": "CLOUDACT", "credential_id": "platform-secret", "is_active": True}
    assert len(secret_of(any_vault)) == 32


def test_keys_for_different_purposes_are_derived_as_rfc_5869_says(vault: Vault) -> None:
    platform = vault.platform()
    keys = {label: platform.derive(label) for label in ("key-lookup", "audit", "idempotency")}
    assert len(set(keys.values())) == 3
    info = b"cloudact platform secret: audit"
    assert keys["audit"] == HKDF(SHA256(), length=32, salt=None, info=info).derive(secret_of(vault))
    assert secret_of(vault) not in keys.values()


def test_processes_that_need_it_first_at_the_same_time_agree(any_vault: Vault) -> None:
    with ThreadPoolExecutor(8) as threads:
        keys = set(threads.map(lambda _: any_vault.platform().derive("key-lookup"), range(8)))
    assert len(keys) == 1
    assert len(any_vault.raw(CREDENTIAL)) == 1


def test_it_is_read_once_per_process(vault: Vault) -> None:
    platform = vault.platform()
    key = platform.derive("audit")
    lose(vault)
    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(lambda _: platform.derive("audit"), range(8))) == {key}


def test_another_sealing_key_does_not_open_it_and_makes_no_other(vault: Vault, tmp_path: Path) -> None:
    key = vault.platform().derive("audit")
    stranger = LocalSealer(KeyFile(tmp_path / "other.key", strict=False))
    platform = vault.platform(stranger)
    for use in (platform.stored, lambda: platform.derive("audit")):
        with pytest.raises(SealBroken, match="platform-secret"):
            use()
    assert vault.platform().derive("audit") == key


def test_a_failed_attempt_is_not_remembered(vault: Vault, key_path: Path) -> None:
    vault.platform().derive("audit")
    away = key_path.rename(key_path.with_name("away"))
    platform = vault.platform(LocalSealer(KeyFile(key_path, strict=False)))
    with pytest.raises(SealBroken):
        platform.derive("audit")
    away.rename(key_path)
    assert platform.derive("audit") == vault.platform().derive("audit")


def store_key(vault: Vault, *, digest: str, active: bool = True) -> None:
    row = {"org_slug": "acme_corp", "org_api_key_id": digest, "org_api_key_hash": digest, "created_at": NOW}
    table = API_KEY.table
    vault.warehouse.run(lambda session: session.insert(vault.dataset, table, [{**row, "is_active": active}]))


def lose(vault: Vault) -> None:
    """What somebody who can write to the table can do: the row is there for nobody any more."""
    where = [Equals("credential_id", "platform-secret")]
    away = {"credential_id": "taken away"}
    vault.warehouse.run(lambda session: session.update(vault.dataset, CREDENTIAL.table, away, where))


def test_a_lost_one_is_not_replaced_while_keys_need_it(any_vault: Vault) -> None:
    store_key(any_vault, digest=KeyDigests(any_vault.platform()).keyed("acme_corp_api_x"))
    lose(any_vault)
    platform = any_vault.platform()
    for use in (platform.stored, lambda: platform.derive("key-lookup"), platform.strange_keys):
        with pytest.raises(PlatformSecretLost, match=r"no row platform-secret, and 1 active API key is .*"):
            use()
    assert len(any_vault.raw(CREDENTIAL)) == 1


def test_restored_it_is_used_by_a_process_that_missed_it(vault: Vault) -> None:
    store_key(vault, digest=KeyDigests(vault.platform()).keyed("acme_corp_api_x"))
    key = vault.platform().derive("audit")
    lose(vault)
    platform = vault.platform()
    with pytest.raises(PlatformSecretLost):
        platform.derive("audit")
    where = [Equals("credential_id", "taken away")]
    back = {"credential_id": "platform-secret"}
    vault.warehouse.run(lambda session: session.update(vault.dataset, CREDENTIAL.table, back, where))
    assert platform.derive("audit") == key


def test_a_lost_one_is_replaced_where_no_key_needs_it(vault: Vault) -> None:
    digests = KeyDigests(vault.platform())
    store_key(vault, digest=digests.keyed("acme_corp_api_revoked"), active=False)
    store_key(vault, digest=digests.accepted("acme_corp_api_of_an_earlier_version")[1])
    key = vault.platform().derive("audit")
    lose(vault)
    assert not vault.platform().stored()
    assert vault.platform().derive("audit") != key


def test_keys_that_need_another_are_counted(vault: Vault) -> None:
    store_key(vault, digest=KeyDigests(vault.platform()).keyed("acme_corp_api_x"))
    assert vault.platform().strange_keys() == 0
    store_key(vault, digest=f"hmac-sha256:{'0' * 16}:{'0' * 64}")
    store_key(vault, digest=f"hmac-sha256:{'f' * 16}:{'0' * 64}")
    assert vault.platform().strange_keys() == 2


def test_a_secret_copied_to_another_row_is_no_secret(vault: Vault) -> None:
    vault.platform().derive("audit")
    sealed = next(iter(vault.raw(CREDENTIAL).values()))
    vault.fill(1)
    vault.change(
        CREDENTIAL, "platform-secret", next(iter(vault.raw(CREDENTIAL, Equals("credential_id", "0000")).values()))
    )
    with pytest.raises(SealBroken, match="system"):
        vault.platform().derive("audit")
    vault.change(CREDENTIAL, "platform-secret", sealed)
    assert vault.platform().stored()


def test_without_the_central_dataset_it_says_so(sealer: LocalSealer) -> None:
    services = build_services(Settings(warehouse_url="duckdb:///:memory:", config_dir=ROOT / "configs"))
    platform = PlatformSecret(services.catalogs, services.bootstrap.warehouse, sealer, lambda: NOW)
    with pytest.raises(NotBootstrapped):
        platform.derive("audit")
    services.close()


def test_nothing_of_it_shows(vault: Vault) -> None:
    platform = vault.platform()
    platform.derive("audit")
    assert secret_of(vault).hex() not in f"{platform!r} {vars(platform).keys()}"

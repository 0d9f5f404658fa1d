"""Which keys are needed, and everything sealed anew: whatever comes in between, no value is lost."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cloudact.errors import InvalidRequest, NotBootstrapped, SealingUnavailable
from cloudact.sealing.key_file import KeyFile
from cloudact.sealing.local import LocalSealer
from cloudact.sealing.sealer import Context
from cloudact.tenancy.secrets import resealing, sealed_rows
from cloudact.tenancy.secrets.columns import API_KEY, CREDENTIAL, SEALED_COLUMNS, WEBHOOK_HEADERS, WEBHOOK_URL
from cloudact.tenancy.secrets.sealing import SealingStatus
from tests.api.live import duckdb_of
from tests.tenancy.secrets.vault import ACTOR, SECRETS, Vault, expected
from tests.tenancy.secrets.vault import total as vault_total

ROWS = 7


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages and batches so small that a few rows make several of them."""
    monkeypatch.setattr(sealed_rows, "PAGE", 3)
    monkeypatch.setattr(resealing, "BATCH", 2)


def all_opened(vault: Vault) -> bool:
    return all(vault.opened(column) == expected(column, ROWS) for column in SECRETS)


class Interrupting(LocalSealer):
    """Seals a number of values, and is then no more."""

    __slots__ = ("left",)

    def __init__(self, sealer: LocalSealer, left: int, error: BaseException) -> None:
        super().__init__(sealer.source)
        object.__setattr__(self, "left", [error] + [None] * left)

    def seal(self, plaintext: bytes, context: Context) -> bytes:
        if len(self.left) > 1:
            self.left.pop()
            return super().seal(plaintext, context)
        raise self.left[0]


def test_an_empty_warehouse_needs_no_key(any_vault: Vault, key_path: Path) -> None:
    state = any_vault.sealing().status()
    assert (state.status, state.keys) == (SealingStatus.CURRENT, [])
    assert {(item.table, item.column) for item in state.columns} == {(c.table, c.column) for c in SEALED_COLUMNS}
    assert not key_path.exists()


def test_status_counts_what_each_key_is_needed_for(vault: Vault, small_pages: None) -> None:
    vault.fill(ROWS)
    old = vault.sealer.known_keys()[0].key_id
    new = vault.sealing().rotate(actor=ACTOR).key_id
    vault.fill(2, "globex")
    state = vault.sealing().status()
    assert state.status is SealingStatus.RESEAL_NEEDED
    assert state.place == vault.sealer.place
    assert [(key.key_id, key.current, key.available, key.values) for key in state.keys] == [
        (new, True, True, 2 * len(SECRETS)),
        (old, False, True, vault_total(ROWS)),
    ]
    counted = {item.column: (item.values, item.current, item.unreadable) for item in state.columns}
    assert counted.pop("encrypted_credential") == (ROWS + 3, 2, 0)
    assert {counted[column.column] for column in SECRETS if column != CREDENTIAL} == {(ROWS + 2, 2, 0)}
    assert "cloudact sealing reseal" in state.message


def test_everything_is_sealed_anew_and_a_second_time_nothing(any_vault: Vault, small_pages: None) -> None:
    any_vault.fill(ROWS)
    any_vault.sealing().rotate(actor=ACTOR)
    result = any_vault.sealing().reseal(actor=ACTOR)
    total = vault_total(ROWS)
    assert (result.status, result.resealed, result.already_current, result.failed) == ("SUCCESS", total, 0, 0)
    assert all_opened(any_vault)
    state = any_vault.sealing().status()
    assert state.status is SealingStatus.CURRENT
    assert [key.values for key in state.keys] == [total, 0]
    before = {column: any_vault.raw(column) for column in SECRETS}
    again = any_vault.sealing().reseal(actor=ACTOR)
    assert (again.resealed, again.already_current) == (0, total)
    assert {column: any_vault.raw(column) for column in SECRETS} == before


def test_the_platforms_secret_is_sealed_anew_as_well(vault: Vault) -> None:
    key = vault.platform().derive("audit")
    vault.sealing().rotate(actor=ACTOR)
    assert vault.sealing().reseal(actor=ACTOR).resealed == 1
    assert vault.platform().derive("audit") == key


@pytest.mark.parametrize("left", [2, *(pytest.param(left, marks=pytest.mark.slow) for left in (0, 1, 5, 13))])
def test_interrupted_anywhere_the_next_call_does_the_rest(vault: Vault, small_pages: None, left: int) -> None:
    vault.fill(ROWS)
    vault.sealing().rotate(actor=ACTOR)
    assert isinstance(vault.sealer, LocalSealer)
    with pytest.raises(SealingUnavailable):
        vault.sealing(Interrupting(vault.sealer, left, SealingUnavailable("gone"))).reseal(actor=ACTOR)
    assert all_opened(vault)
    done = vault.sealing().reseal(actor=ACTOR)
    assert done.resealed + done.already_current == vault_total(ROWS)
    assert all_opened(vault)
    assert vault.sealing().status().status is SealingStatus.CURRENT


def test_a_value_that_does_not_open_is_left_and_named_and_the_others_are_done(vault: Vault, small_pages: None) -> None:
    vault.fill(ROWS)
    vault.sealing().rotate(actor=ACTOR)
    moved = vault.raw(API_KEY)[API_KEY.context("acme_corp", "0001")]
    vault.change(API_KEY, "0002", moved)
    vault.change(CREDENTIAL, "0003", b"sk-written-in-the-clear")
    vault.change(WEBHOOK_URL, "0004", "not base64 either")
    result = vault.sealing().reseal(actor=ACTOR)
    assert result.status == "PARTIAL"
    assert result.failed == 3
    assert result.resealed == vault_total(ROWS) - 3
    assert [(item.table, item.org_slug, item.row) for item in result.failures] == [
        ("org_api_keys", "acme_corp", "0002"),
        ("org_integration_credentials", "acme_corp", "0003"),
        ("org_notification_channels", "acme_corp", "0004"),
    ]
    assert "in-the-clear" not in repr(result)
    assert vault.raw(API_KEY)[API_KEY.context("acme_corp", "0002")] == moved
    assert vault.raw(CREDENTIAL)[CREDENTIAL.context("acme_corp", "0003")] == b"sk-written-in-the-clear"
    state = vault.sealing().status()
    assert state.status is SealingStatus.UNREADABLE
    assert sum(item.unreadable for item in state.columns) == 2


def test_values_of_a_key_that_is_lost_are_counted(vault: Vault, tmp_path: Path) -> None:
    vault.fill(ROWS)
    lost = vault.sealer.known_keys()[0].key_id
    stranger = LocalSealer(KeyFile(tmp_path / "other.key", strict=False))
    state = vault.sealing(stranger).status()
    assert state.status is SealingStatus.UNREADABLE
    assert [(key.key_id, key.available, key.values) for key in state.keys] == [(lost, False, vault_total(ROWS))]
    result = vault.sealing(stranger).reseal(actor=ACTOR)
    assert (result.resealed, result.failed) == (0, vault_total(ROWS))
    assert all_opened(vault)


def test_what_somebody_stores_meanwhile_stays_theirs(vault: Vault, small_pages: None) -> None:
    """A value changes after it was opened and before it is written."""
    vault.fill(ROWS)
    vault.sealing().rotate(actor=ACTOR)
    context = CREDENTIAL.context("acme_corp", "0003")
    written: list[bytes] = []

    class Overtaken(LocalSealer):
        def seal(self, plaintext: bytes, context: Context) -> bytes:
            if context.row == "0003" and context.table == CREDENTIAL.table and not written:
                written.append(super().seal(b"newer", context))
                vault.change(CREDENTIAL, "0003", written[0])
            return super().seal(plaintext, context)

    assert isinstance(vault.sealer, LocalSealer)
    result = vault.sealing(Overtaken(vault.sealer.source)).reseal(actor=ACTOR)
    assert result.status == "SUCCESS"
    assert vault.raw(CREDENTIAL)[context] == written[0]
    assert vault.opened(CREDENTIAL) == {**expected(CREDENTIAL, ROWS), "0003": "newer"}


def test_what_somebody_stores_meanwhile_with_an_old_key_is_sealed_anew(vault: Vault, small_pages: None) -> None:
    vault.fill(ROWS)
    context = CREDENTIAL.context("acme_corp", "0003")
    late = vault.sealer.seal(b"newer", context)
    vault.sealing().rotate(actor=ACTOR)
    done: list[bool] = []

    class Overtaken(LocalSealer):
        def seal(self, plaintext: bytes, context: Context) -> bytes:
            if context.row == "0003" and context.table == CREDENTIAL.table and not done:
                done.append(True)
                vault.change(CREDENTIAL, "0003", late)
            return super().seal(plaintext, context)

    assert isinstance(vault.sealer, LocalSealer)
    vault.sealing(Overtaken(vault.sealer.source)).reseal(actor=ACTOR)
    assert vault.opened(CREDENTIAL)["0003"] == "newer"
    assert vault.sealing().status().status is SealingStatus.CURRENT


def test_several_at_once_do_the_same_as_one(vault: Vault, small_pages: None) -> None:
    vault.fill(ROWS)
    vault.sealing().rotate(actor=ACTOR)
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(lambda _: vault.sealing().reseal(actor=ACTOR), range(4)))
    assert {result.failed for result in results} == {0}
    assert all_opened(vault)
    assert vault.sealing().status().status is SealingStatus.CURRENT


def test_a_column_that_is_not_there_yet_is_passed_over(vault: Vault) -> None:
    vault.fill(2)
    with duckdb_of(vault.services).connect() as connection:
        connection.execute(
            f"ALTER TABLE {vault.dataset}.org_notification_channels DROP COLUMN webhook_headers_encrypted"
        )
    state = vault.sealing().status()
    assert WEBHOOK_HEADERS.column not in {item.column for item in state.columns}
    vault.sealing().rotate(actor=ACTOR)
    assert vault.sealing().reseal(actor=ACTOR).resealed == 2 * (len(SECRETS) - 1) + 1


@pytest.mark.parametrize("use", ["status", "reseal"])
def test_without_the_central_dataset_it_says_so(vault: Vault, use: str) -> None:
    with duckdb_of(vault.services).connect() as connection:
        connection.execute("DROP SCHEMA organizations CASCADE")
    act: Callable[..., object] = getattr(vault.sealing(), use)
    with pytest.raises(NotBootstrapped):
        act(**({"actor": ACTOR} if use == "reseal" else {}))


def test_rotation_elsewhere_is_told(vault: Vault) -> None:
    class Elsewhere(LocalSealer):
        def rotate(self) -> None:  # type: ignore[override]
            raise InvalidRequest("rotated in Cloud KMS, not here")

    assert isinstance(vault.sealer, LocalSealer)
    with pytest.raises(InvalidRequest):
        vault.sealing(Elsewhere(vault.sealer.source)).rotate(actor=ACTOR)

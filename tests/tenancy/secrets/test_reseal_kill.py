"""Killed with -9 at any commit, no value is lost and the next call does the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudact.sealing.local import LocalSealer
from cloudact.settings import Settings
from cloudact.tenancy.secrets.sealing import SealingStatus
from cloudact.wiring import build_services
from tests.acme import ROOT
from tests.reliability.doomed import Death, Instant, dies
from tests.tenancy.secrets.doomed import reseal
from tests.tenancy.secrets.vault import ACTOR, SECRETS, Vault, expected, total

ROWS = 4


@pytest.mark.slow
@pytest.mark.parametrize("instant", [Instant.COMMITTING, Instant.COMMITTED])
def test_killed_at_every_commit_it_is_finished_by_the_next_call(
    tmp_path: Path, key_path: Path, sealer: LocalSealer, instant: Instant
) -> None:
    settings = Settings(
        warehouse_url=f"duckdb:///{tmp_path / 'warehouse.duckdb'}",
        config_dir=ROOT / "configs",
        sealing_key_uri=f"local:///{key_path}",
    )
    services = build_services(settings)
    services.bootstrap.run()
    Vault(services, sealer).fill(ROWS)
    services.close()
    commit, killed = 1, True
    while killed:
        sealer.rotate()
        killed = dies(settings, reseal, Death(instant, commit))
        services = build_services(settings)
        vault = Vault(services, sealer)
        assert all(vault.opened(column) == expected(column, ROWS) for column in SECRETS)
        result = vault.sealing().reseal(actor=ACTOR)
        assert (result.failed, result.resealed + result.already_current) == (0, total(ROWS))
        assert all(vault.opened(column) == expected(column, ROWS) for column in SECRETS)
        assert vault.sealing().status().status is SealingStatus.CURRENT
        services.close()
        commit += 1
    assert commit > 10

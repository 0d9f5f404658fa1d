"""States of the strict server that the use cases made once, for tests that begin after bootstrap or onboarding."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cloudact.settings import Settings
from cloudact.tenancy.names import OrgSlug
from cloudact.wiring import build_services
from tests.acme import ROOT
from tests.bigquery_fake.catalog import Catalog
from tests.bigquery_fake.clock import SystemClock
from tests.bigquery_fake.server import Fake, State
from tests.bigquery_fake.sql.row_store import RowStore
from tests.reliability.world import acme_request
from tests.unlimited_bigquery import unlimited

PROJECT, LOCATION = "some-project", "EU"
URL = f"bigquery://{PROJECT}?location={LOCATION}"


@dataclass
class PreparedProject:
    """The project of the shipped catalog after bootstrap, and with organizations like acme_corp, each made once."""

    sealing_key: Path
    _made: dict[tuple[str, ...], State] = field(default_factory=dict)

    def begin(self, fake: Fake, *slugs: str) -> None:
        """Have a new server begin with these organizations onboarded one after the other, or with none."""
        fake.state.become(self._with(slugs))

    def close(self) -> None:
        """Drop everything."""
        for state in self._made.values():
            state.rows.close()

    def _with(self, slugs: tuple[str, ...]) -> State:
        if slugs not in self._made:
            with pytest.MonkeyPatch.context() as patch, unlimited(patch) as fake:
                if slugs:
                    self.begin(fake, *slugs[:-1])
                self._go_on(slugs)
                state = State(Catalog(SystemClock()), RowStore())
                state.become(fake.state)
                self._made[slugs] = state
        return self._made[slugs]

    def _go_on(self, slugs: tuple[str, ...]) -> None:
        key = f"local:///{self.sealing_key}"
        services = build_services(Settings(warehouse_url=URL, config_dir=ROOT / "configs", sealing_key_uri=key))
        if slugs:
            services.onboarding.onboard(acme_request(OrgSlug(slugs[-1])))
        else:
            services.bootstrap.run()
        services.close()

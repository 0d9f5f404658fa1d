"""Onboarding of many where a unit is no transaction: each by itself, some side by side."""

from __future__ import annotations

import pytest

from cloudact.tenancy.checks import OnboardingRequest
from cloudact.tenancy.names import OrgSlug
from cloudact.wiring import Services
from tests.bigquery_fake.server import Fake
from tests.fleet.doomed import asked, key_file_of
from tests.fleet.test_onboarding import keys_in


@pytest.mark.slow
def test_each_is_onboarded_by_itself(on_bigquery: tuple[Services, Fake]) -> None:
    services, _ = on_bigquery
    services.bootstrap.run()
    services.onboarding.onboard(OnboardingRequest("there", "New Co", "admin@new.example"))
    lines = [*asked("new_1", "new_2", "new_3"), *asked("there", company_name="Another")]
    done = services.fleet_onboarding.onboard(lines, key_file_of(services))
    assert (done.onboarded, [(item.line, item.code) for item in done.failed]) == (3, [(4, "organization_exists")])
    for slug, key in keys_in(services).items():
        assert services.access.examine(key).caller is not None
        assert services.organizations.status(OrgSlug(slug)).status == "SYNCED"
    again = services.fleet_onboarding.onboard(lines, key_file_of(services))
    assert (again.onboarded, again.skipped, len(again.failed)) == (0, 3, 1)

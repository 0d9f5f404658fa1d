"""Organizations' own labels: waves and selections go by them, and files of new organizations give them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from cloudact.errors import FleetPlanStale, InvalidRequest, NotBootstrapped
from cloudact.fleet.request import SyncRequest
from cloudact.fleet.roster import candidates
from cloudact.fleet.waves import Labelled
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.store import with_labels
from tests.fleet.doomed import asked, key_file_of
from tests.fleet.fleets import Fleet, refusing, with_faults

ACTOR = Actor.system("a test")
WITHOUT = "ALTER TABLE organizations.org_profiles DROP COLUMN labels"


def label(fleet: Fleet, slug: str, **labels: str) -> None:
    """Give an organization these labels alone."""
    fleet.services.labels.change(OrgSlug(slug), labels, actor=ACTOR)


def refused_by(call: Callable[[SyncRequest], object], **fields: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as refused:
        call(SyncRequest.from_json(fields))
    return refused.value


@pytest.fixture
def labelled(small: Fleet) -> Fleet:
    """The twelve, of whom two are pilots and one is neither that nor without labels."""
    for slug in ("org_05", "org_09"):
        label(small, slug, tier="pilot", region="emea")
    label(small, "org_07", tier="ga", zone="")
    small.declare()
    return small


def test_a_wave_takes_those_whose_own_labels_say_so(labelled: Fleet) -> None:
    run = labelled.sync(waves=["label:tier=pilot", "label:zone=", "label:status=ACTIVE"])
    assert run.status == "SUCCESS"
    waves: dict[int, set[str]] = {}
    for slug, (wave, _) in labelled.steps(run.run_id).items():
        waves.setdefault(wave, set()).add(slug)
    assert (waves[1], waves[2], len(waves[3]), len(waves)) == ({"org_05", "org_09"}, {"org_07"}, 9, 3)
    assert labelled.again(run.run_id).needed == 0


def test_a_selection_leaves_everybody_else_alone(labelled: Fleet) -> None:
    run = labelled.sync(only=["label:tier=pilot", "label:tier=ga"])
    assert (run.status, labelled.in_step()) == ("SUCCESS", {"org_05", "org_07", "org_09"})


@pytest.mark.parametrize("field", ["only", "waves"])
def test_a_label_that_nobody_carries_is_refused_before_anything_is_begun(labelled: Fleet, field: str) -> None:
    sync = labelled.services.fleet_sync
    for call in (sync.plan, sync.begin):
        refused = refused_by(call, **{field: ["label:tier=pilot", "label:teir=pilot"]})
        assert refused.message == f"{field}: a selector names labels that no organization carries: teir"
        assert [problem.field for problem in refused.problems] == [field]
        assert refused.hint.startswith("Carried are region, tier, zone; status, location, country, currency,")
    assert labelled.services.fleet_runs.page(limit=5, offset=0).total == 0
    assert labelled.in_step() == set()


@pytest.mark.parametrize("field", ["only", "waves"])
def test_a_canary_of_nobody_is_refused_before_everybody_is_the_rest(labelled: Fleet, field: str) -> None:
    empty = ["label:tier=pilto", "plan:STARTR", "label:country=XX"]
    refused = refused_by(labelled.services.fleet_sync.begin, **{field: ["label:tier=pilot", *empty]})
    assert refused.message == f"{field}: a selector takes nobody, whoever needs something: {', '.join(empty)}"
    assert labelled.in_step() == set()


def test_a_plan_is_stale_once_labels_make_other_waves(labelled: Fleet) -> None:
    sync = labelled.services.fleet_sync
    plan, other = (sync.plan(SyncRequest(waves=(wave,))) for wave in ("label:tier=pilot", "slug:org_01"))
    label(labelled, "org_05", tier="pilot", region="apac")
    label(labelled, "org_07")
    assert sync.plan(SyncRequest(waves=("label:tier=pilot",))).plan_hash == plan.plan_hash
    label(labelled, "org_07", tier="pilot")
    with pytest.raises(FleetPlanStale) as stale:
        sync.begin_planned(plan.plan_hash)
    assert stale.value.moved == ("the waves are made of other organizations",)
    assert sync.plan(SyncRequest(waves=("slug:org_01",))).plan_hash == other.plan_hash
    for slug in ("org_05", "org_07", "org_09"):
        label(labelled, slug)
    with pytest.raises(FleetPlanStale) as stale:
        sync.begin_planned(plan.plan_hash)
    assert stale.value.moved == ("waves: a selector names labels that no organization carries: tier",)
    assert labelled.in_step() == set()


@pytest.mark.parametrize("only_failed", [True, False])
def test_whom_a_run_came_to_another_one_goes_on_with_whatever_their_labels_are_since(
    labelled: Fleet, *, only_failed: bool
) -> None:
    sync = with_faults(labelled, refusing("org_05"))
    run = sync.carry_out(sync.begin(SyncRequest(only=("label:tier=pilot",), max_failures="100%")))
    assert (run.synced, run.failed) == (1, 1)
    label(labelled, "org_05", tier="ga")
    again = labelled.again(run.run_id, only_failed=only_failed)
    assert (again.status, again.needed, again.synced) == ("SUCCESS", 1, 1)
    assert labelled.in_step() == {"org_05", "org_09"}


def test_who_failed_is_retried_when_nobody_carries_the_label_any_more(labelled: Fleet) -> None:
    sync = with_faults(labelled, refusing("org_05"))
    run = sync.carry_out(sync.begin(SyncRequest(waves=("label:tier=pilot",))))
    assert (run.synced, run.failed, run.needed) == (1, 1, 12)
    for slug in ("org_05", "org_07", "org_09"):
        label(labelled, slug)
    # Whom the wave was for and has not come to, nobody could tell any more.
    with pytest.raises(InvalidRequest, match="no organization carries: tier"):
        labelled.again(run.run_id)
    again = labelled.again(run.run_id, only_failed=True)
    assert (again.status, again.needed, labelled.in_step()) == ("SUCCESS", 1, {"org_05", "org_09"})


def test_where_the_column_is_not_there_yet_nobody_carries_any(small: Fleet) -> None:
    small.declare()
    small.live.execute(WITHOUT)
    refused = refused_by(small.services.fleet_sync.plan, waves=["label:tier=pilot"])
    assert refused.hint.startswith("Carried are none;")
    assert small.sync(waves=["label:status=ACTIVE", "plan:SCALE"]).status == "SUCCESS"


def test_of_labels_only_those_are_kept_that_are_asked_for(labelled: Fleet) -> None:
    warehouse, catalog = labelled.services.fleet_sync.warehouse, labelled.services.catalogs.load()

    def read(*wanted: Labelled) -> tuple[dict[str, dict[str, str]], frozenset[str]]:
        found = with_labels(warehouse, lambda session, also: candidates(session, catalog, wanted, also))
        assert len(found.members) == 12
        return {item.slug: dict(item.labels) for item in found.members if item.labels}, found.keys

    pilots = {"org_05": {"tier": "pilot"}, "org_09": {"tier": "pilot"}}
    assert read(Labelled("tier", "pilot"), Labelled("country", "DE")) == (pilots, {"region", "tier", "zone"})
    assert read(Labelled("country", "DE")) == ({}, frozenset())


def test_keys_that_no_selector_can_name_are_not_offered(small: Fleet) -> None:
    label(small, "org_01", tier="pilot")
    small.live.execute("UPDATE organizations.org_profiles SET labels = '{\"Tier\": \"a\"}' WHERE org_slug = 'org_02'")
    refused = refused_by(small.services.fleet_sync.plan, only=["label:zone=a"])
    assert refused.hint.startswith("Carried are tier; status,")


def test_of_many_keys_the_refusal_names_some(small: Fleet) -> None:
    label(small, "org_01", **{f"key-{number:02}": "" for number in range(64)})
    refused = refused_by(small.services.fleet_sync.plan, only=["label:tier=pilot"])
    assert "key-19, and 44 more; status" in refused.hint
    assert "key-20" not in refused.hint


def test_a_file_of_new_organizations_gives_labels(small: Fleet) -> None:
    onboarding, keys = small.services.fleet_onboarding, key_file_of(small.services)
    pilots, others = asked("new_1", "new_2", labels={"tier": "pilot"}), asked("new_3", labels={})
    done = onboarding.onboard([*pilots, *others, *asked("new_4")], keys)
    assert (done.onboarded, done.failed) == (4, [])
    rows = small.live.rows("SELECT org_slug, labels FROM organizations.org_profiles WHERE org_slug LIKE 'new_%'")
    given = {row["org_slug"]: row["labels"] and json.loads(row["labels"]) for row in rows}
    assert given == {"new_1": {"tier": "pilot"}, "new_2": {"tier": "pilot"}, "new_3": None, "new_4": None}
    label(small, "new_4", tier="ga")
    again = onboarding.onboard([*pilots, *others, *asked("new_4")], keys)
    assert (again.skipped, again.failed) == (4, [])
    label(small, "new_1", tier="ga")
    label(small, "new_3", tier="ga")
    again = onboarding.onboard([*pilots, *others], keys)
    assert (again.skipped, [item.message for item in again.failed]) == (
        1,
        [f"Organization already exists: {slug}, and differs in labels" for slug in ("new_1", "new_3")],
    )
    assert small.services.labels.show(OrgSlug("new_1")) == {"tier": "ga"}


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("tier", "is not a JSON object"),
        (["tier"], "is not a JSON object"),
        ({"tier": 1}, "the value of 'tier' is not a text"),
        ({"Tier": "pilot"}, "a key is 1 to 63"),
        ({"country": "de"}, "the profile's default_country"),
    ],
)
def test_labels_that_cannot_be_are_named_by_their_line(small: Fleet, labels: object, message: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        small.services.fleet_onboarding.onboard(
            [*asked("new_1"), *asked("new_2", labels=labels)], key_file_of(small.services)
        )
    (problem,) = refused.value.problems
    assert (problem.where, problem.field) == ("line 2", "labels")
    assert message in problem.message


def test_labels_for_a_column_that_is_not_there_yet_keep_everybody_from_being_onboarded(small: Fleet) -> None:
    small.live.execute(WITHOUT)
    onboarding, keys = small.services.fleet_onboarding, key_file_of(small.services)
    with pytest.raises(NotBootstrapped, match=r"org_profiles\.labels"):
        onboarding.onboard([*asked("new_1"), *asked("new_2", labels={"tier": "pilot"})], keys)
    assert not keys.exists()
    assert onboarding.onboard([*asked("new_1"), *asked("new_2", labels={})], keys).onboarded == 2
    assert onboarding.onboard(asked("new_2", labels={}), keys).skipped == 1

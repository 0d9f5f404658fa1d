"""Credentials of integrations: sealed, replaced without losing the row before, told without the secret."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

import pytest

from cloudact.errors import CredentialNotFound, InvalidRequest, LimitReached, OrganizationNotFound, SealBroken
from cloudact.tenancy.checks import OnboardingRequest
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.secrets.columns import CREDENTIAL
from cloudact.tenancy.secrets.credential import (
    CredentialName,
    CredentialType,
    NewCredential,
    masked,
)
from cloudact.tenancy.secrets.credentials import Credentials
from cloudact.tenancy.secrets.validation import Subject, ValidationStatus, Validator, Verdict
from cloudact.warehouse.driver import Equals
from tests.acme import ACME
from tests.tenancy.secrets.vault import ACTOR, Vault

ACME_SLUG, GLOBEX = OrgSlug("acme_corp"), OrgSlug("globex")
SECRET = "sk-canary-000000000000000000000000wxyz"
OPENAI = CredentialName.parse("openai", "default")
START = datetime(2026, 3, 1, tzinfo=UTC)


def new(secret: str = SECRET, name: CredentialName = OPENAI, **given: Any) -> NewCredential:
    return NewCredential(name, CredentialType.API_KEY, secret, **given)


def use_cases(vault: Vault, **validators: Validator) -> Credentials:
    ticks, ids = count(), count()
    return Credentials(
        vault.services.catalogs,
        vault.warehouse,
        vault.sealer,
        lambda: START + timedelta(seconds=next(ticks)),
        lambda: f"id-{next(ids)}",
        validators,
        vault.services.trail,
    )


def onboard(vault: Vault, slug: str = ACME_SLUG) -> None:
    vault.services.onboarding.onboard(OnboardingRequest(**{**ACME, "org_slug": slug}))


def rows(vault: Vault, *columns: str) -> list[dict[str, Any]]:
    where = [Equals("provider", "OPENAI")]
    return vault.warehouse.run(lambda session: session.select(vault.dataset, CREDENTIAL.table, columns, where))


def opened(vault: Vault) -> dict[str, str]:
    """The active secrets, by id."""
    found = vault.raw(CREDENTIAL, Equals("is_active", value=True), Equals("provider", "OPENAI"))
    return {
        place.row: vault.sealer.open(CREDENTIAL.from_column(value), place).decode() for place, value in found.items()
    }


def test_a_credential_is_stored_sealed_and_told_masked(any_vault: Vault) -> None:
    onboard(any_vault)
    credentials = use_cases(any_vault)
    stored = credentials.put(ACME_SLUG, new(metadata={"project": "prod", "region": "eu"}), actor=ACTOR)
    assert (stored.credential.masked, stored.replaced) == ("****wxyz", False)
    assert credentials.show(ACME_SLUG, OPENAI) == stored.credential
    assert credentials.found(ACME_SLUG) == [stored.credential]
    assert stored.credential.metadata == {"project": "prod", "region": "eu"}
    assert stored.credential.validation_status is ValidationStatus.PENDING
    assert opened(any_vault) == {stored.credential.credential_id: SECRET}
    again = credentials.put(ACME_SLUG, new("another-secret-of-some-length"), actor=ACTOR)
    assert again.replaced
    assert list(opened(any_vault).values()) == ["another-secret-of-some-length"]
    assert len(rows(any_vault, "is_active")) == 2
    assert credentials.deactivate(ACME_SLUG, OPENAI, actor=ACTOR).is_active is False
    assert opened(any_vault) == {}
    assert len(rows(any_vault, "is_active")) == 2


def test_replacing_keeps_the_row_before_and_who_reads_history_sees_it(acme: Vault) -> None:
    credentials = use_cases(acme)
    first = credentials.put(ACME_SLUG, new(), actor=ACTOR).credential
    second = credentials.put(ACME_SLUG, new(), actor=ACTOR).credential
    history = credentials.found(ACME_SLUG, "OPENAI", inactive=True)
    assert [(item.credential_id, item.is_active) for item in history] == [
        (first.credential_id, False),
        (second.credential_id, True),
    ]
    assert history[0].updated_at == second.created_at
    assert [item.credential_id for item in credentials.found(ACME_SLUG)] == [second.credential_id]


def test_names_and_providers_are_apart(acme: Vault) -> None:
    credentials = use_cases(acme)
    names = [CredentialName.parse(*parts) for parts in (("OPENAI", "default"), ("OPENAI", "batch"), ("AWS", "default"))]
    for number, name in enumerate(names):
        credentials.put(ACME_SLUG, new(f"secret-number-{number}", name), actor=ACTOR)
    found = [(item.provider, item.credential_name) for item in credentials.found(ACME_SLUG)]
    assert found == [("AWS", "default"), ("OPENAI", "batch"), ("OPENAI", "default")]
    assert len(credentials.found(ACME_SLUG, "openai")) == 2
    assert [row["credential_name"] for row in rows(acme, "credential_name")] == [None, "batch"]
    credentials.deactivate(ACME_SLUG, names[1], actor=ACTOR)
    assert [item.is_active for item in credentials.found(ACME_SLUG, "OPENAI", inactive=True)] == [False, True]


def test_a_plan_bounds_the_providers_and_not_their_credentials(acme: Vault) -> None:
    """STARTER allows three."""
    credentials = use_cases(acme)
    names = [CredentialName.parse(provider, name) for provider in ("aws", "gcp", "openai") for name in ("one", "two")]
    for name in names:
        credentials.put(ACME_SLUG, new(name=name), actor=ACTOR)
    azure = CredentialName.parse("azure", "default")
    with pytest.raises(LimitReached, match="providers_limit: it has credentials of AWS, GCP, OPENAI"):
        credentials.put(ACME_SLUG, new(name=azure), actor=ACTOR)
    credentials.put(ACME_SLUG, new(name=names[0]), actor=ACTOR)
    for name in names[:2]:
        credentials.deactivate(ACME_SLUG, name, actor=ACTOR)
    assert credentials.put(ACME_SLUG, new(name=azure), actor=ACTOR).credential.provider == "AZURE"


def test_those_who_store_at_once_have_no_more_providers_than_the_plan_allows(any_vault: Vault) -> None:
    onboard(any_vault)
    credentials = use_cases(any_vault)

    def store(provider: str) -> bool:
        try:
            credentials.put(ACME_SLUG, new(name=CredentialName.parse(provider, "default")), actor=ACTOR)
        except LimitReached:
            return False
        return True

    with ThreadPoolExecutor(6) as threads:
        stored = list(threads.map(store, ("aws", "gcp", "openai", "azure", "oracle", "anthropic")))
    assert sum(stored) == len(credentials.found(ACME_SLUG)) == 3


def test_what_is_not_there_is_not_found(acme: Vault) -> None:
    credentials = use_cases(acme)
    uses = (credentials.show, partial(credentials.deactivate, actor=ACTOR), partial(credentials.validate, actor=ACTOR))
    for use in uses:
        with pytest.raises(CredentialNotFound, match="acme_corp has no active credential OPENAI/default"):
            use(ACME_SLUG, OPENAI)
    credentials.put(ACME_SLUG, new(), actor=ACTOR)
    credentials.deactivate(ACME_SLUG, OPENAI, actor=ACTOR)
    with pytest.raises(CredentialNotFound):
        credentials.deactivate(ACME_SLUG, OPENAI, actor=ACTOR)


def test_an_unknown_organization_gets_nothing(acme: Vault) -> None:
    credentials = use_cases(acme)
    with pytest.raises(OrganizationNotFound):
        credentials.put(GLOBEX, new(), actor=ACTOR)
    with pytest.raises(OrganizationNotFound):
        credentials.found(GLOBEX)
    assert rows(acme, "org_slug") == []


def test_an_organization_sees_and_changes_its_own_only(acme: Vault) -> None:
    onboard(acme, GLOBEX)
    credentials = use_cases(acme)
    credentials.put(ACME_SLUG, new(), actor=ACTOR)
    credentials.put(GLOBEX, new("globex-secret-of-some-length"), actor=ACTOR)
    assert [item.org_slug for item in credentials.found(GLOBEX, inactive=True)] == ["globex"]
    credentials.deactivate(GLOBEX, OPENAI, actor=ACTOR)
    assert credentials.show(ACME_SLUG, OPENAI).is_active


def test_a_secret_copied_to_another_organization_does_not_open(acme: Vault) -> None:
    onboard(acme, GLOBEX)
    credentials = use_cases(acme, OPENAI=lambda _: Verdict(ValidationStatus.VALID))
    stored = credentials.put(ACME_SLUG, new(), actor=ACTOR).credential
    mine = credentials.put(GLOBEX, new("globex-secret-of-some-length"), actor=ACTOR).credential
    stolen = acme.raw(CREDENTIAL)[CREDENTIAL.context("acme_corp", stored.credential_id)]
    acme.change(CREDENTIAL, mine.credential_id, stolen)
    with pytest.raises(SealBroken):
        credentials.validate(GLOBEX, OPENAI, actor=ACTOR)


def test_of_those_who_store_at_once_exactly_one_is_active(any_vault: Vault) -> None:
    onboard(any_vault)
    credentials = use_cases(any_vault)
    with ThreadPoolExecutor(6) as threads:
        list(
            threads.map(
                lambda number: credentials.put(ACME_SLUG, new(f"secret-number-{number}"), actor=ACTOR), range(6)
            )
        )
    assert len(opened(any_vault)) == 1
    assert len(rows(any_vault, "credential_id")) == 6


@pytest.mark.parametrize(
    ("secret", "kind", "shown"),
    [
        ("short", CredentialType.API_KEY, "****"),
        ("x" * 19, CredentialType.API_KEY, "****"),
        ("x" * 16 + "wxyz", CredentialType.API_KEY, "****wxyz"),
        (json.dumps({"private_key": "x" * 100}), CredentialType.SERVICE_ACCOUNT, "****"),
    ],
)
def test_at_most_four_characters_of_a_long_secret_are_told(secret: str, kind: CredentialType, shown: str) -> None:
    made = NewCredential(OPENAI, kind, secret)
    assert masked(made.hint) == shown
    assert secret not in repr(made)


def test_a_hint_that_somebody_made_longer_is_still_cut() -> None:
    assert masked("sk-the-whole-secret") == "****cret"
    assert masked(None) == "****"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"secret": ""}, "secret"),
        ({"secret": " \n"}, "secret"),
        ({"secret": "x" * 70_000}, "secret"),
        ({"secret": "half \ud800"}, "secret"),
        ({"metadata": {"note": "x" * 20_000}}, "metadata"),
        ({"metadata": {"key": SECRET}}, "metadata"),
        ({"metadata": {"share": float("nan")}}, "metadata"),
        ({"metadata": {"note": "half \ud800"}}, "metadata"),
        ({"metadata": {"note": "\0"}}, "metadata"),
    ],
)
def test_what_cannot_be_stored_is_named_and_not_repeated(given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        new(**given).check()
    assert [problem.field for problem in refused.value.problems] == [field]
    assert SECRET not in f"{refused.value} {refused.value!r} {refused.value.problems}"


def test_what_cannot_be_stored_changes_nothing(acme: Vault) -> None:
    with pytest.raises(InvalidRequest):
        use_cases(acme).put(ACME_SLUG, new(""), actor=ACTOR)
    assert rows(acme, "org_slug") == []


@pytest.mark.parametrize(
    ("provider", "name", "fields"),
    [
        ("x", "default", ["provider"]),
        ("cloudact", "default", ["provider"]),
        ("open ai", "a/b", ["provider", "credential_name"]),
        ("OPENAI", "", ["credential_name"]),
        ("OPENAI", "x" * 101, ["credential_name"]),
        ("ÖPENAI", "default", ["provider"]),
    ],
)
def test_a_name_that_is_none_is_refused(provider: str, name: str, fields: list[str]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        CredentialName.parse(provider, name)
    assert [problem.field for problem in refused.value.problems] == fields


# Validation


def test_without_a_validator_it_stays_pending_and_says_so(acme: Vault) -> None:
    credentials = use_cases(acme)
    stored = credentials.put(ACME_SLUG, new(), actor=ACTOR).credential
    result = credentials.validate(ACME_SLUG, OPENAI, actor=ACTOR)
    assert (result.checked, result.credential) == (False, stored)
    assert result.message == "No validator for OPENAI is installed; validation_status stays PENDING."


@pytest.mark.parametrize(
    ("verdict", "error"),
    [
        (Verdict(ValidationStatus.VALID, "welcome"), None),
        (Verdict(ValidationStatus.INVALID, "no such key"), "no such key"),
        (Verdict(ValidationStatus.EXPIRED), "The provider says EXPIRED."),
    ],
)
def test_what_the_provider_says_is_kept(any_vault: Vault, verdict: Verdict, error: str | None) -> None:
    onboard(any_vault)
    asked: list[Subject] = []

    def validator(subject: Subject) -> Verdict:
        asked.append(subject)
        return verdict

    credentials = use_cases(any_vault, OPENAI=validator)
    credentials.put(ACME_SLUG, new(metadata={"project": "prod"}), actor=ACTOR)
    result = credentials.validate(ACME_SLUG, OPENAI, actor=ACTOR)
    assert result.checked
    assert (asked[0].secret, asked[0].metadata, asked[0].org_slug) == (SECRET, {"project": "prod"}, "acme_corp")
    kept = credentials.show(ACME_SLUG, OPENAI)
    assert kept == result.credential
    assert (kept.validation_status, kept.last_error) == (verdict.status, error)
    assert kept.last_validated_at == kept.updated_at is not None
    assert SECRET not in repr(asked[0])


def test_words_of_a_provider_that_repeat_the_secret_are_cleaned(acme: Vault) -> None:
    credentials = use_cases(acme, OPENAI=lambda it: Verdict(ValidationStatus.INVALID, f"Incorrect key: {it.secret}!"))
    credentials.put(ACME_SLUG, new(), actor=ACTOR)
    assert credentials.validate(ACME_SLUG, OPENAI, actor=ACTOR).message == "Incorrect key: ****!"
    assert [row["last_error"] for row in rows(acme, "last_error")] == ["Incorrect key: ****!"]


def test_words_that_no_warehouse_could_keep_are_mended(acme: Vault) -> None:
    credentials = use_cases(
        acme, OPENAI=lambda _: Verdict(ValidationStatus.INVALID, "half \ud800 and \0" + "x" * 5_000)
    )
    credentials.put(ACME_SLUG, new(), actor=ACTOR)
    message = credentials.validate(ACME_SLUG, OPENAI, actor=ACTOR).message
    assert message.startswith("half ? and \N{REPLACEMENT CHARACTER}")
    assert credentials.show(ACME_SLUG, OPENAI).last_error == message
    assert len(message) < 1_100


def _raises(subject: Subject) -> Verdict:
    raise TimeoutError(f"no answer for {subject.secret}")


@pytest.mark.parametrize("validator", [_raises, lambda _: None, lambda _: Verdict("GOOD")])  # type: ignore[arg-type]
def test_a_validator_that_fails_changes_nothing(acme: Vault, validator: Validator) -> None:
    credentials = use_cases(acme, OPENAI=validator)
    stored = credentials.put(ACME_SLUG, new(), actor=ACTOR).credential
    result = credentials.validate(ACME_SLUG, OPENAI, actor=ACTOR)
    assert (result.checked, result.credential) == (False, stored)
    assert "failed with" in result.message
    assert SECRET not in result.message
    assert credentials.show(ACME_SLUG, OPENAI) == stored


def test_a_verdict_on_a_credential_that_was_replaced_meanwhile_is_not_given_to_the_new_one(acme: Vault) -> None:
    def slow(_: Subject) -> Verdict:
        credentials.put(ACME_SLUG, new("another-secret-of-some-length"), actor=ACTOR)
        return Verdict(ValidationStatus.VALID)

    credentials = use_cases(acme, OPENAI=slow)
    credentials.put(ACME_SLUG, new(), actor=ACTOR)
    credentials.validate(ACME_SLUG, OPENAI, actor=ACTOR)
    assert credentials.show(ACME_SLUG, OPENAI).validation_status is ValidationStatus.PENDING

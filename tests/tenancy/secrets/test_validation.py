"""Validators that installed packages bring along."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cloudact.errors import ConfigurationError
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.secrets.credential import CredentialName, CredentialType, NewCredential
from cloudact.tenancy.secrets.validation import GROUP, load_validators
from cloudact.wiring import Services
from tests.docs_text import DOCS, blocks
from tests.tenancy.secrets.vault import ACTOR

SOURCE = """
from cloudact.tenancy.secrets.validation import Subject, ValidationStatus, Verdict

def validate(subject: Subject) -> Verdict:
    good = subject.secret == "sk-good" and subject.metadata == {"project": "prod"}
    return Verdict(ValidationStatus.VALID) if good else Verdict(ValidationStatus.INVALID, "Incorrect key")

NOTHING = 5
"""
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a package where an installer would: its module, and a dist-info with its entry points."""
    site = tmp_path / "site-packages"

    def put(package: str, points: dict[str, str], module: str = "acme_checks", source: str = SOURCE) -> None:
        info = site / f"{package.replace('-', '_')}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = [f"{name} = {value}" for name, value in points.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines, ""]))
        (site / f"{module}.py").write_text(source)
        # A process looks once for what is installed where it imports from.
        monkeypatch.syspath_prepend(str(site))

    return put


def test_none_ships() -> None:
    assert load_validators() == {}


def test_an_installed_one_checks_the_credentials_of_its_provider(
    install: Install, services: Services, onboarded: object
) -> None:
    install("acme-checks", {"OPENAI": "acme_checks:validate"})
    credentials = replace(services.credentials, validators=load_validators())
    slug, openai = OrgSlug("acme_corp"), CredentialName.parse("openai", "default")
    for secret, status in (("sk-good", "VALID"), ("sk-bad", "INVALID")):
        new = NewCredential(openai, CredentialType.API_KEY, secret, {"project": "prod"})
        credentials.put(slug, new, actor=ACTOR)
        assert credentials.validate(slug, openai, actor=ACTOR).credential.validation_status == status


def test_the_document_names_the_group_and_a_provider() -> None:
    (example,) = blocks(DOCS / "key-handling.md", "toml")
    assert f'"{GROUP}"' in example.text
    assert "OPENAI = " in example.text


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("no_such_module:validate", "ModuleNotFoundError"),
        ("acme_checks:absent", "AttributeError"),
        ("acme_checks:NOTHING", "it cannot be called"),
    ],
)
def test_one_that_cannot_be_used_is_named_with_its_package(install: Install, value: str, words: str) -> None:
    install("acme-checks", {"OPENAI": value})
    with pytest.raises(ConfigurationError, match=words) as refused:
        load_validators()
    assert "validator OPENAI of acme-checks" in refused.value.message
    assert refused.value.hint


def test_two_for_one_provider_are_refused(install: Install) -> None:
    install("acme-checks", {"OPENAI": "acme_checks:validate"})
    install("other-checks", {"OPENAI": "other_checks:validate"}, "other_checks")
    with pytest.raises(ConfigurationError, match="another validator"):
        load_validators()

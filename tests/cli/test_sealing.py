"""`cloudact sealing` and `cloudact credential`: what they print, how they end, and that a service answers the same."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from tests.acme import ACME, ROOT_KEY
from tests.cli.command_line import CommandLine
from tests.sealing.kms_server import KEY, running

SECRET = "sk-canary-000000000000000000000000wxyz"


@pytest.fixture(autouse=True)
def key_file(own_sealing_key: Path) -> Path:
    """Where the environment says that the key is."""
    return own_sealing_key


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    """A file with a secret in it, as an editor leaves it."""
    file = tmp_path / "openai.key"
    file.write_text(f"{SECRET}\n")
    return file


def put(cli: CommandLine, file: Path, *words: str, **environment: str) -> str:
    command = ("credential", "put", "acme_corp", "openai", "--type", "API_KEY", "--secret-file", str(file))
    return cli.succeed(*command, *words, **environment)


def test_a_credential_is_stored_listed_and_taken_out_of_use(acme: CommandLine, secret_file: Path) -> None:
    printed = put(acme, secret_file, "--metadata", '{"project": "prod"}')
    assert printed.splitlines()[1].split()[:6] == ["OPENAI", "default", "API_KEY", "****wxyz", "PENDING", "yes"]
    listed = acme.answer("credential", "list", "acme_corp")["credentials"]
    assert [(item["masked"], item["metadata"]) for item in listed] == [("****wxyz", {"project": "prod"})]
    checked = acme.succeed("credential", "validate", "acme_corp", "openai")
    assert "No validator for OPENAI is installed" in checked
    gone = acme.succeed("credential", "deactivate", "acme_corp", "openai")
    assert gone.splitlines()[1].split()[5] == "no"
    assert acme.answer("credential", "list", "acme_corp")["credentials"] == []
    assert len(acme.answer("credential", "list", "acme_corp", "--inactive")["credentials"]) == 1


def test_a_secret_is_never_printed(acme: CommandLine, secret_file: Path) -> None:
    printed = put(acme, secret_file) + acme.succeed("credential", "list", "acme_corp", "--json")
    wrong = acme.run("credential", "put", "acme_corp", "openai", "--type", "NONE", "--secret-file", str(secret_file))
    assert wrong.exit_code == 3
    assert SECRET not in printed + wrong.output + wrong.stderr


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--type", "PASSWORD", "--secret-file", "{file}"), "API_KEY"),
        (("--type", "API_KEY", "--secret-file", "{file}.missing"), "cannot be read"),
        (("--type", "API_KEY", "--secret-file", "{file}", "--metadata", "[]"), "JSON object"),
        (("--type", "API_KEY", "--secret-file", "{file}", "--name", "a b"), "credential_name"),
    ],
)
def test_what_cannot_be_stored_is_named(
    acme: CommandLine, secret_file: Path, words: tuple[str, ...], named: str
) -> None:
    given = (word.format(file=secret_file) for word in words)
    exit_code, problem = acme.refusal("credential", "put", "acme_corp", "openai", *given)
    assert (exit_code, problem["code"]) == (3, "invalid_request")
    assert named in problem["detail"]


def test_a_credential_that_is_not_there_is_not_found(acme: CommandLine) -> None:
    exit_code, problem = acme.refusal("credential", "deactivate", "acme_corp", "openai")
    assert (exit_code, problem["code"]) == (5, "credential_not_found")


def test_keys_are_rotated_and_everything_is_sealed_anew(acme: CommandLine, secret_file: Path) -> None:
    put(acme, secret_file)
    assert acme.answer("sealing", "status")["status"] == "CURRENT"
    rotated = acme.answer("sealing", "rotate")
    needed = acme.run("sealing", "status", "--exit-code")
    assert needed.exit_code == 2
    assert "RESEAL_NEEDED" in needed.stdout
    assert rotated["key_id"] in needed.stdout
    assert "SUCCESS" in acme.succeed("sealing", "reseal")
    assert "CURRENT" in acme.succeed("sealing", "status", "--exit-code")
    assert acme.answer("sealing", "reseal")["resealed"] == 0


def test_a_value_that_does_not_open_makes_the_exit_code_6(acme: CommandLine, secret_file: Path) -> None:
    put(acme, secret_file)
    acme.succeed("sealing", "rotate")
    with acme.warehouse() as live:
        altered = "UPDATE organizations.org_integration_credentials SET encrypted_credential = 'altered'::BLOB"
        live.execute(f"{altered} WHERE provider = 'OPENAI'")
    done = acme.run("sealing", "reseal")
    assert done.exit_code == 6
    assert "PARTIAL" in done.stdout
    assert "not one that was sealed here" in done.stdout
    assert acme.answer("sealing", "status")["status"] == "UNREADABLE"


@pytest.mark.slow
def test_a_service_answers_the_same(acme: CommandLine, secret_file: Path, service_url: str, key_file: Path) -> None:
    there = {"CA_API_URL": service_url, "CA_ROOT_API_KEY": ROOT_KEY}
    acme.succeed("bootstrap", "run", **there)
    exit_code, problem = acme.refusal("credential", "list", "acme_corp", **there)
    assert (exit_code, problem["code"]) == (6, "organization_not_found")
    options = ("--company-name", ACME["company_name"], "--admin-email", ACME["admin_email"])
    acme.succeed("org", "onboard", "acme_corp", *options, **there)
    assert "****wxyz" in put(acme, secret_file, **there)
    assert acme.answer("credential", "list", "acme_corp", **there)["credentials"][0]["masked"] == "****wxyz"
    assert not acme.answer("credential", "validate", "acme_corp", "openai", **there)["checked"]
    assert acme.answer("sealing", "rotate", **there)["place"] == f"local:///{key_file}"
    assert acme.answer("sealing", "reseal", **there)["status"] == "SUCCESS"
    assert acme.answer("sealing", "status", **there)["status"] == "CURRENT"
    assert acme.answer("credential", "deactivate", "acme_corp", "openai", **there)["is_active"] is False


def test_a_key_is_made_for_production_by_command_only(cli: CommandLine, key_file: Path) -> None:
    production = {"CA_ENVIRONMENT": "production"}
    key_file.unlink()
    exit_code, problem = cli.refusal("sealing", "rotate", **production)
    assert (exit_code, problem["code"]) == (3, "configuration_invalid")
    assert not key_file.exists()
    made = cli.answer("sealing", "create", **production)
    assert (made["created"], made["place"]) == (True, f"local:///{key_file}")
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    again = cli.answer("sealing", "create", **production)
    assert (again["created"], again["key_id"]) == (False, made["key_id"])
    assert made["key_id"] in cli.succeed("sealing", "create", **production)


def test_the_key_itself_is_never_printed(acme: CommandLine, secret_file: Path, key_file: Path) -> None:
    put(acme, secret_file)
    printed = [acme.succeed("sealing", *words) for words in (["create"], ["status"], ["rotate"], ["reseal"])]
    for key in json.loads(key_file.read_text())["keys"]:
        assert key["key"] not in "".join(printed)


def test_serving_in_production_without_a_key_is_refused(cli: CommandLine, key_file: Path) -> None:
    cli.succeed("bootstrap", "run")
    key_file.unlink()
    done = cli.run("serve", CA_ENVIRONMENT="production", CA_ROOT_API_KEY=ROOT_KEY)
    assert done.exit_code == 3
    assert "no sealing key" in done.stderr


def test_keys_of_cloud_kms_are_rotated_there(cli: CommandLine) -> None:
    with running() as kms:
        there = {"CA_SEALING_KEY_URI": f"gcp-kms://{KEY}", "CA_KMS_EMULATOR_HOST": kms.address}
        exit_code, problem = cli.refusal("sealing", "rotate", **there)
        assert (exit_code, problem["code"]) == (3, "invalid_request")
        assert "gcloud kms keys versions create" in problem["hint"]
        exit_code, problem = cli.refusal("sealing", "create", **there)
        assert "names no file" in problem["detail"]


@pytest.mark.slow
def test_a_warehouse_moves_from_a_file_to_cloud_kms(acme: CommandLine, secret_file: Path, key_file: Path) -> None:
    put(acme, secret_file)
    with running() as kms:
        there = {"CA_SEALING_KEY_URI": f"gcp-kms://{KEY}", "CA_KMS_EMULATOR_HOST": kms.address}
        assert acme.answer("sealing", "status", **there)["status"] == "UNREADABLE"
        both = {**there, "CA_SEALING_PREVIOUS_KEY_URI": f"local:///{key_file}"}
        assert acme.answer("sealing", "status", **both)["status"] == "RESEAL_NEEDED"
        assert acme.answer("sealing", "reseal", **both)["status"] == "SUCCESS"
        assert acme.answer("sealing", "status", **there)["status"] == "CURRENT"
        doctor = acme.answer("doctor", **there)
        assert {item["name"]: item["passed"] for item in doctor["examinations"]}["sealing_key"]

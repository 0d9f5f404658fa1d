"""`cloudact catalog pull`: files of a live dataset, made in one step or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cloudact.wiring import Services
from tests.acme import ACME, ROOT_KEY
from tests.cli.command_line import CommandLine

ACME_DATASET = "acme_corp_prod"


def pull(cli: CommandLine, out: Path, *words: str, dataset: str = ACME_DATASET) -> str:
    return cli.succeed("catalog", "pull", dataset, "--out", str(out), *words)


def test_what_was_pulled_is_a_catalog_that_the_deployment_is_in_step_with(acme: CommandLine, tmp_path: Path) -> None:
    adopted = tmp_path / "my adopted"
    said = pull(acme, adopted / "setup" / "organizations")
    assert "SUCCESS  19 tables and 4 views written to" in said
    assert said.endswith(f"Next: CA_CONFIG_DIR='{adopted}' cloudact catalog lint\n")
    pull(acme, adopted / "setup" / "bootstrap", dataset="organizations")
    (adopted / "plans.yml").write_bytes((acme.config_dir / "plans.yml").read_bytes())
    environment = {"CA_CONFIG_DIR": str(adopted)}
    assert "is valid" in acme.succeed("catalog", "lint", **environment)
    for words in (["bootstrap", "status"], ["org", "status", "acme_corp"]):
        answer = acme.answer(*words, **environment)
        assert (answer["status"], answer["message"]) == ("SYNCED", "In sync.")


@pytest.mark.slow
def test_as_json_it_is_the_whole_answer(acme: CommandLine, tmp_path: Path) -> None:
    answer = acme.answer("catalog", "pull", ACME_DATASET, "--out", str(tmp_path / "out"))
    assert [*answer] == ["dataset", "org_slug", "files", "notes"]
    written = {
        path.relative_to(tmp_path / "out").as_posix(): path.read_text() for path in (tmp_path / "out").rglob("*.*")
    }
    assert written == answer["files"]


@pytest.mark.slow
def test_an_empty_directory_is_taken_and_another_one_is_not(acme: CommandLine, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    pull(acme, out)
    (out / "config.yml").write_text("mine")
    code, problem = acme.refusal("catalog", "pull", ACME_DATASET, "--out", str(out))
    assert (code, problem["code"]) == (3, "output_refused")
    assert "is not empty" in problem["detail"]
    assert (out / "config.yml").read_text() == "mine"


def test_a_refusal_leaves_nothing(acme: CommandLine, tmp_path: Path) -> None:
    with acme.warehouse() as live:
        live.execute(f"CREATE TABLE {ACME_DATASET}.odd (ok BIGINT, id FLOAT)")
    out = tmp_path / "deep" / "out"
    code, problem = acme.refusal("catalog", "pull", ACME_DATASET, "--out", str(out))
    assert (code, problem["code"]) == (5, "not_declarable")
    assert "odd: id: is FLOAT" in problem["detail"]
    assert not out.parent.exists()
    assert "i acme_corp_prod.odd.id: left out: is FLOAT" in pull(acme, out, "--skip-unsupported")


def test_a_dataset_that_is_not_there_is_not_found(acme: CommandLine, tmp_path: Path) -> None:
    code, problem = acme.refusal("catalog", "pull", "nowhere", "--out", str(tmp_path / "out"))
    assert (code, problem["code"]) == (5, "dataset_not_found")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_running_service_answers_and_the_command_writes(
    cli: CommandLine, services: Services, service_url: str, tmp_path: Path
) -> None:
    services.bootstrap.run()
    at_service = {"CA_API_URL": service_url, "CA_ROOT_API_KEY": ROOT_KEY}
    cli.succeed(
        "org", "onboard", "acme_corp", "--company-name", "A", "--admin-email", ACME["admin_email"], **at_service
    )
    cli.succeed(
        "catalog", "pull", ACME_DATASET, "--out", str(tmp_path / "out"), "--org-slug", "acme_corp", **at_service
    )
    assert (tmp_path / "out" / "config.yml").exists()
    assert not cli.database.exists()
    services.close()
    remote = cli.answer("catalog", "pull", ACME_DATASET, "--out", str(tmp_path / "two"), **at_service)
    local = services.pull.declaration(ACME_DATASET)
    assert remote["files"] == local.files


FORGED = [{"files": {"../../evil": "x"}}, {"files": {"/etc/evil": "x"}}, {"files": [1]}, {"files": {"a": 1}}, {}]


@pytest.mark.parametrize("forged", FORGED, ids=str)
def test_a_service_that_is_none_cannot_write_anywhere(
    cli: CommandLine, answering: Callable[[int, bytes], str], tmp_path: Path, forged: dict[str, object]
) -> None:
    body = json.dumps({"dataset": "d", "org_slug": None, "notes": [], **forged}).encode()
    out = tmp_path / "deep" / "out"
    done = cli.run("catalog", "pull", "d", "--out", str(out), CA_API_URL=answering(200, body))
    assert done.exit_code in {3, 6}
    assert not out.parent.exists()
    assert not (tmp_path / "evil").exists()


def test_help_has_an_example(cli: CommandLine) -> None:
    assert "Example: cloudact catalog pull" in cli.succeed("catalog", "pull", "--help")

"""docs/pipelines.md: its example is a pipeline, and its tables name every key and exit code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from cloudact.cli.errors import INTERRUPTED, RUN_FAILED
from cloudact.pipeline.definition import HeaderFile, RetryFile, StepFile
from cloudact.pipeline.load import load_pipeline
from cloudact.processors.pipelines import Pipelines
from cloudact.processors.registry import load_processors
from cloudact.processors.use_cases import Dependencies
from tests.acme import ROOT
from tests.docs_text import DOCS, blocks, plain, table, tables

DOCUMENT = DOCS / "pipelines.md"
SHIPPED = [path for path in ROOT.glob("configs/**/*.yml") if re.search(r"^pipeline:", path.read_text(), re.MULTILINE)]


def test_the_example_is_a_pipeline(dependencies: Dependencies) -> None:
    pipeline = load_pipeline(blocks(DOCUMENT, "yaml")[0].text, load_processors(dependencies), {"recreate_views": "yes"})
    (step,) = pipeline.steps
    assert step.config.model_dump()["recreate_views"] is True
    assert (step.timeout, step.retry.attempts) == (600, 3)


@pytest.mark.parametrize(("heading", "model"), [("pipeline", HeaderFile), ("steps", StepFile)])
def test_every_key_is_explained(heading: str, model: type[BaseModel]) -> None:
    assert [plain(row["key"]) for row in table(DOCUMENT, heading)] == [*model.model_fields]


def test_the_keys_of_a_retry_are_named() -> None:
    (row,) = [row for row in table(DOCUMENT, "steps") if row["key"] == "`retry`"]
    assert re.findall(r"`(\w+)`", row["meaning"]) == [*RetryFile.model_fields]


def test_the_exit_codes_are_those_of_the_command() -> None:
    codes = [int(row["exit code"]) for row in tables(DOCUMENT, "Run one")[1]]
    assert codes == [0, 3, RUN_FAILED, INTERRUPTED]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_shipped_pipeline_is_valid_and_named(dependencies: Dependencies, path: Path) -> None:
    name = path.relative_to(ROOT / "configs").as_posix()
    assert load_pipeline(Pipelines(ROOT / "configs", dependencies).named(name), load_processors(dependencies))
    assert f"`configs/{name}` creates" in DOCUMENT.read_text()

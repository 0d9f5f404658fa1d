"""Every processor under its name, and one that an installed package adds: the example of docs/processors.md."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cloudact.errors import ConfigurationError
from cloudact.processors.pipelines import Pipelines, RunRequest
from cloudact.processors.registry import SHIPPED, load_processors
from cloudact.processors.use_cases import Dependencies
from cloudact.tenancy.actor import Actor
from tests.api.live import Live
from tests.docs_text import DOCS, blocks, plain, tables

DOCUMENT = DOCS / "processors.md"
BROKEN = {
    "no_such_module:Thing": "ModuleNotFoundError",
    "stranger:absent": "AttributeError",
    "stranger:Nothing": "it has no ps_type, config, plan, run",
    "stranger:Misnamed": "its ps_type is another.name",
    "stranger:fails": "ValueError: on purpose",
}
STRANGER = """
class Nothing:
    def __init__(self, dependencies): pass

class Misnamed(Nothing):
    ps_type, config = "another.name", dict
    def plan(self, config, context): pass
    run = plan

def fails(dependencies):
    raise ValueError("on purpose")
"""
Install = Callable[[str, dict[str, str], str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a package where an installer would: its module, and a dist-info with its entry points."""
    site = tmp_path / "site-packages"

    def put(package: str, points: dict[str, str], module: str, source: str) -> None:
        info = site / f"{package.replace('-', '_')}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = [f"{name} = {value}" for name, value in points.items()]
        (info / "entry_points.txt").write_text("\n".join(["[cloudact.processors]", *lines, ""]))
        (site / f"{module}.py").write_text(source)

    monkeypatch.syspath_prepend(str(site))
    return put


def test_each_shipped_processor_has_the_name_it_is_found_by(dependencies: Dependencies) -> None:
    processors = load_processors(dependencies)
    assert {name: processor.ps_type for name, processor in processors.items()} == {name: name for name in SHIPPED}
    for processor in processors.values():
        assert processor.config.model_config["extra"] == "forbid"
        assert processor.config.model_config["frozen"]


def test_the_document_lists_them_with_every_field(dependencies: Dependencies) -> None:
    assert [plain(row["ps_type"]) for row in tables(DOCUMENT, "What ships")[0]] == [*SHIPPED]
    for name, processor in load_processors(dependencies).items():
        if name == "setup.organizations.onboarding":
            continue  # it takes the fields of the dry run, as the document says
        shown = {plain(row["field"]): row["meaning"] for row in next(iter(tables(DOCUMENT, name)), [])}
        assert shown == {field: item.description for field, item in processor.config.model_fields.items()}


def test_a_package_of_the_document_adds_a_processor(
    install: Install, dependencies: Dependencies, tmp_path: Path
) -> None:
    (project,) = blocks(DOCUMENT, "toml")
    (source,) = blocks(DOCUMENT, "python")
    declared = tomllib.loads(project.text)["project"]
    points = declared["entry-points"]["cloudact.processors"]
    install(declared["name"], points, "acme_processors", source.text)
    (tmp_path / "count.yml").write_text(blocks(DOCUMENT, "yaml")[0].text)
    live = Live(dependencies.warehouse)
    live.execute("CREATE SCHEMA acme_corp_prod")
    live.execute("CREATE TABLE acme_corp_prod.genai_payg_pricing AS FROM range(3)")
    run = Pipelines(tmp_path, dependencies).run
    request = RunRequest(tmp_path / "count.yml", "acme_corp", {"table": "genai_payg_pricing"}, actor=Actor.system())
    planned, report = run(replace(request, dry_run=True)), run(request)
    assert planned.steps[0].summary == "would count genai_payg_pricing"
    assert (report.state, report.steps[0].rows_processed) == ("COMPLETED", 3)
    assert report.steps[0].summary == "acme_corp_prod.genai_payg_pricing has 3 rows"


@pytest.mark.parametrize("value", BROKEN)
def test_a_package_that_cannot_be_used_is_named(install: Install, dependencies: Dependencies, value: str) -> None:
    install("acme-broken", {"acme.broken": value}, "stranger", STRANGER)
    with pytest.raises(ConfigurationError) as raised:
        load_processors(dependencies)
    assert f"processor acme.broken of acme-broken ({value}) cannot be used" in raised.value.message
    assert BROKEN[value] in raised.value.message


def test_no_package_takes_the_place_of_another(install: Install, dependencies: Dependencies) -> None:
    install("acme-broken", {"setup.organizations.sync": "stranger:Nothing"}, "stranger", STRANGER)
    with pytest.raises(ConfigurationError, match="its ps_type is taken"):
        load_processors(dependencies)

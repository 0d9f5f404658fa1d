"""`docs/catalog-lint.md` lists every rule as it is."""

from __future__ import annotations

from cloudact.lint.registry import RULES, Level
from cloudact.lint.revisions.renames import SAME_COLUMNS, SIMILAR
from tests.docs_text import DOCS, headings, plain, prose, table

PAGE = DOCS / "catalog-lint.md"
COLUMNS = ["code", "name", "level", "meaning", "for example", "what to do"]


def test_every_code_is_explained_with_an_example_and_what_to_do() -> None:
    themes = headings(PAGE)[headings(PAGE).index("Codes") + 1 :]
    rows = [row for theme in themes for row in table(PAGE, theme)]
    assert {tuple(row) for row in rows} == {tuple(COLUMNS)}
    documented = {plain(row["code"]): (row["name"], row["level"], plain(row["meaning"])) for row in rows}
    assert documented == {str(rule.code): (rule.name, str(rule.level), plain(rule.meaning)) for rule in RULES.values()}
    assert all(cell for row in rows for cell in row.values())
    assert len(rows) == len(RULES)


def test_levels_and_thresholds_are_those_that_are_used() -> None:
    assert [plain(row["level"]) for row in table(PAGE, "Levels and exit codes")] == [str(level) for level in Level]
    assert f"{SIMILAR:.0%}".replace("%", " %") in prose(PAGE)
    assert f"{SAME_COLUMNS:.0%}".replace("%", " %") in prose(PAGE)

"""Slugs: a name that is one can be made, nothing else can."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudact.errors import InvalidRequest
from cloudact.tenancy.names import RESERVED, OrgSlug, slug_problem

SHAPE = "must be 3 to 50 characters of a-z, 0-9 and underscore"


@pytest.mark.parametrize("text", ["acme_corp", "acme", "abc", "a" * 50, "2024_corp", "123", "a__b_", "adminx"])
def test_a_slug_is_3_to_50_letters_digits_and_underscores(text: str) -> None:
    slug = OrgSlug(text)
    assert (slug, str(slug), slug_problem(text)) == (text, text, "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ab",
        "a" * 51,
        "Acme",
        "acme-corp",
        "acme corp",
        "acme.corp",
        "acme\n",
        "\nacme",
        " acme",
        "acme;drop",
        "acme`",
        "größe",
        "\u0430cme",
        "acme\u0661",
        "acme\0",
        "../acme",
        "acme%00",
    ],
    ids=ascii,
)
def test_any_other_text_is_refused_and_told_the_shape(text: str) -> None:
    with pytest.raises(InvalidRequest, match=re.escape(SHAPE)) as caught:
        OrgSlug(text)
    (problem,) = caught.value.problems
    assert (problem.field, problem.what) == ("org_slug", SHAPE)
    assert repr(text) in caught.value.message


@pytest.mark.parametrize("text", sorted(RESERVED))
def test_a_reserved_name_is_refused_with_the_list_of_them(text: str) -> None:
    with pytest.raises(InvalidRequest, match="is reserved; reserved names are admin, api, "):
        OrgSlug(text)


@pytest.mark.parametrize("text", ["organizations", "tenants", "main", "information_schema", "onboard", "dryrun"])
def test_names_that_mean_something_else_are_reserved(text: str) -> None:
    assert text in RESERVED


@pytest.mark.parametrize("text", ["_acme", "___", "_prod"])
def test_a_leading_underscore_is_refused_with_its_reason(text: str) -> None:
    assert slug_problem(text) == "must not begin with an underscore: BigQuery hides datasets that do"


@given(st.from_regex(r"[a-z0-9][a-z0-9_]{2,49}", fullmatch=True).filter(lambda text: text not in RESERVED))
def test_every_text_of_that_shape_is_a_slug(text: str) -> None:
    assert OrgSlug(text) == text


@given(st.text() | st.text("aZ_0 \n-", max_size=55))
def test_whatever_becomes_a_slug_has_that_shape(text: str) -> None:
    if not slug_problem(text):
        assert re.fullmatch(r"[a-z0-9][a-z0-9_]{2,49}", OrgSlug(text))

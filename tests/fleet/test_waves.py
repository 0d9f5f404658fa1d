"""Waves: every organization is in exactly one, and the same ones come first at every call."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudact.errors import InvalidRequest
from cloudact.fleet.waves import Member, Wave, chosen, divide, parse

PLANS = ("STARTER", "SCALE", None)
members = st.lists(
    st.builds(
        Member,
        slug=st.from_regex(r"[a-z]{3,6}", fullmatch=True),
        plan=st.sampled_from(PLANS),
        labels=st.dictionaries(st.sampled_from(["tier", "region"]), st.sampled_from(["gold", "eu"])),
    ),
    unique_by=lambda member: member.slug,
    max_size=40,
)
selectors = st.lists(
    st.one_of(
        st.sampled_from(["label:tier=gold", "plan:SCALE", "plan:NOBODY", "rest"]),
        st.integers(1, 20).map(str),
        st.integers(1, 100).map("{}%".format),
    ),
    max_size=5,
)


def fleet(number: int) -> list[Member]:
    return [Member(f"org_{index:03}", PLANS[index % 2], {"tier": "gold"} if index % 10 == 0 else {}) for index in
            range(number)]  # fmt: skip


def sizes(waves: tuple[Wave, ...]) -> list[int]:
    return [len(wave.slugs) for wave in waves]


@given(members, selectors)
def test_everybody_is_in_exactly_one_wave(found: list[Member], texts: list[str]) -> None:
    waves = divide(found, texts)
    assert sorted(slug for wave in waves for slug in wave.slugs) == sorted(member.slug for member in found)
    assert [wave.number for wave in waves] == list(range(1, len(waves) + 1))
    assert all(wave.slugs for wave in waves)


@given(members, selectors, st.randoms())
def test_the_order_they_are_found_in_does_not_matter(found: list[Member], texts: list[str], random: object) -> None:
    assert divide(found, texts) == divide(sorted(found, key=lambda member: member.slug), texts)


@given(st.integers(0, 300), st.integers(1, 100))
def test_a_share_is_of_all_and_rounded_up(number: int, percent: int) -> None:
    waves = divide(fleet(number), [f"{percent}%"])
    assert sizes(waves)[:1] == ([math.ceil(number * percent / 100)] if number else [])


def test_without_selectors_there_is_one_wave_of_all() -> None:
    assert sizes(divide(fleet(7), [])) == [7]
    assert divide([], ["10%"]) == ()


def test_each_selector_takes_from_those_that_are_left() -> None:
    waves = divide(fleet(100), ["slug:org_010,org_001", "label:tier=gold", "plan:SCALE", "5", "10%", "rest"])
    assert waves[0] == Wave(1, "slug:org_010,org_001", ("org_010", "org_001"))
    assert set(waves[1].slugs) == {f"org_{index:03}" for index in range(0, 100, 10)} - {"org_010"}
    assert sizes(waves) == [2, 9, 49, 5, 10, 25]
    assert {int(slug[4:]) % 2 for slug in waves[2].slugs} == {1}


def test_a_share_is_no_run_of_names() -> None:
    canary = divide(fleet(200), ["10%"])[0].slugs
    assert list(canary) != sorted(canary)
    assert len({slug[:5] for slug in canary}) > 1


def test_fractions_of_a_percent() -> None:
    assert sizes(divide(fleet(1000), ["0.1%", "0.25%"])) == [1, 3, 996]


@pytest.mark.parametrize(
    "text",
    ["", "0", "-1", "0%", "100.1%", "101%", "1e2", "slug:", "slug:a,,b", "label:tier", "label:=x", "plan:", "plan",
     "everybody", "5 %", "\u0661", "rest:x"],
)  # fmt: skip
def test_what_is_no_wave_is_refused_with_what_is_one(text: str) -> None:
    with pytest.raises(InvalidRequest, match="a wave is slug:NAME"):
        parse(text)


def test_a_name_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="not among those to be synced: org_999"):
        divide(fleet(3), ["slug:org_001,org_999"])


def test_a_name_of_an_earlier_wave_is_left_out() -> None:
    assert sizes(divide(fleet(3), ["slug:org_001", "slug:org_001,org_002"])) == [1, 1, 1]


def test_who_is_chosen_is_whoever_any_selector_takes() -> None:
    found = fleet(20)
    assert chosen(found, []) == chosen(found, ["rest", "1"]) == {member.slug for member in found}
    assert chosen(found, ["slug:org_003", "label:tier=gold"]) == {"org_003", "org_000", "org_010"}
    assert len(chosen(found, ["25%", "2"])) == 7
    with pytest.raises(InvalidRequest, match="org_999"):
        chosen(found, ["slug:org_999"])


def test_a_slug_that_is_known_is_in_no_wave() -> None:
    (wave,) = divide(fleet(3), ["slug:elsewhere"], frozenset({"elsewhere"}))
    assert (wave.number, wave.selector) == (1, "rest")

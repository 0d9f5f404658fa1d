"""Names and texts of any kind are written so that DuckDB reads the very same."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudact.warehouse.duckdb.type_map import literal, quote

AWKWARD = "'\"\\`;-/*#{}()$%?:\n\r\t aAé"
TEXTS = st.one_of(st.text(AWKWARD), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as found:
        yield found


@given(text=TEXTS, name=TEXTS.filter(bool))
def test_what_is_written_is_what_is_read(connection, text, name):
    found = connection.execute(f"SELECT {literal(text)} AS {quote(name)}")
    assert found.description[0][0] == name
    assert found.fetchall() == [(text,)]

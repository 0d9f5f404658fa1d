"""MERGE in a transaction, which the emulator aborts; one that only inserts says the same as an INSERT of a SELECT."""

from __future__ import annotations

from sqlglot import exp

from tests.local_bigquery.answers import not_modelled


def as_insert(merge: exp.Merge) -> exp.Insert:
    """Return the INSERT that does what a MERGE with nothing but WHEN NOT MATCHED THEN INSERT does."""
    whens = merge.args["whens"].expressions
    insert = whens[0].args.get("then") if len(whens) == 1 and not whens[0].args.get("matched") else None
    target = merge.this
    if not isinstance(insert, exp.Insert) or not isinstance(insert.this, exp.Tuple) or not target.alias:
        raise not_modelled("a MERGE in a transaction that does more than insert")
    there = exp.select("1").from_(target.copy()).where(merge.args["on"].copy())
    rows = exp.select(*insert.expression.expressions).from_(merge.args["using"].copy())
    bare = target.copy()
    bare.set("alias", None)
    columns = [column.this for column in insert.this.expressions]
    return exp.insert(rows.where(exp.Not(this=exp.Exists(this=there))), bare, columns=columns)

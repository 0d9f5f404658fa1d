"""What the names in a view's query stand for: right ones are silent, and each wrong one is told with its line."""

from __future__ import annotations

import pytest

from cloudact.catalog.model import Table
from cloudact.catalog.problems import Code, Problems
from cloudact.catalog.resolution.columns import check_columns
from cloudact.catalog.schema_file import columns_from_json
from cloudact.catalog.view_file import parse_view
from cloudact.errors import Problem
from tests.catalog.declared import column

FILE = "views/v.sql"
T = [
    column("id", "INT64"),
    column("Name"),
    column("j", "JSON"),
    column("rec", "RECORD", fields=[column("a", "INT64"), column("B", "RECORD", fields=[column("c")])]),
    column("lines", "RECORD", mode="REPEATED", fields=[column("sku"), column("qty", "INT64")]),
    column("tags", mode="REPEATED"),
    column("rg", "RANGE", rangeElementType={"type": "DATE"}),
]
U = [column("id", "INT64"), column("x")]
KNOWN = {
    ("{dataset}", name): Table(name, columns_from_json(columns, Problems())) for name, columns in (("t", T), ("u", U))
}

RIGHT = [
    "select ID, name, rec.a, rec.b.C from {dataset}.t",
    "select T.rec.B.c from {dataset}.T",
    "select l.sku from {dataset}.t, unnest(lines) as l",
    "select sku from {dataset}.t, unnest(lines)",
    "select sku from {dataset}.t join unnest(lines) l",
    "select l.sku from {dataset}.t as P, p.lines as l",
    "select P.id from {dataset}.t as p",
    "select tag, o from {dataset}.t, unnest(tags) as tag with offset as o",
    "with c as (select id as k from {dataset}.t) select k from c",
    "select * from {dataset}.t",
    "select * except (id) from {dataset}.t",
    "select u.x from {dataset}.t join {dataset}.u using (id)",
    "select (select count(*) from unnest(lines) l where l.sku='x') n from {dataset}.t",
    "select (select sum(qty) from unnest(lines)) n from {dataset}.t",
    "select id as k, count(*) n from {dataset}.t group by k having n > 1 order by n",
    "select id as k, count(*) n from {dataset}.t group by 1 order by 2",
    "select array(select as struct sku from unnest(lines)) from {dataset}.t",
    "select t from {dataset}.t",
    "select t.* from {dataset}.t",
    "select rec.* from {dataset}.t",
    "select u.x from {dataset}.u where exists (select 1 from {dataset}.t where t.id=u.id and name='1')",
    "select _PARTITIONTIME from {dataset}.t",
    "select json_value(j.foo), j.bar.baz from {dataset}.t",
    "select lines[offset(0)].sku from {dataset}.t",
    "select date_diff(current_date(), current_date(), DAY), extract(year from current_date()) from {dataset}.t",
    "select timestamp_trunc(current_timestamp(), hour) from {dataset}.t",
    "select s.rec.a from (select rec from {dataset}.t) s",
    "select d from {dataset}.t, unnest(generate_date_array('2020-01-01','2020-02-01')) as d",
    "select x from {dataset}.t, unnest([struct(1 as x)])",
    "select s.x from {dataset}.t, unnest([struct(1 as x)]) s",
    "select (select x from {dataset}.u where u.id=t.id) from {dataset}.t",
    "select l.qty from {dataset}.t left join unnest(t.lines) l on true",
    "select t.id from {dataset}.t where exists(select 1 from unnest(lines) where sku = name)",
    "select t.id from {dataset}.t where 'a' in unnest(tags)",
    "select sum(id) over w from {dataset}.t window w as (partition by name)",
    "with recursive r as (select 1 as n union all select n+1 from r where n<5) select n from r",
    "select id from {dataset}.t qualify row_number() over (partition by name order by id)=1",
    "select id, row_number() over (partition by name order by id) as rn from {dataset}.t qualify rn=1",
    "select * from (select id, name from {dataset}.t) pivot(count(*) for name in ('a','b'))",
    "select as struct id from {dataset}.t",
    "select as value rec from {dataset}.t",
    "select r.a from (select as value rec from {dataset}.t) r",
    "select t.rec as r, count(*) from {dataset}.t group by r.a, r",
    "select struct(id as z).z from {dataset}.t",
    "select id from {dataset}.t tablesample system (10 percent)",
    "select array_agg(struct(id, name) order by id)[offset(0)].name from {dataset}.t",
    "select id from {dataset}.t union all select id from {dataset}.u order by id",
    "select range_start(rg) from {dataset}.t",
    "select net.host(name), safe.substr(name, 1, 2), hll_count.init(id) from {dataset}.t",
    "select case when id=1 then name else 'x' end as name2 from {dataset}.t order by name2",
    "with a as (select id from {dataset}.t), b as (select a.id, u.x from a, {dataset}.u) select b.x, b.id from b",
    "select id, x from {dataset}.t inner join {dataset}.u using (id)",
    "select t1.id from {dataset}.t t1 left join {dataset}.t t2 on t1.id=t2.id",
    "select any_value(name having max id) from {dataset}.t",
    "select string_agg(distinct name, ',' order by name) from {dataset}.t",
    "select x.name from (select id, array_agg(t) as x2 from {dataset}.t group by id), unnest(x2) as x",
    "select id, if(name is null, 0, 1) as flag from {dataset}.t where regexp_contains(name, r'^a')",
    "select k, v from {dataset}.t unpivot(v for k in (id))",
    "select `id` from {dataset}.t",
    "select t.id from {dataset}.t, (select max(id) as m from {dataset}.u) where t.id = m",
    "select 1 as one",
    "select column_name from {dataset}.t, unnest(split(name, ',')) as column_name",
    "select lines[safe_offset(0)] from {dataset}.t",
    "select tt.id, el from {dataset}.t tt, unnest(tt.tags) el where el is not null",
    "select id from {dataset}.t for system_time as of timestamp '2020-01-01'",
    "select parse_json(name).a.b from {dataset}.t",
    "select unix_seconds(ts) from (select current_timestamp() as ts from {dataset}.t)",
    "select e.sku from {dataset}.t cross join unnest(array(select as struct sku from unnest(lines))) as e",
    "select max(l.qty) over (order by id rows between 1 preceding and current row) from {dataset}.t, unnest(lines) l",
    "select (select as struct id, name).id from {dataset}.t",
    "select interval id day, date_add(current_date(), interval id day) from {dataset}.t",
    "with q as (select * from {dataset}.t) select q.id, q.rec.a from q",
    "with q as (select * from {dataset}.t) select id, sku from q, unnest(lines)",
    "with q as (select *, id+1 as nxt from {dataset}.t) select nxt from q",
    "select id from (select * except (name) from {dataset}.t)",
    "select t.lines[0].sku from {dataset}.t",
    "select date(name) as day, count(*) as c from {dataset}.t group by day",
    "select coalesce(t.id, u.id) as id from {dataset}.t full outer join {dataset}.u on t.id = u.id order by id",
    "select exists(select 1 from unnest(t.lines) l where l.qty > u.id) from {dataset}.t join {dataset}.u on true",
    "select id from {dataset}.t where id in (select id from {dataset}.u where x = name)",
    "select id, rank() over (order by sum(id)) from {dataset}.t group by id",
]

NOWHERE = "is a column of none of the tables it reads"
WRONG = {
    "select nope, zz from {dataset}.t": [f"nope: {NOWHERE}", f"zz: {NOWHERE}"],
    "select id as k from {dataset}.t where k = 1": [f"k: {NOWHERE}"],
    "select rec.zz, t.rec.b.zz from {dataset}.t": [
        "t.rec.b.zz: is no field of t.rec.b",
        "t.rec.zz: is no field of t.rec",
    ],
    "select l.zz from {dataset}.t, unnest(lines) as l": ["l.zz: is no field of l"],
    "select zz from {dataset}.t, unnest(lines)": [f"zz: {NOWHERE}"],
    "select l.zz from {dataset}.t as p, p.lines as l": ["l.zz: is no field of l"],
    "with c as (select id as k from {dataset}.t) select id from c": [f"id: {NOWHERE}"],
    "with q as (select * from {dataset}.t) select zz from q": [f"zz: {NOWHERE}"],
    "select id from (select * except (id) from {dataset}.t)": [f"id: {NOWHERE}"],
    "select id from {dataset}.t, {dataset}.u": ["id: is a column of t and of u, and the query does not say of which"],
    "select x from {dataset}.t join {dataset}.u using (zz)": [": cannot be resolved: Cannot automatically join: zz"],
    "select (select count(*) from unnest(lines) l where l.zz = 'x') as n from {dataset}.t": ["l.zz: is no field of l"],
    "select (select sum(zz) from unnest(lines)) as n from {dataset}.t": [f"zz: {NOWHERE}"],
    "select x from {dataset}.u where exists (select 1 from {dataset}.t where t.id = u.id and zz = 1)": [
        f"zz: {NOWHERE}"
    ],
    "select 1 as a union all select zz from {dataset}.t": [f"zz: {NOWHERE}"],
    "select lines[offset(0)].zz from {dataset}.t": ["t.lines[OFFSET(0)].zz: is no field of t.lines[OFFSET(0)]"],
    "select row_number() over (partition by name order by zz) as n from {dataset}.t": [f"zz: {NOWHERE}"],
    "select s.rec.zz from (select rec from {dataset}.t) as s": ["s.rec.zz: is no field of s.rec"],
    "select any_value(id having max zz) as a from {dataset}.t": [f"zz: {NOWHERE}"],
    "select id from {dataset}.t as p where t.id = 1": [f"t.id: {NOWHERE}"],
    "select u.x.foo from {dataset}.u": ["u.x.foo: is no field of u.x"],
    "select x.y.z from {dataset}.t": [f"x.y.z: {NOWHERE}"],
    "select lines.sku from {dataset}.t": ["t.lines.sku: is no field of t.lines"],
    "select id as k from {dataset}.t group by zz": [f"zz: {NOWHERE}"],
    "select id from {dataset}.t order by zz": [f"zz: {NOWHERE}"],
    "select * except (zz, ID) from {dataset}.t": [f"zz: {NOWHERE}"],
    "select p.* except (zz) from {dataset}.t as p, {dataset}.u": [f"zz: {NOWHERE}"],
    "select p.id from (select * replace (1 as zz) from {dataset}.t) as p": [f"zz: {NOWHERE}"],
}


def found(query: str) -> list[Problem]:
    """Return what is wrong with the columns of a query that is one."""
    problems = Problems(FILE)
    parsed = parse_view(query, problems)
    assert parsed
    check_columns(parsed, KNOWN, problems)
    return problems.found


@pytest.mark.parametrize("query", RIGHT)
def test_what_bigquery_resolves_is_resolved(query: str) -> None:
    assert found(query) == []


@pytest.mark.parametrize(("query", "expected"), WRONG.items())
def test_what_no_table_has_is_told(query: str, expected: list[str]) -> None:
    problems = found(query)
    assert [f"{problem.field}: {problem.what}" for problem in problems] == expected
    assert {problem.code for problem in problems} == {Code.UNKNOWN_COLUMN}


def test_a_name_is_told_once_at_its_first_line() -> None:
    (problem,) = found("SELECT\n  id,\n  nope\nFROM {dataset}.t\nWHERE nope = {org_slug}")
    assert (problem.where, problem.field, problem.line) == (FILE, "nope", 3)


def test_nothing_is_said_of_columns_while_a_table_is_not_known() -> None:
    assert found("SELECT nope FROM {dataset}.t, {dataset}.other") == []

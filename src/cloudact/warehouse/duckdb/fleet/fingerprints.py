"""The fingerprints of all datasets of a file, in one query that takes one snapshot of the catalog.

A dataset is digested part by part, and the digests of its parts, sorted, once more:

- a table as its name, what DuckDB's own CREATE TABLE says from the first parenthesis on, and the digest of the
  definition that `inspect` reads it with;
- a view as its definition with placeholders in it, as far as it was rendered with the dataset's own name and value. A
  definition from before there were templates has the values in it, quoted; put back into their placeholders, they give
  the template that it was rendered from;
- any other view as its text, without the dataset's name;
- description and labels, from the manifest.

DuckDB returns a row a dataset: nothing of a table but its name comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import duckdb

from cloudact.catalog.view_file import OWN_DATASET, SLUG
from cloudact.warehouse.duckdb.manifest import DEFINITIONS, INTERNAL, MACRO, VERSION
from cloudact.warehouse.duckdb.type_map import literal, quote
from cloudact.warehouse.fingerprints import Fingerprint, Naming

_HERE = "database_name = current_database()"
_VALUE, _DATASET = literal(f"'{{{SLUG}}}'"), literal(f"`{{{OWN_DATASET}}}`")
# Two units that ran at the same time may both have stored a definition.
_DEFINITIONS = f"SELECT digest, any_value(body) AS body FROM {quote(INTERNAL)}.{quote(DEFINITIONS)} GROUP BY digest"
_NO_DEFINITIONS = "SELECT '' AS digest, '' AS body WHERE false"
_MEANT = f"""
    SELECT schema_name AS dataset, coalesce(other.value, substr(
        schema_name, length($before) + 1, length(schema_name) - length($before) - length($after))) AS value
    FROM duckdb_schemas()
    LEFT JOIN (SELECT unnest($names) AS name, unnest($values) AS value) AS other ON other.name = schema_name
    WHERE {_HERE} AND NOT internal AND schema_name <> {literal(INTERNAL)} AND (other.name IS NOT NULL OR (
        starts_with(schema_name, $before) AND ends_with(schema_name, $after)
        AND length(schema_name) > length($before) + length($after)))"""
# A macro that somebody made by hand may hold anything; `inspect` refuses it, so it is told apart by its text.
_TEXTS = f"""
    SELECT schema_name AS dataset, replace(substr(macro_definition, 2, length(macro_definition) - 2), '''''', '''')
        AS body
    FROM duckdb_functions()
    WHERE {_HERE} AND function_name = {literal(MACRO)} AND function_type = 'macro' AND len(parameters) = 0"""
_SHAPE = """{"version":"BIGINT","location":"VARCHAR","description":"VARCHAR","labels":"JSON","revision":"BIGINT",
    "tables":"MAP(VARCHAR, VARCHAR)"}"""
_MANIFESTS = f"""
    SELECT dataset, body, found.location AS location, found.description AS description,
        found.labels::VARCHAR AS labels, found.tables AS tables, coalesce(found.version = {VERSION}
            AND found.location IS NOT NULL AND found.description IS NOT NULL AND found.labels IS NOT NULL
            AND found.tables IS NOT NULL AND found.revision IS NOT NULL, false) AS readable
    FROM (SELECT dataset, body, CASE WHEN json_valid(body) THEN json_transform(body, {literal(_SHAPE)}) END AS found
        FROM texts)"""
_ENTRIES = """
    SELECT dataset, lower(unnest(map_keys(tables))) AS name, unnest(map_values(tables)) AS digest
    FROM manifests WHERE readable"""
_OF_DATASETS = """
    SELECT dataset, md5(CASE WHEN manifests.readable IS NOT false
        THEN concat('dataset ', length(coalesce(description, '')), ' ', description, ' ', coalesce(labels, '{}'))
        ELSE concat('unreadable ', body) END) AS part, NULL AS table_name
    FROM meant LEFT JOIN manifests USING (dataset)"""
_OF_TABLES = f"""
    SELECT schema_name AS dataset, md5(concat('table ', length(table_name), ' ', table_name, ' ',
        coalesce(definitions.digest, 'unknown'), substr(sql, strpos(sql, '(')))) AS part, table_name
    FROM duckdb_tables()
    LEFT JOIN entries ON entries.dataset = schema_name AND entries.name = lower(table_name)
    LEFT JOIN definitions ON definitions.digest = entries.digest
    WHERE {_HERE} AND NOT internal"""
# A definition without a template that has the text of a placeholder in it means that text.
_NORMALIZED = f"""CASE WHEN contains(body, {_VALUE}) OR contains(body, {_DATASET}) THEN concat('plain ', body)
    ELSE replace(replace(body, concat('''', value, ''''), {_VALUE}), concat('`', dataset, '`'), {_DATASET}) END"""
_OF_VIEWS = f"""
    SELECT dataset, md5(concat('view ', length(name), ' ', name, ' ', CASE
        WHEN body IS NULL THEN concat('foreign ', replace(text, dataset, {_DATASET}))
        WHEN rendered = '' THEN {_NORMALIZED}
        WHEN rendered IN ('?', concat('?{SLUG}=', value)) THEN body
        ELSE concat(rendered, ' ', body) END)) AS part, NULL AS table_name
    FROM (SELECT meant.dataset, value, view_name AS name, coalesce(comment, sql) AS text, substr(text, 33) AS rendered
        FROM duckdb_views() JOIN meant ON meant.dataset = schema_name WHERE {_HERE} AND NOT internal)
    LEFT JOIN definitions ON definitions.digest = left(text, 32) AND (rendered = '' OR starts_with(rendered, '?'))"""
_REST = f"""meant AS MATERIALIZED ({_MEANT}),
        texts AS ({_TEXTS}), manifests AS MATERIALIZED ({_MANIFESTS}), entries AS ({_ENTRIES}),
        parts AS ({_OF_DATASETS} UNION ALL {_OF_TABLES} UNION ALL {_OF_VIEWS})
    SELECT dataset, CASE WHEN any_value(meant.value) IS NOT NULL THEN md5(array_to_string(list_sort(list(part)), ''))
        END, coalesce(any_value(location), ''), list(table_name) FILTER (table_name IS NOT NULL)
    FROM parts LEFT JOIN meant USING (dataset) LEFT JOIN manifests USING (dataset)
    GROUP BY dataset"""
Note = Callable[[str, Collection[str]], None]


def fingerprints(connection: duckdb.DuckDBPyConnection, naming: Naming, note: Note) -> dict[str, Fingerprint]:
    """Return the fingerprint of each dataset that `naming` means, by name.

    `note` is told the tables of each dataset of the file, whatever it is called: to walk them takes most of the time.
    """
    parameters = {
        "before": naming.before,
        "after": naming.after,
        "names": list(naming.others.keys()),
        "values": list(naming.others.values()),
    }
    try:
        connection.execute(f"WITH definitions AS MATERIALIZED ({_DEFINITIONS}), {_REST}", parameters)
    except duckdb.CatalogException:
        # A file in which nothing was made yet, or where somebody took away what was on record.
        connection.execute(f"WITH definitions AS ({_NO_DEFINITIONS}), {_REST}", parameters)
    found: dict[str, Fingerprint] = {}
    while rows := connection.fetchmany(1000):
        for dataset, digest, location, tables in rows:
            if digest is not None:
                found[dataset] = Fingerprint(digest, location)
            if tables is not None:
                note(dataset, tables)
    return found

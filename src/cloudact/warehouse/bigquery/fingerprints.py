"""The fingerprints of all datasets of a region, in one query of its INFORMATION_SCHEMA.

A dataset is digested part by part, and the digests of its parts, sorted, once more. A part is what `inspect` reads:
the `ddl` of a table or view without the view's own place, and each option that makes a dataset's description or labels.
A part that BigQuery does not describe sets its dataset apart from every other one, because only `tables.get` tells it.

Views name their dataset and their organization. Both are put back into placeholders: the name in back quotes, the value
in single quotes, which is how a view is rendered (see catalog/view_file.py), so of two views rendered from one template
the same is left. A text that has the same left and comes from elsewhere is one that names its own dataset and value in
just these places. One that has a value in the place of a fixed literal, or the text of a placeholder itself, is told
apart. So is a view of a slug that its template has as a literal, which costs a look more and nothing else.

As in INFORMATION_SCHEMA, nothing is said of policy tags.
"""

from __future__ import annotations

from collections.abc import Collection

from cloudact.catalog.view_file import OWN_DATASET, SLUG
from cloudact.warehouse.bigquery.inspect import LISTED_TABLES, LISTED_VIEWS
from cloudact.warehouse.bigquery.statements.ddl import text
from cloudact.warehouse.bigquery.statements.parameters import parameter
from cloudact.warehouse.bigquery.statements.rows import quote
from cloudact.warehouse.bigquery.transport.client import BigQueryClient, Statement
from cloudact.warehouse.bigquery.transport.concurrently import concurrently
from cloudact.warehouse.fingerprints import Fingerprint, Naming

_SEPARATOR = ":"  # no name of a dataset has it
_VALUE, _DATASET = text(f"'{{{SLUG}}}'"), text(f"`{{{OWN_DATASET}}}`")
_MEANT = f"""
    SELECT schema_name AS dataset, location, IFNULL(other.value, SUBSTR(schema_name, LENGTH(@before) + 1,
        GREATEST(LENGTH(schema_name) - LENGTH(@before) - LENGTH(@after), 0))) AS value
    FROM {{region}}.INFORMATION_SCHEMA.SCHEMATA
    LEFT JOIN (SELECT SPLIT(pair, "{_SEPARATOR}")[OFFSET(0)] AS name, SPLIT(pair, "{_SEPARATOR}")[OFFSET(1)] AS value
        FROM UNNEST(@others) AS pair) AS other ON other.name = schema_name
    WHERE other.name IS NOT NULL OR (STARTS_WITH(schema_name, @before) AND ENDS_WITH(schema_name, @after)
        AND LENGTH(schema_name) > LENGTH(@before) + LENGTH(@after))"""
_OPTIONS = """
    SELECT schema_name AS dataset, CONCAT("option ", option_name, " ", option_value) AS part
    FROM {region}.INFORMATION_SCHEMA.SCHEMATA_OPTIONS WHERE option_name IN ("description", "labels")"""
_PLACELESS = "REPLACE(ddl, CONCAT('`', table_catalog, '.', table_schema, '.', table_name, '`'), '')"
_RELATIONS = f"""
    SELECT dataset, CONCAT("relation ", CAST(LENGTH(table_name) AS STRING), " ", table_name, " ", CASE
        WHEN body IS NULL THEN CONCAT("undescribed in ", dataset)
        WHEN table_type IN ({", ".join(map(text, sorted(LISTED_TABLES)))}) THEN body
        WHEN STRPOS(body, {_VALUE}) > 0 OR STRPOS(body, {_DATASET}) > 0 THEN CONCAT("plain ", body)
        ELSE REPLACE(REPLACE(body, CONCAT("'", value, "'"), {_VALUE}), CONCAT("`", dataset, "`"), {_DATASET})
        END) AS part
    FROM (SELECT dataset, value, table_name, table_type, {_PLACELESS} AS body
        FROM {{region}}.INFORMATION_SCHEMA.TABLES JOIN meant ON dataset = table_schema
        WHERE table_type IN ({", ".join(map(text, sorted(LISTED_TABLES | LISTED_VIEWS)))}))"""
_QUERY = f"""
    WITH meant AS ({_MEANT}), parts AS (SELECT dataset, "dataset" AS part FROM meant UNION ALL {_OPTIONS}
        UNION ALL {_RELATIONS})
    SELECT meant.dataset, location, TO_HEX(MD5(STRING_AGG(TO_HEX(MD5(part)), "" ORDER BY part)))
    FROM meant JOIN parts ON parts.dataset = meant.dataset
    GROUP BY meant.dataset, location"""


def fingerprints(client: BigQueryClient, locations: Collection[str], naming: Naming) -> dict[str, Fingerprint]:
    """Return the fingerprint of each dataset in these locations that `naming` means, by name."""
    pairs = [f"{name}{_SEPARATOR}{value}" for name, value in naming.others.items()]
    given = {"before": naming.before, "after": naming.after, "others": pairs}
    parameters = tuple(parameter(name, value) for name, value in given.items())

    def of_region(location: str) -> dict[str, Fingerprint]:
        statement = _QUERY.replace("{region}", quote(client.project, f"region-{location.lower()}"))
        answer = client.query(Statement(statement, parameters), location)
        return {dataset: Fingerprint(digest, where) for dataset, where, digest in answer.rows}

    found: dict[str, Fingerprint] = {}
    for part in concurrently(of_region, {location.lower(): location for location in locations}.values()):
        found |= part
    return found

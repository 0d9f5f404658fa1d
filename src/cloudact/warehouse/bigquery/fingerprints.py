"""The fingerprints of all datasets of a region, and what they stand for, in one query of its INFORMATION_SCHEMA.

A dataset is digested part by part, and the digests of its parts, sorted, once more. A part is what `inspect` reads:
the `ddl` of a table or view without the view's own place, and each option that makes a dataset's description or labels.
A part that BigQuery does not describe sets its dataset apart from every other one, because only `tables.get` tells it.

Views name their dataset and their organization. Both are put back into placeholders: the name in back quotes, the value
in single quotes, which is how a view is rendered (see catalog/view_file.py), so of two views rendered from one template
the same is left. A text that has the same left and comes from elsewhere is one that names its own dataset and value in
just these places. One that has a value in the place of a fixed literal, or the text of a placeholder itself, is told
apart. So is a view of a slug that its template has as a literal, which costs a look more and nothing else.

As in INFORMATION_SCHEMA, nothing is said of policy tags.

Of the most frequent fingerprints that the caller does not know, the same answer has the first dataset and the last one
in full. BigQuery may read its catalog once for the fingerprints and again for these, so two that are the same say more
than one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from cloudact.catalog.model import Dataset
from cloudact.catalog.view_file import OWN_DATASET, SLUG
from cloudact.warehouse.bigquery.inspect import LISTED_TABLES, LISTED_VIEWS, Part, described, descriptions, whole
from cloudact.warehouse.bigquery.statements.ddl import text
from cloudact.warehouse.bigquery.statements.parameters import parameter
from cloudact.warehouse.bigquery.statements.rows import quote
from cloudact.warehouse.bigquery.transport.client import Answer, BigQueryClient, Statement
from cloudact.warehouse.bigquery.transport.concurrently import concurrently
from cloudact.warehouse.fingerprints import Fingerprint, Fingerprints, Naming

# Two datasets each, of 24 tables with 2 KiB of text: as much as the fingerprints of 10,000 datasets.
IN_FULL = 16
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
_FINGERPRINT = "fingerprint"  # in the place of what else is a part of a dataset
_QUERY = f"""
    WITH meant AS ({_MEANT}), parts AS (SELECT dataset, "dataset" AS part FROM meant UNION ALL {_OPTIONS}
        UNION ALL {_RELATIONS}),
    digests AS (SELECT meant.dataset, location, TO_HEX(MD5(STRING_AGG(TO_HEX(MD5(part)), "" ORDER BY part))) AS digest
        FROM meant JOIN parts ON parts.dataset = meant.dataset GROUP BY meant.dataset, location),
    kinds AS (SELECT MIN(dataset) AS first, MAX(dataset) AS last FROM digests WHERE digest NOT IN UNNEST(@known)
        GROUP BY digest ORDER BY COUNT(*) DESC, digest LIMIT {IN_FULL})
    SELECT dataset, {text(_FINGERPRINT)} AS part, digest AS name, location AS type, "" AS body FROM digests
    UNION ALL {descriptions("(SELECT first FROM kinds UNION DISTINCT SELECT last FROM kinds)")}"""


def fingerprints(
    client: BigQueryClient, locations: Collection[str], naming: Naming, known: Collection[Fingerprint] = ()
) -> Fingerprints:
    """Return what each dataset in these locations comes to that `naming` means, see `Session.fingerprints`."""
    pairs = [f"{name}{_SEPARATOR}{value}" for name, value in naming.others.items()]
    meant = {"before": naming.before, "after": naming.after, "others": pairs}

    def of_region(location: str) -> Fingerprints:
        digests = sorted(item.digest for item in known if item.location.lower() == location.lower())
        parameters = tuple(parameter(name, value) for name, value in {**meant, "known": digests}.items())
        statement = _QUERY.replace("{region}", quote(client.project, f"region-{location.lower()}"))
        with whole(location):
            return _read(client.query(Statement(statement, parameters), location))

    found: dict[str, Fingerprint] = {}
    in_full: dict[str, Dataset] = {}
    for part in concurrently(of_region, {location.lower(): location for location in locations}.values()):
        found |= part.of
        in_full |= part.in_full
    return Fingerprints(found, in_full)


def _read(answer: Answer) -> Fingerprints:
    found: dict[str, Fingerprint] = {}
    parts: defaultdict[str, list[Part]] = defaultdict(list)
    for dataset, part, name, type_, body in answer.rows:
        if part == _FINGERPRINT:
            found[dataset] = Fingerprint(digest=name, location=type_)
        else:
            parts[dataset].append((part, name, type_, body))
    in_full = {name: item for name in parts.keys() & found if (item := described(name, parts[name]))}
    return Fingerprints(found, in_full)

SELECT schema_name AS dataset, 'dataset' AS part, '' AS name, location AS type, '' AS body FROM `acme-analytics`.`region-eu`.INFORMATION_SCHEMA.SCHEMATA WHERE schema_name IN UNNEST(@datasets)
UNION ALL
SELECT schema_name AS dataset, 'option' AS part, option_name AS name, option_type AS type, option_value AS body FROM `acme-analytics`.`region-eu`.INFORMATION_SCHEMA.SCHEMATA_OPTIONS WHERE schema_name IN UNNEST(@datasets)
UNION ALL
SELECT table_schema AS dataset, 'table' AS part, table_name AS name, table_type AS type, ddl AS body FROM `acme-analytics`.`region-eu`.INFORMATION_SCHEMA.TABLES WHERE table_schema IN UNNEST(@datasets);

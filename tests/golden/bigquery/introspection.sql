SELECT 'dataset' AS part, schema_name AS name, location AS type, '' AS body FROM `acme-analytics`.`region-eu`.INFORMATION_SCHEMA.SCHEMATA WHERE schema_name = @dataset
UNION ALL
SELECT 'option' AS part, option_name AS name, option_type AS type, option_value AS body FROM `acme-analytics`.`region-eu`.INFORMATION_SCHEMA.SCHEMATA_OPTIONS WHERE schema_name = @dataset
UNION ALL
SELECT 'table' AS part, table_name AS name, table_type AS type, ddl AS body FROM `acme-analytics`.`acme_prod`.INFORMATION_SCHEMA.TABLES;

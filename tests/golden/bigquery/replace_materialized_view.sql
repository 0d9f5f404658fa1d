CREATE OR REPLACE MATERIALIZED VIEW `acme-analytics`.`shop`.`sales_all`
CLUSTER BY `org_slug`, `a\`b`
OPTIONS (enable_refresh = TRUE, refresh_interval_minutes = 15, description = "Sales of \"all\",\nby organization.", labels = [("env", "test"), ("team", "")])
AS SELECT org_slug, SUM(amount) AS amount FROM `central`.`sales` GROUP BY org_slug;

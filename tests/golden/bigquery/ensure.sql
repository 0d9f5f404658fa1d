MERGE INTO `acme-analytics`.`shop`.`orders` AS target USING (SELECT 1 AS one) AS source ON target.`id` = @p0 AND target.`buyer` IS NULL WHEN NOT MATCHED THEN INSERT (`id`, `amount`, `tags`, `buyer`) VALUES (@p1, @p2, [], NULL);
-- @p0: {"type": "STRING"} {"value": "o-1"}
-- @p1: {"type": "STRING"} {"value": "o-1"}
-- @p2: {"type": "NUMERIC"} {"value": "12.340"}

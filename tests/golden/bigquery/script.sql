BEGIN TRANSACTION;
UPDATE `acme-analytics`.`shop`.`organizations` SET `status` = @p0 WHERE `slug` = @p1;
INSERT INTO `acme-analytics`.`shop`.`orders` (`id`, `amount`, `tags`, `buyer`) VALUES (@p2, @p3, [], NULL);
MERGE INTO `acme-analytics`.`shop`.`keys` AS target USING (SELECT 1 AS one) AS source ON target.`id` = @p4 WHEN NOT MATCHED THEN INSERT (`id`, `key_hash`) VALUES (@p5, @p6);
COMMIT TRANSACTION;
-- @p0: {"type": "STRING"} {"value": "ACTIVE"}
-- @p1: {"type": "STRING"} {"value": "acme"}
-- @p2: {"type": "STRING"} {"value": "o-1"}
-- @p3: {"type": "NUMERIC"} {"value": "12.340"}
-- @p4: {"type": "STRING"} {"value": "k-1"}
-- @p5: {"type": "STRING"} {"value": "k-1"}
-- @p6: {"type": "STRING"} {"value": "x"}

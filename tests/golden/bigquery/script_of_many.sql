BEGIN TRANSACTION;
INSERT INTO `acme-analytics`.`shop`.`orders` (`id`) SELECT item.`id` FROM UNNEST(@p0) AS item;
INSERT INTO `acme-analytics`.`shop`.`orders` (`payload`) SELECT item.`payload` FROM UNNEST(@p1) AS item;
MERGE INTO `acme-analytics`.`shop`.`orders` AS target USING (SELECT 1 AS one) AS source ON target.`id` = @p2 WHEN NOT MATCHED THEN INSERT (`id`, `payload`) VALUES (@p3, @p4);
UPDATE `acme-analytics`.`shop`.`orders` SET `buyer` = @p5 WHERE `id` = @p6;
COMMIT TRANSACTION;
-- @p0: {"type": "ARRAY", "arrayType": {"type": "STRUCT", "structTypes": [{"name": "id", "type": {"type": "STRING"}}]}} {"arrayValues": [{"structValues": {"id": {"value": "o-0"}}}, "... 999 more ...", {"structValues": {"id": {"value": "o-1000"}}}]}
-- @p1: {"type": "ARRAY", "arrayType": {"type": "STRUCT", "structTypes": [{"name": "payload", "type": {"type": "JSON"}}]}} {"arrayValues": [{"structValues": {"payload": {"value": "1"}}}, {"structValues": {"payload": {"value": null}}}]}
-- @p2: {"type": "STRING"} {"value": "o-1"}
-- @p3: {"type": "STRING"} {"value": "o-1"}
-- @p4: {"type": "JSON"} {"value": "1"}
-- @p5: {"type": "STRUCT", "structTypes": [{"name": "name", "type": {"type": "STRING"}}, {"name": "email", "type": {"type": "STRING"}}]} {"structValues": {"name": {"value": "Ann"}, "email": {"value": null}}}
-- @p6: {"type": "STRING"} {"value": "o-1"}

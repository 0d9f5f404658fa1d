UPDATE `acme-analytics`.`shop`.`orders` SET `count` = @p0, `buyer` = NULL WHERE `id` = @p1 AND `tags` IS NULL;
-- @p0: {"type": "INT64"} {"value": "3"}
-- @p1: {"type": "STRING"} {"value": "o-1"}

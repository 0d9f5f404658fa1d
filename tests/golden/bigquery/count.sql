SELECT COUNT(*) FROM `acme-analytics`.`shop`.`orders` WHERE `count` = @p0;
-- @p0: {"type": "INT64"} {"value": "3"}

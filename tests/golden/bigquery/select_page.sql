SELECT `id`, `order`, `with space` FROM `acme-analytics`.`shop`.`orders` WHERE `id` = @p0 AND `buyer` IS NULL AND (STRPOS(LOWER(`name`), LOWER(@p1)) > 0 OR STRPOS(LOWER(`e-mail`), LOWER(@p1)) > 0) ORDER BY `placed_at`, `id` LIMIT @p2 OFFSET @p3;
-- @p0: {"type": "STRING"} {"value": "o-1"}
-- @p1: {"type": "STRING"} {"value": "50%"}
-- @p2: {"type": "INT64"} {"value": "50"}
-- @p3: {"type": "INT64"} {"value": "100"}

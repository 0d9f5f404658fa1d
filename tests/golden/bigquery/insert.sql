INSERT INTO `acme-analytics`.`shop`.`orders` (`id`, `amount`, `tags`, `buyer`) VALUES (@p0, @p1, [], NULL), (@p2, @p3, @p4, NULL);
-- @p0: {"type": "STRING"} {"value": "o-1"}
-- @p1: {"type": "NUMERIC"} {"value": "12.340"}
-- @p2: {"type": "STRING"} {"value": "o-2"}
-- @p3: {"type": "NUMERIC"} {"value": "12.340"}
-- @p4: {"type": "ARRAY", "arrayType": {"type": "STRING"}} {"arrayValues": [{"value": "x"}]}

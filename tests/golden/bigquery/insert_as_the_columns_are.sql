INSERT INTO `acme-analytics`.`shop`.`orders` (`payload`, `place`, `valid`, `notes`, `buyer`, `lines`) VALUES (@p0, @p1, @p2, @p3, @p4, @p5);
-- @p0: {"type": "JSON"} {"value": "{\"a\": 1.50}"}
-- @p1: {"type": "GEOGRAPHY"} {"value": "POINT(1 2)"}
-- @p2: {"type": "RANGE", "rangeElementType": {"type": "DATE"}} {"rangeValue": {"start": {"value": "2024-01-01"}}}
-- @p3: {"type": "ARRAY", "arrayType": {"type": "JSON"}} {"arrayValues": [{"value": "1"}, {"value": "null"}]}
-- @p4: {"type": "STRUCT", "structTypes": [{"name": "name", "type": {"type": "STRING"}}, {"name": "email", "type": {"type": "STRING"}}]} {"structValues": {"name": {"value": null}, "email": {"value": "a@b.c"}}}
-- @p5: {"type": "ARRAY", "arrayType": {"type": "STRUCT", "structTypes": [{"name": "sku", "type": {"type": "STRING"}}, {"name": "parts", "type": {"type": "ARRAY", "arrayType": {"type": "STRUCT", "structTypes": [{"name": "code", "type": {"type": "STRING"}}]}}}]}} {"arrayValues": [{"structValues": {"sku": {"value": "a"}, "parts": {"arrayValues": [{"structValues": {"code": {"value": "x"}}}, {"structValues": {"code": {"value": null}}}]}}}, {"structValues": {"sku": {"value": "b"}, "parts": {"value": null}}}]}

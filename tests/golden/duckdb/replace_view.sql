CREATE OR REPLACE VIEW "shop"."open_orders" AS SELECT "id", "amount" FROM "shop"."orders" WHERE "amount" IS NULL;
COMMENT ON VIEW "shop"."open_orders" IS 'afc6cac196e7b6280023d523e25d8369';

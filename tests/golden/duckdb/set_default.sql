ALTER TABLE "shop"."orders" ALTER COLUMN "count" SET DEFAULT (0);

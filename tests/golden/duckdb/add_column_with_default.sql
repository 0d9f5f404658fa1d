ALTER TABLE "shop"."orders" ADD COLUMN "state" VARCHAR;
ALTER TABLE "shop"."orders" ALTER COLUMN "state" SET DEFAULT ('new');

ALTER TABLE "shop"."orders" ADD COLUMN "lines"."element"."parts"."element"."weight" DOUBLE;

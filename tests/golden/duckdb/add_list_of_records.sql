ALTER TABLE "shop"."orders" ADD COLUMN "taxes" STRUCT("rate" DECIMAL(38,9))[];

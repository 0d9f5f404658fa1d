CREATE SCHEMA "a ""b""";
CREATE TABLE "a ""b"""."notes" ("text" VARCHAR, "it's; -- ""x""" VARCHAR);
CREATE TABLE "a ""b"""."orders" ("id" VARCHAR NOT NULL, "placed_at" TIMESTAMP WITH TIME ZONE NOT NULL, "amount" DECIMAL(38,9), "count" BIGINT, "tags" VARCHAR[], "buyer" STRUCT("name" VARCHAR, "email" VARCHAR), "lines" STRUCT("sku" VARCHAR, "parts" STRUCT("code" VARCHAR)[])[]);

ALTER TABLE `acme-analytics`.`shop`.`orders` ALTER COLUMN `count` SET DATA TYPE NUMERIC(20, 1);

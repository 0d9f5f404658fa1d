ALTER TABLE `acme-analytics`.`shop`.`orders` ALTER COLUMN `title` SET DATA TYPE STRING(9) COLLATE "und:ci";

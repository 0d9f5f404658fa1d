SELECT `id`, `amount` FROM `acme-analytics`.`shop`.`orders`;

UNDROP SCHEMA `acme-analytics`.`acme_prod`;

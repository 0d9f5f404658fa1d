"""All organizations at once: where they stand, group by group."""

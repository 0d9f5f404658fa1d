"""`cloudact fleet`: all organizations at once."""

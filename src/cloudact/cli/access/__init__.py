"""Commands on keys of organizations."""

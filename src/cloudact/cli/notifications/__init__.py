"""`cloudact channel`: notification channels."""

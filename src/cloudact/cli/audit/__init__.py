"""`cloudact audit`."""

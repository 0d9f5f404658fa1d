"""What stands in for BigQuery in tests: the rules it enforces, and a small strict server."""

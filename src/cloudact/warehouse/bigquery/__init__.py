"""The BigQuery driver."""

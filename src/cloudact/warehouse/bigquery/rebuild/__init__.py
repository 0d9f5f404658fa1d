"""Copies, digests and rebuilt tables on BigQuery."""

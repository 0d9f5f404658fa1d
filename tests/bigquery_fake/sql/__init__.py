"""Statements: parsed as BigQuery's, checked against the catalog, run on an embedded engine."""

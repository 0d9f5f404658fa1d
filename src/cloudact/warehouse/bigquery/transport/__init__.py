"""Requests to BigQuery: budgets, retries, errors."""

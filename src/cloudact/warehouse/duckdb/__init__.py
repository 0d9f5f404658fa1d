"""The DuckDB driver: datasets are schemas of one file."""

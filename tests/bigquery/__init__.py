"""The whole product on BigQuery: its flows, its faults, its kills, and what it costs in requests."""

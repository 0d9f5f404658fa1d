"""The emulator local-bigquery as a process of its own, behind a gateway that refuses what BigQuery refuses."""

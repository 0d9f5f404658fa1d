"""Datasets, and parts of datasets, that this project did not make."""

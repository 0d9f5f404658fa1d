"""Datasets that pipeline templates declare, beside the catalog."""

"""Pipelines: files of steps, validated whole, run in order and recorded in the central dataset."""

"""Processors on the central dataset and on the datasets of organizations."""

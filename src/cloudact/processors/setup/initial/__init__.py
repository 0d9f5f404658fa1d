"""Processors that run once, when a system is set up."""

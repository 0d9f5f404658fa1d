"""Processors that set things up."""

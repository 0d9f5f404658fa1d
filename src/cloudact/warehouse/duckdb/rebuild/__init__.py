"""Statements that copy, compare and rebuild tables."""

"""Backups, and datasets made anew."""

"""Backups of datasets, and tables made anew as they are declared, with every row or with none."""

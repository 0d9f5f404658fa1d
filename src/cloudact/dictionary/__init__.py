"""The data dictionary: what the catalog declares, for people to read on a terminal and on pages."""

"""JSON Schemas (draft 2020-12) of the catalog's files, for editors; each refuses only what the loader refuses too."""

"""The inverse of the loader: a live dataset as the files that declare it."""

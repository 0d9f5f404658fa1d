"""What is wrong with a catalog, or would be late in production, found in its files alone."""

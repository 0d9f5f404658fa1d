"""Organizations and the central dataset: the use cases, over any warehouse."""

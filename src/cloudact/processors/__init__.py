"""What pipeline steps do: thin processors over the use cases, found by their `ps_type`."""

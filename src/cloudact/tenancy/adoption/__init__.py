"""Taking over what exists already."""

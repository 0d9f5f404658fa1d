"""What is asked of all datasets of a file at once."""

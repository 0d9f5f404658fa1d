"""Finding what the names in a view's query stand for, by the declared tables."""

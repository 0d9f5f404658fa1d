"""Who may do what: organizations' API keys, their scopes, and the check of a key that a caller sent."""

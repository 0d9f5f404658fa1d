"""`cloudact org` on subscriptions, the life cycle, the locale and labels."""

"""`cloudact org` on subscriptions, the life cycle and the locale."""

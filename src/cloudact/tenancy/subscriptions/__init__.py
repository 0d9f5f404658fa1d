"""What an organization may use: its subscription, quota, life cycle and locale."""

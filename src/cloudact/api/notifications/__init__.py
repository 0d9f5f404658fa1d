"""Routes on notification channels."""

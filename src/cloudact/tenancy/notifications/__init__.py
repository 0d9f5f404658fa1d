"""Notification channels of organizations: where a sender may deliver to, with what is secret of them sealed."""

"""The audit trail: reading and verifying it."""

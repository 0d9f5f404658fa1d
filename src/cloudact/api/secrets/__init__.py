"""Routes on secrets: credentials of integrations, and the sealing key."""

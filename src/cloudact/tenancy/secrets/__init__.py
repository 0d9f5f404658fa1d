"""Secrets in the central tables: the platform's own, credentials of integrations, and sealing all of them anew."""

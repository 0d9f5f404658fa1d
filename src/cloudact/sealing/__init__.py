"""Secrets sealed by authenticated encryption, with a key of this machine or one that Google Cloud KMS holds."""

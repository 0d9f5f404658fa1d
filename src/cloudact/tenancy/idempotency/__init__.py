"""Idempotency keys: a request that is sent again with its key has the effect and the answer of one."""

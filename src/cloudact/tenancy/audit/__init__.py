"""The audit trail: one row for every change and every refused access, chained so that tampering shows."""

"""The HTTP edge: it authenticates, translates, calls one use case and translates back."""

"""Keys of organizations over HTTP."""

"""The command line: the same use cases as the HTTP service, for people and for scripts."""

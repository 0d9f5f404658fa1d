"""Keep thousands of tenants' warehouse datasets in step with declared schemas, without losing a row."""

__version__ = "0.1.0"

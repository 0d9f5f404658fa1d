# ruff: noqa: INP001 - src/core is no package of its own, but two published names
"""The processor `setup.initial.onetime_bootstrap`, under its published name."""

from cloudact.processors.setup.initial.onetime_bootstrap_processor import (
    OnetimeBootstrapConfig,
    OnetimeBootstrapProcessor,
)

__all__ = ["OnetimeBootstrapConfig", "OnetimeBootstrapProcessor"]

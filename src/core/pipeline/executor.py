# ruff: noqa: INP001 - src/core is no package of its own, but two published names
"""`python -m src.core.pipeline.executor`: `cloudact pipeline run`, under its published name."""

from cloudact.cli.pipeline import run_app
from cloudact.pipeline.executor import Executor

__all__ = ["Executor"]

if __name__ == "__main__":
    run_app(prog_name="python -m src.core.pipeline.executor")

"""`cloudact serve` with a processor that waits: `python -m tests.api.operability.slow_service FOLDER`.

A step tells that it has begun by the file `begun` in the folder, and waits for the file `go`, or to be cancelled.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from cloudact.cli.app import app
from cloudact.pipeline.processor import StepContext, StepReport
from cloudact.processors import registry
from cloudact.processors.use_cases import Dependencies

FOLDER = Path(sys.argv[1])


class WaitConfig(BaseModel):
    """Whether the step ends when it is cancelled."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    heeds: bool = True


class WaitProcessor:
    """Waits."""

    ps_type: ClassVar[str] = "test.wait"
    config: ClassVar[type[WaitConfig]] = WaitConfig

    def __init__(self, _dependencies: Dependencies) -> None:
        """Needs nothing."""

    def plan(self, _config: WaitConfig, _context: StepContext) -> StepReport:
        """Would wait."""
        return StepReport(summary="would wait")

    def run(self, config: WaitConfig, context: StepContext) -> StepReport:
        """Wait for the file."""
        (FOLDER / "begun").touch()
        while not (FOLDER / "go").exists():
            if config.heeds:
                context.cancellation.check()
            time.sleep(0.01)
        return StepReport(summary="waited")


if __name__ == "__main__":
    shipped: Any = registry.SHIPPED
    shipped[WaitProcessor.ps_type] = WaitProcessor
    app(["serve", "--port", "0"])

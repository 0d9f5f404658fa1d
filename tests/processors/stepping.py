"""Planning and running one processor, as a step would."""

from __future__ import annotations

from typing import Any

import structlog

from cloudact.pipeline.cancellation import Cancellation
from cloudact.pipeline.processor import StepContext, StepReport
from cloudact.processors.registry import load_processors
from cloudact.processors.use_cases import Dependencies
from cloudact.warehouse.duckdb.driver import DuckDBWarehouse
from tests.api.live import Live


class Steps:
    """The shipped processors, called with a configuration as it stands in a file."""

    def __init__(self, dependencies: Dependencies) -> None:
        assert isinstance(dependencies.warehouse, DuckDBWarehouse)
        self.processors = load_processors(dependencies)
        self.live = Live(dependencies.warehouse)
        self.cancellation = Cancellation()

    def run(self, ps_type: str, organization: str = "system", **config: Any) -> StepReport:
        processor = self.processors[ps_type]
        return processor.run(processor.config.model_validate(config), self._context(organization))

    def plan(self, ps_type: str, organization: str = "system", **config: Any) -> StepReport:
        processor = self.processors[ps_type]
        return processor.plan(processor.config.model_validate(config), self._context(organization))

    def _context(self, organization: str) -> StepContext:
        log = structlog.get_logger()
        return StepContext("run-1", "a_pipeline", "a_step", organization, 1, log, self.cancellation)

"""Whether requests can be served, found out by one caller at a time however many ask."""

from __future__ import annotations

import asyncio

import structlog
from fastapi.concurrency import run_in_threadpool

from cloudact.errors import CatalogError, NotReady
from cloudact.wiring import Services


class Readiness:
    """Looks at the catalog and the warehouse, for anybody; who asks meanwhile is told what is found then.

    Whoever asks without end takes one worker thread, and not one for each time: a warehouse that does not answer
    would otherwise take them all.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._looking: asyncio.Task[None] | None = None

    async def check(self) -> None:
        """Return when the warehouse answers and the catalog is valid; raises NotReady and what a warehouse raises."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(run_in_threadpool(self._look))
        # Who asked first may go away while others wait.
        await asyncio.shield(self._looking)

    def _look(self) -> None:
        try:
            self._services.catalogs.load()
        except CatalogError as error:
            # Anybody may ask here, so the answer does not name files.
            structlog.get_logger().error("catalog_invalid", detail=error.message)
            raise NotReady("The catalog is not valid", hint="`cloudact catalog lint` lists its problems.") from error
        self._services.ping()

"""The BigQuery warehouse: one project, many threads, and no transaction around a unit of work."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import structlog
from tenacity import (
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    stop_all,
    wait_random_exponential,
)

from cloudact.catalog.template import Engine
from cloudact.errors import WarehouseBusy
from cloudact.warehouse.bigquery import doctor
from cloudact.warehouse.bigquery.inspect import Inspector
from cloudact.warehouse.bigquery.session import BigQuerySession, Unit
from cloudact.warehouse.bigquery.statements import ddl
from cloudact.warehouse.bigquery.transport.client import BigQueryClient
from cloudact.warehouse.driver import Examination, Observer, Session, ignore
from cloudact.warehouse.usage import measured

T = TypeVar("T")
# A unit that waits long for its rates and then loses against another one still gets a second and a third try.
_MIN_ATTEMPTS = 3
_TIME_TRAVEL = "7 days, unless the dataset's time travel window was set shorter"
_log = structlog.get_logger(__name__)


class BigQueryWarehouse:
    """Datasets of one Google Cloud project; the client's location is where new ones are made."""

    def __init__(self, client: BigQueryClient, *, observer: Observer = ignore, busy_timeout: float = 60.0) -> None:
        self.client = client
        self.engine = Engine(location=client.location, materializes=True, transactional=False)
        self._inspector = Inspector(self.client)
        self._observer = observer
        self._busy_timeout = busy_timeout

    def run(self, work: Callable[[Session], T]) -> T:
        """See `Warehouse.run`; changes that were made stay, so `work` goes on from them when it is called again."""
        unit = Unit()
        retrying = Retrying(
            retry=retry_if_exception_type(WarehouseBusy),
            wait=wait_random_exponential(multiplier=0.2, max=5),
            stop=stop_all(stop_after_delay(self._busy_timeout), stop_after_attempt(_MIN_ATTEMPTS)),
            reraise=True,
        )

        def once() -> T:
            session = BigQuerySession(self.client, self._inspector, self._observer, unit)
            result = work(session)
            session.commit()
            return result

        with measured() as usage:
            try:
                return retrying(once)
            finally:
                _log.info("warehouse_unit", requests=usage.requests, bytes_billed=usage.bytes_billed)

    def ping(self) -> None:
        """See `Warehouse.ping`."""
        self.client.ping()

    def examine(self) -> list[Examination]:
        """See `Warehouse.examine`."""
        return doctor.examine(self.client)

    def close(self) -> None:
        """See `Warehouse.close`."""
        self.client.close()

    def leave(self) -> None:
        """See `Warehouse.leave`."""
        self.close()

    def how_to_restore(self, dataset: str) -> str:
        """See `Warehouse.how_to_restore`."""
        statement = ddl.undelete(self.client.project, dataset)
        return (
            f"If it was deleted within its time travel window ({_TIME_TRAVEL}), it can be restored with every row: "
            f"{statement}. Making a new dataset of that name ends this possibility."
        )

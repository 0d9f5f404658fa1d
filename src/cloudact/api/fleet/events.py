"""The progress of a run as server-sent events, see the HTML standard, section 9.2."""

from __future__ import annotations

from collections.abc import AsyncIterator

from anyio import sleep, to_thread
from fastapi.responses import StreamingResponse

from cloudact.api.fleet.answers import FleetRunResponse
from cloudact.api.services import AppState
from cloudact.errors import CloudactError
from cloudact.fleet.progress import RUNNING, FleetRun

MEDIA_TYPE = "text/event-stream; charset=utf-8"
POLL_SECONDS = 1.0
# A connection on which nothing is sent may be cut by whatever is in between.
_SILENT_POLLS = 15


class EventStream(StreamingResponse):
    """An answer that is sent event by event."""

    media_type = MEDIA_TYPE


async def stream(state: AppState, run: FleetRun) -> AsyncIterator[str]:
    """Yield an event for each progress, and `end` with the whole account; the service's own end ends it as well.

    Any process may carry the run out, so it is its row that is looked at.
    """
    runs, silent, last = state.services.fleet_runs, 0, ""
    while run.status == RUNNING and not state.shutdown.begun:
        text = _text(run)
        silent = 0 if text != last else silent + 1
        if text != last:
            yield _event("progress", text)
        elif silent % _SILENT_POLLS == 0:
            yield ": the run goes on\n\n"
        last = text
        await sleep(POLL_SECONDS)
        try:
            run = await to_thread.run_sync(runs.progress, run.run_id)
        except CloudactError:
            continue  # the warehouse does not answer now, which says nothing about the run
    if run.status != RUNNING:
        yield _event("end", _text(await to_thread.run_sync(runs.show, run.run_id)))


def _text(run: FleetRun) -> str:
    # What a lease is renewed to changes without anything having happened.
    return FleetRunResponse.model_validate(run).model_copy(update={"lease_until": ""}).model_dump_json()


def _event(name: str, data: str) -> str:
    return f"event: {name}\ndata: {data}\n\n"

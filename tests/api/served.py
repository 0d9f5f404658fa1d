"""An application on a real socket, in this process."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI


class PromptServer(uvicorn.Server):
    """A server that looks every few milliseconds whether it is to end; a tenth of a second adds up over all tests."""

    async def main_loop(self) -> None:
        """See `uvicorn.Server`."""
        counter = 0
        while not await self.on_tick(counter):
            counter += 1
            await asyncio.sleep(0.005)


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The address that the application is served at meanwhile."""
    server = PromptServer(uvicorn.Config(app, log_config=None))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        # asyncio does this for sockets that it makes itself, as in `cloudact serve`. Without it the body of an answer
        # waits until the client has acknowledged the header: 40 ms each.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The socket listens already, so a request that comes before the server is up waits in its queue.
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield "http://{}:{}".format(*listening.getsockname())
        finally:
            server.should_exit = True
            thread.join()

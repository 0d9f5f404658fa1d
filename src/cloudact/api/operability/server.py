"""The server process: what it reads of a connection, whom it believes, and how it stops."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import structlog
import uvicorn
from limits import RateLimitItem, parse_many
from pydantic import SecretStr

from cloudact.api.app import create_app
from cloudact.api.operability.connections import BACKLOG, protocol_of
from cloudact.api.operability.protection import Protection
from cloudact.api.operability.shutdown import Shutdown
from cloudact.errors import ConfigurationError
from cloudact.settings import Settings
from cloudact.wiring import Services

# How long a cancelled pipeline run has to end its step and to record it, in seconds.
GRACE = 15
# Of one request: its line and all header fields.
MAX_HEADER_BYTES = 32 * 2**10


def bound(host: str, port: int) -> list[socket.socket]:
    """Return sockets that have the address and do not listen yet; raises ConfigurationError when it cannot be had."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [_bound(family, address) for family, address in {(item[0], item[4]) for item in found}]
    except OSError as error:
        raise ConfigurationError(
            f"The service cannot listen on {host}, port {port}: {error.strerror}",
            hint="Stop what listens there, or name another address with --host or another port with --port.",
        ) from error


def _bound(family: int, address: tuple[Any, ...]) -> socket.socket:
    made = socket.socket(family)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made


def server_of(services: Services, settings: Settings, root_key: SecretStr) -> uvicorn.Server:
    """Return the server of these services, which runs until SIGTERM or Ctrl-C and closes them then."""
    shutdown = Shutdown()
    app = create_app(services, root_key, protection_of(settings), shutdown)
    proxies = [proxy.strip() for proxy in settings.trusted_proxies.split(",") if proxy.strip()]
    config = uvicorn.Config(
        app,
        http=protocol_of(settings.request_seconds, services.metrics),
        backlog=BACKLOG,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        # Without this uvicorn believes whatever runs on the same machine.
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        timeout_graceful_shutdown=settings.shutdown_seconds + GRACE,
    )
    return _Server(config, shutdown, settings.shutdown_seconds)


def protection_of(settings: Settings) -> Protection:
    """Return the limits that the settings name."""
    return Protection(
        per_key=_limits(settings.rate_limit_per_key),
        per_address=_limits(settings.rate_limit_per_address),
        refused=_limits(settings.rate_limit_refused),
        max_body_bytes=settings.max_body_bytes,
        request_seconds=settings.request_seconds,
        metrics_token=settings.metrics_token,
    )


def _limits(text: str) -> tuple[RateLimitItem, ...]:
    return tuple(parse_many(text)) if text else ()


class _Server(uvicorn.Server):
    """Says where it listens once it does, which with port 0 is not known before; and stops in good order."""

    def __init__(self, config: uvicorn.Config, shutdown: Shutdown, seconds: int) -> None:
        super().__init__(config)
        self._stopping = shutdown
        self._seconds = seconds

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for server in self.servers:
            for listening in server.sockets:
                host, port = listening.getsockname()[:2]
                shown = f"[{host}]" if ":" in host else host
                structlog.get_logger().info("serving", address=f"http://{shown}:{port}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        log = structlog.get_logger()
        log.info("stopping", requests=len(self.server_state.tasks), seconds=self._seconds)
        self._stopping.begin()
        timer = asyncio.get_running_loop().call_later(self._seconds, self._cancel_runs)
        await super().shutdown(sockets)
        timer.cancel()
        abandoned = len(self.server_state.tasks)
        log.info("stopped") if not abandoned else log.warning("stopped", requests_abandoned=abandoned)

    def _cancel_runs(self) -> None:
        """A run's own thread may have to finish a statement first, for which the event loop does not wait."""
        reason = f"cancelled: the service stopped, and CA_SHUTDOWN_SECONDS ({self._seconds}) were over"
        threading.Thread(target=self._stopping.cancel_runs, args=[reason], daemon=True).start()

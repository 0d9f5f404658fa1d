"""`cloudact serve`: the HTTP service."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

import structlog
import typer

from cloudact.cli.errors import reported
from cloudact.cli.targets.process import begin_work, exiting
from cloudact.errors import ConfigurationError
from cloudact.log import configure_logging
from cloudact.settings import load_settings
from cloudact.wiring import build_services


def serve(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8000,
) -> None:
    """Serve the HTTP API until stopped.

    Example: CA_ROOT_API_KEY=... cloudact serve --port 8000
    """
    # To import the service takes a third of the time that any other command has to start.
    from cloudact.api.operability.server import bound, server_of  # noqa: PLC0415

    with ExitStack() as held:
        with reported(as_json=False):
            settings = load_settings()
            if settings.root_api_key is None or not settings.root_api_key.get_secret_value():
                raise ConfigurationError(
                    "CA_ROOT_API_KEY is not set, so nobody could administer the service",
                    hint="Make one with: export CA_ROOT_API_KEY=$(python -c 'import secrets; "
                    "print(secrets.token_urlsafe(32))')",
                )
            sockets = [held.enter_context(each) for each in bound(host, port)]
            configure_logging(settings.log_level)
            begin_work()
            services = build_services(settings, exiting=exiting())
            services.catalogs.load()
            services.sealer.check()
            services.ping()
            if interrupted := services.pipelines.mark_interrupted():
                structlog.get_logger().warning("interrupted_runs_marked", runs=interrupted)
            server = server_of(services, settings, settings.root_api_key)
        server.run(sockets)

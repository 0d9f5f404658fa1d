"""What a process does that is killed while it seals everything anew."""

from __future__ import annotations

from cloudact.tenancy.actor import Actor
from cloudact.tenancy.secrets import resealing, sealed_rows
from cloudact.wiring import Services


def reseal(services: Services) -> None:
    """Reseal in small steps, so that there are many commits for few rows."""
    sealed_rows.PAGE, resealing.BATCH = 3, 2
    services.sealing.reseal(actor=Actor.system("a test"))

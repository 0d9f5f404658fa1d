"""Headers that tell a browser what not to do with an answer, on every answer."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# The headers of the OWASP REST security cheat sheet for answers that no browser shows.
_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Answers hold what one caller may see, and some an API key.
    "Cache-Control": "no-store",
}
NOTHING = "default-src 'none'; frame-ancestors 'none'"
# RFC 6797 allows it over TLS only; a proxy that ends TLS says so in X-Forwarded-Proto, see CA_TRUSTED_PROXIES.
_STRICT_TRANSPORT = "max-age=31536000"
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_ORIGIN = re.compile(r"(?:src|href)=\"(https://[^/\"]+)")


class SecurityHeaders:
    """Adds the headers; `policies` are the content security policies of the paths that are pages."""

    def __init__(self, app: ASGIApp, policies: Mapping[str, str]) -> None:
        self._app = app
        self._policies = policies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers["Content-Security-Policy"] = self._policies.get(scope["path"], NOTHING)
                if scope.get("scheme") == "https":
                    headers["Strict-Transport-Security"] = _STRICT_TRANSPORT
            await send(message)

        await self._app(scope, receive, send_with_headers)


def policy_of(page: str) -> str:
    """Return the policy under which an HTML page works, and nothing that is not in it: its scripts are told by hash."""
    origins = " ".join(sorted(set(_ORIGIN.findall(page))))
    hashes = " ".join(f"'sha256-{_sha256(script)}'" for script in _INLINE_SCRIPT.findall(page))
    return (
        f"default-src 'none'; script-src {hashes} {origins}; style-src 'unsafe-inline' {origins}; "
        f"img-src 'self' data: {origins}; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

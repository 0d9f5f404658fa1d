"""Where a channel may lead: URLs of public hosts, and the headers that may be sent there.

A sender will call these URLs from inside the operator's network, so one that leads back into it is refused. What a name
resolves to is known only when it is called: a sender has to look at the address then.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from pydantic import ValidationError
from pydantic_core import Url

MAX_URL = 2_048
MAX_HEADERS = 20
MAX_HEADER_NAME = 100
MAX_HEADER_VALUE = 4_096
MAX_HEADER_BYTES = 16 * 1024
# RFC 3986: everything else is percent-encoded. Clients disagree on what a backslash is.
_URL = r"https://[!-\[\]-~]+"
# RFC 9110, section 5.1 and 5.5: a token, and visible characters with blanks between them.
_HEADER_NAME = rf"[!#$%&'*+.^_`|~0-9A-Za-z-]{{1,{MAX_HEADER_NAME}}}"
_HEADER_VALUE = r"[!-~]([ \t!-~]*[!-~])?"
# Whoever sends the request sets these by the URL, the body and the connection.
_SENDERS = frozenset(
    {
        "connection", "content-length", "expect", "host", "keep-alive", "proxy-authenticate", "proxy-authorization",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
# RFC 6761, RFC 6762, RFC 8375, and what ICANN keeps for private use: never names of the public Internet.
_PRIVATE_NAMES = ("localhost", "local", "internal", "home.arpa", "test", "invalid")
# RFC 6052 and RFC 8215: the last 32 bits are an IPv4 address.
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))


def url_problem(text: str) -> str:
    """Return why a sender must not be given this URL, or nothing; the words never repeat it."""
    if len(text) > MAX_URL:
        return f"has {len(text)} characters; at most {MAX_URL} are allowed"
    parsed = _parsed(text)
    if parsed is None or not parsed.host:
        return "is not an https:// URL in ASCII, without blanks and backslashes, such as https://example.com/hook"
    if parsed.username is not None or parsed.password is not None:
        return "holds a user name or a password; a webhook can send a header for that"
    if parsed.fragment is not None:
        return "has a fragment, the part from # on, which is never sent"
    return _host_problem(parsed.host)


def read_url(text: str) -> tuple[str, str]:
    """Return a URL without a `url_problem` as clients understand it, and its host with the port where it names one."""
    parsed = Url(text)
    port = "" if parsed.port in {None, 443} else f":{parsed.port}"
    return str(parsed), f"{parsed.host}{port}"


def headers_problem(headers: Mapping[str, str]) -> str:
    """Return why these headers cannot be sent, or nothing; the words never repeat one."""
    if len(headers) > MAX_HEADERS:
        return f"are {len(headers)}; at most {MAX_HEADERS} are allowed"
    for number, (name, value) in enumerate(headers.items(), 1):
        if what := _header_problem(name, value):
            return f"number {number} {what}"
    if any(count > 1 for count in Counter(name.lower() for name in headers).values()):
        return "name one twice; capitals make no difference"
    size = sum(len(name) + len(value) for name, value in headers.items())
    return f"have {size} bytes; at most {MAX_HEADER_BYTES} are allowed" if size > MAX_HEADER_BYTES else ""


def _header_problem(name: str, value: str) -> str:
    if not re.fullmatch(_HEADER_NAME, name, re.ASCII):
        return f"has a name that is not 1 to {MAX_HEADER_NAME} characters of A-Z, a-z, 0-9 and !#$%&'*+-.^_`|~"
    if name.lower() in _SENDERS:
        return f"is one that the sender sets itself, as are {', '.join(sorted(_SENDERS))}"
    if len(value) > MAX_HEADER_VALUE or not re.fullmatch(_HEADER_VALUE, value, re.ASCII):
        return f"has a value that is not 1 to {MAX_HEADER_VALUE} visible ASCII characters with blanks between them"
    return ""


def _parsed(text: str) -> Url | None:
    """Read it as browsers and HTTP clients do: they take 0x7f.1 for 127.0.0.1, and %6c for l."""
    if not re.fullmatch(_URL, text, re.ASCII | re.IGNORECASE):
        return None
    try:
        return Url(text)
    except ValidationError:
        return None


def _host_problem(host: str) -> str:
    address = _address(host)
    if address is not None:
        public = all(map(_is_public, (address, *_embedded(address))))
        return "" if public else "leads to a private, loopback, link-local or otherwise reserved address"
    name = host.lower().removesuffix(".")
    if "." not in name or any(name == ending or name.endswith(f".{ending}") for ending in _PRIVATE_NAMES):
        return "leads to a name that is not one of the public Internet"
    return ""


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    site_local = isinstance(address, IPv6Address) and address.is_site_local
    return address.is_global and not (address.is_multicast or address.is_reserved or site_local)


def _embedded(address: IPv4Address | IPv6Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses that packets to an IPv6 address may end up at."""
    if isinstance(address, IPv4Address):
        return
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    yield from (item for item in found if item is not None)
    if any(address in network for network in _TRANSLATED):
        yield IPv4Address(int(address) & 0xFFFF_FFFF)

"""From a CA_SEALING_KEY_URI to the sealer it names."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from cloudact.errors import ConfigurationError
from cloudact.sealing.key_file import EnvironmentKeys, KeyFile
from cloudact.sealing.local import LocalSealer
from cloudact.sealing.sealer import ManagedSealer
from cloudact.sealing.succession import SucceedingSealer

_KMS_KEY = re.compile(r"projects/[^/]+/locations/[^/]+/keyRings/[A-Za-z0-9_-]{1,63}/cryptoKeys/[A-Za-z0-9_-]{1,63}")
_FORMS = "local:///relative/path, local:////absolute/path, env://NAME or gcp-kms://projects/P/locations/L/keyRings/R/cryptoKeys/K"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a sealer depends on beside its address; `kms_emulator` is `host:port` of this machine, for tests."""

    production: bool = False
    kms_emulator: str | None = None


def open_sealer(uri: str, surroundings: Surroundings, previous: str | None = None) -> ManagedSealer:
    """Return the sealer at an address, which opens what one at a `previous` address sealed as well.

    Raises ConfigurationError for an address that is none. Nothing is read or made yet.
    """
    present = _sealer(uri, surroundings, "CA_SEALING_KEY_URI")
    if previous is None:
        return present
    return SucceedingSealer(present, _sealer(previous, surroundings, "CA_SEALING_PREVIOUS_KEY_URI"))


def key_file(uri: str) -> KeyFile:
    """Return the file at an address, for who asks to make it; raises ConfigurationError for any other address."""
    if not uri.startswith("local://"):
        raise ConfigurationError(
            f"CA_SEALING_KEY_URI {uri!r} names no file, and only a file of keys is made here",
            hint="Set it to local:///relative/path or local:////absolute/path for this command.",
        )
    return _file(uri.removeprefix("local://"), Surroundings(), "CA_SEALING_KEY_URI")


def _sealer(uri: str, surroundings: Surroundings, setting: str) -> ManagedSealer:
    scheme, separator, rest = uri.partition("://")
    make = _SCHEMES.get(scheme)
    if make is None or not separator:
        raise ConfigurationError(f"{setting} {uri!r} has no known scheme", hint=f"Write {_FORMS}.")
    return make(rest, surroundings, setting)


def _file(rest: str, surroundings: Surroundings, setting: str) -> KeyFile:
    path = unquote(rest.removeprefix("/"))
    if not rest.startswith("/") or not path or path.endswith("/") or "\0" in path:
        raise ConfigurationError(
            f"{setting} {f'local://{rest}'!r} names no file",
            hint="Three slashes make a path relative, four absolute: local:///data/sealing.key.",
        )
    return KeyFile(Path(path), strict=surroundings.production)


def _local(rest: str, surroundings: Surroundings, setting: str) -> ManagedSealer:
    return LocalSealer(_file(rest, surroundings, setting))


def _environment(rest: str, _surroundings: Surroundings, setting: str) -> ManagedSealer:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", rest):
        raise ConfigurationError(
            f"{setting} {f'env://{rest}'!r} names no environment variable", hint="Write env://CA_SEALING_KEYS."
        )
    return LocalSealer(EnvironmentKeys(rest))


def _gcp_kms(rest: str, surroundings: Surroundings, setting: str) -> ManagedSealer:
    if not _KMS_KEY.fullmatch(rest):
        raise ConfigurationError(
            f"{setting} {f'gcp-kms://{rest}'!r} is not the resource name of a key",
            hint="Write gcp-kms://projects/P/locations/L/keyRings/R/cryptoKeys/K, without a version.",
        )
    try:
        from cloudact.sealing.gcp_kms import KmsSealer  # noqa: PLC0415 - an extra
        from cloudact.sealing.gcp_kms_client import KmsClient  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError(
            f"{setting} names Cloud KMS, but its client library is not installed: {error}",
            hint="Install it with: pip install 'cloudact[gcp-kms]'",
        ) from error
    return KmsSealer(KmsClient(rest, emulator=surroundings.kms_emulator))


_SCHEMES: dict[str, Callable[[str, Surroundings, str], ManagedSealer]] = {
    "local": _local,
    "env": _environment,
    "gcp-kms": _gcp_kms,
}

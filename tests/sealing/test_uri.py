"""Which sealer an address names, and values of an earlier one."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudact.errors import ConfigurationError, SealBroken
from cloudact.sealing.sealer import Context
from cloudact.sealing.uri import Surroundings, key_file, open_sealer
from tests.sealing.kms_server import KEY, OTHER_KEY, KmsServer

SECRET = b"sk-canary-5b1f7a"
HERE = Surroundings()


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("local:///data/sealing.key", "local:///data/sealing.key"),
        ("local:////etc/cloudact/sealing.key", "local:////etc/cloudact/sealing.key"),
        ("local:///with%20space.key", "local:///with space.key"),
        ("env://SEALING_KEYS", "env://SEALING_KEYS"),
        (f"gcp-kms://{KEY}", f"gcp-kms://{KEY}"),
    ],
)
def test_an_address_names_a_sealer_and_touches_nothing(uri: str, place: str) -> None:
    sealer = open_sealer(uri, Surroundings(kms_emulator="127.0.0.1:1"))
    assert sealer.place == place
    sealer.close()


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("", "no known scheme"),
        ("data/sealing.key", "no known scheme"),
        ("vault://somewhere", "no known scheme"),
        ("local", "no known scheme"),
        ("local://data/sealing.key", "names no file"),
        ("local:///", "names no file"),
        ("local:///data/", "names no file"),
        ("local:///a%00b", "names no file"),
        ("env://", "names no environment variable"),
        ("env://A-B", "names no environment variable"),
        ("gcp-kms://", "not the resource name"),
        ("gcp-kms://projects/p/locations/l/keyRings/r", "not the resource name"),
        (f"gcp-kms://{KEY}/cryptoKeyVersions/1", "not the resource name"),
    ],
)
def test_an_address_that_is_none_is_refused_with_what_to_write(uri: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as refused:
        open_sealer(uri, HERE)
    assert "CA_SEALING_KEY_URI" in refused.value.message
    assert refused.value.hint
    with pytest.raises(ConfigurationError, match="CA_SEALING_PREVIOUS_KEY_URI"):
        open_sealer("env://SEALING_KEYS", HERE, previous=uri)


def test_a_file_is_made_for_the_address_of_a_file_only(tmp_path: Path) -> None:
    made = key_file(f"local:///{tmp_path}/sealing.key").create()
    assert open_sealer(f"local:///{tmp_path}/sealing.key", HERE).known_keys()[0].key_id == made.current.key_id
    with pytest.raises(ConfigurationError, match="names no file"):
        key_file("env://SEALING_KEYS")


def test_after_a_move_to_kms_values_of_the_file_open_and_are_not_current(
    kms: KmsServer, tmp_path: Path, context: Context
) -> None:
    file, key = f"local:///{tmp_path}/sealing.key", f"gcp-kms://{KEY}"
    here = Surroundings(kms_emulator=kms.address)
    old = open_sealer(file, here).seal(SECRET, context)
    moved = open_sealer(key, here, previous=file)
    new = moved.seal(SECRET, context)
    assert [moved.open(value, context) for value in (old, new)] == [SECRET, SECRET]
    assert [moved.is_current(value) for value in (old, new)] == [False, True]
    assert [open_sealer(key, here).recognizes(value) for value in (old, new)] == [False, True]
    assert [key.current for key in moved.known_keys()] == [True, False]
    assert moved.place == key
    assert "earlier: " in moved.check()
    moved.close()


def test_values_of_neither_place_are_broken_in_the_words_of_the_present_one(
    kms: KmsServer, tmp_path: Path, context: Context
) -> None:
    here = Surroundings(kms_emulator=kms.address)
    foreign = open_sealer(f"gcp-kms://{OTHER_KEY}", here).seal(SECRET, context)
    sealer = open_sealer(f"local:///{tmp_path}/new.key", here, previous=f"local:///{tmp_path}/old.key")
    with pytest.raises(SealBroken, match=r"new\.key"):
        sealer.open(foreign, context)
    assert not sealer.recognizes(foreign)

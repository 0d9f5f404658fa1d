"""Keyrings in files and in the environment: made once, for their owner only, rotated without losing anything."""

from __future__ import annotations

import base64
import json
import multiprocessing
import os
import stat
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cloudact.errors import ConfigurationError, InvalidRequest, SealBroken, SealingUnavailable
from cloudact.sealing.key_file import EnvironmentKeys, KeyFile
from cloudact.sealing.keyring import Keyring, new_keyring, parse_keyring
from cloudact.sealing.local import LocalSealer
from cloudact.sealing.sealer import Context
from tests.sealing import doomed

SECRET = b"sk-canary-5b1f7a"


def of_file(path: Path, *, strict: bool = False) -> LocalSealer:
    return LocalSealer(KeyFile(path, strict=strict))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_key_is_made_for_its_owner_when_it_is_first_needed(key_path: Path, context: Context) -> None:
    sealer = of_file(key_path)
    assert "made when the first value" in sealer.check()
    assert sealer.known_keys() == []
    assert not key_path.exists()
    sealed = sealer.seal(SECRET, context)
    assert mode(key_path) == 0o600
    assert of_file(key_path, strict=True).open(sealed, context) == SECRET


def test_the_umask_makes_no_difference(key_path: Path, context: Context) -> None:
    before = os.umask(0)
    try:
        of_file(key_path).seal(SECRET, context)
    finally:
        os.umask(before)
    assert {mode(path) for path in key_path.parent.iterdir()} == {0o600}


def test_production_makes_no_key_by_itself(key_path: Path, context: Context) -> None:
    sealer = of_file(key_path, strict=True)
    for use in (lambda: sealer.seal(SECRET, context), sealer.check, sealer.known_keys):
        with pytest.raises(ConfigurationError, match=f"no sealing key at {key_path}") as refused:
            use()
        assert "cloudact sealing create" in refused.value.hint
    assert not key_path.parent.exists()
    KeyFile(key_path, strict=True).create()
    assert sealer.open(sealer.seal(SECRET, context), context) == SECRET


@pytest.mark.parametrize("readable", [0o640, 0o604, 0o620, 0o677])
def test_production_refuses_a_key_that_others_may_use(key_path: Path, context: Context, readable: int) -> None:
    KeyFile(key_path, strict=True).create()
    key_path.chmod(readable)
    with pytest.raises(ConfigurationError, match=f"mode {readable:04o}") as refused:
        of_file(key_path, strict=True).seal(SECRET, context)
    assert refused.value.hint == f"Run: chmod 600 {key_path}"
    assert of_file(key_path).seal(SECRET, context)


def test_a_key_of_an_owner_who_may_only_read_it_is_good(key_path: Path, context: Context) -> None:
    KeyFile(key_path, strict=True).create()
    key_path.chmod(0o400)
    sealer = of_file(key_path, strict=True)
    assert sealer.open(sealer.seal(SECRET, context), context) == SECRET


def test_a_file_that_was_there_and_is_gone_is_not_made_anew(key_path: Path, context: Context) -> None:
    sealer = of_file(key_path)
    sealed = sealer.seal(SECRET, context)
    away = key_path.rename(key_path.with_name("away"))
    for use in (lambda: sealer.seal(SECRET, context), lambda: sealer.open(sealed, context)):
        with pytest.raises(SealingUnavailable, match="is gone"):
            use()
    assert not key_path.exists()
    away.rename(key_path)
    assert sealer.open(sealed, context) == SECRET


def test_after_a_rotation_old_values_open_and_new_ones_have_the_new_key(key_path: Path, context: Context) -> None:
    sealer, elsewhere = of_file(key_path), of_file(key_path)
    old = sealer.seal(SECRET, context)
    before = sealer.known_keys()
    made = sealer.rotate()
    assert not sealer.is_current(old)
    assert sealer.open(old, context) == SECRET
    # Another process, which had read the file before.
    assert elsewhere.is_current(elsewhere.seal(SECRET, context))
    assert not elsewhere.is_current(old)
    assert [(key.key_id, key.current) for key in sealer.known_keys()] == [
        (made.key_id, True),
        (before[0].key_id, False),
    ]
    assert mode(key_path) == 0o600


def test_there_is_nothing_to_rotate_before_there_is_a_key(key_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="could be followed"):
        of_file(key_path).rotate()
    assert not key_path.exists()


def test_keys_of_another_keyring_are_named(key_path: Path, context: Context, tmp_path: Path) -> None:
    sealed = of_file(key_path).seal(SECRET, context)
    key_id = of_file(key_path).known_keys()[0].key_id
    stranger = of_file(tmp_path / "other.key")
    with pytest.raises(SealBroken, match=key_id) as refused:
        stranger.open(sealed, context)
    assert "CA_SEALING_PREVIOUS_KEY_URI" in refused.value.hint
    assert not stranger.recognizes(sealed)


def test_opening_makes_no_key(key_path: Path, context: Context, tmp_path: Path) -> None:
    sealed, absent = of_file(key_path).seal(SECRET, context), tmp_path / "absent.key"
    with pytest.raises(SealBroken, match="not among those of"):
        of_file(absent).open(sealed, context)
    assert not of_file(absent).is_current(sealed)
    assert not absent.exists()


def test_threads_that_need_a_key_at_once_make_one(key_path: Path, context: Context) -> None:
    with ThreadPoolExecutor(8) as threads:
        sealed = list(threads.map(lambda _: of_file(key_path).seal(SECRET, context), range(16)))
    assert {of_file(key_path).open(item, context) for item in sealed} == {SECRET}
    assert len(of_file(key_path).known_keys()) == 1


def test_processes_that_need_a_key_at_once_make_one(key_path: Path, context: Context) -> None:
    with ProcessPoolExecutor(4, multiprocessing.get_context("forkserver")) as processes:
        sealed = list(processes.map(doomed.seal, [(key_path, SECRET, context)] * 8))
    assert {of_file(key_path).open(item, context) for item in sealed} == {SECRET}


def test_no_rotation_is_lost_when_processes_rotate_at_once(key_path: Path, context: Context) -> None:
    sealed = of_file(key_path).seal(SECRET, context)
    with ProcessPoolExecutor(4, multiprocessing.get_context("forkserver")) as processes:
        made = list(processes.map(doomed.rotate, [key_path] * 8))
    keys = of_file(key_path).known_keys()
    assert {key.key_id for key in keys} >= set(made)
    assert len(keys) == len(set(made)) + 1 == 9
    assert of_file(key_path).open(sealed, context) == SECRET


@pytest.mark.parametrize("call", doomed.FILE_CALLS)
def test_killed_at_any_instant_the_keyring_is_the_one_before_or_the_one_after(
    key_path: Path, context: Context, call: str
) -> None:
    sealer = of_file(key_path)
    sealed = sealer.seal(SECRET, context)
    assert doomed.killed_while_rotating(key_path, before=call)
    assert len(sealer.known_keys()) in (1, 2)
    assert sealer.open(sealed, context) == SECRET
    sealer.rotate()
    assert sealer.open(sealed, context) == SECRET
    assert {path.name for path in key_path.parent.iterdir()} == {"sealing.key", "sealing.key.lock"}


def test_the_environment_holds_a_keyring_in_the_same_text(key_path: Path, context: Context) -> None:
    sealed = of_file(key_path).seal(SECRET, context)
    held = {"SEALING_KEYS": key_path.read_text()}
    sealer = LocalSealer(EnvironmentKeys("SEALING_KEYS", held))
    assert sealer.open(sealed, context) == SECRET
    assert sealer.is_current(sealer.seal(SECRET, context))
    assert "env://SEALING_KEYS holds 1 key" in sealer.check()
    with pytest.raises(InvalidRequest, match="cannot change") as refused:
        sealer.rotate()
    assert "SEALING_KEYS" in refused.value.hint


def test_an_environment_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(ConfigurationError, match="SEALING_KEYS, which is not set"):
        LocalSealer(EnvironmentKeys("SEALING_KEYS", {})).check()


def test_a_keyring_is_read_back_from_its_text() -> None:
    keyring = new_keyring().with_new_key()
    assert parse_keyring(keyring.to_text(), "here") == keyring


def _changed(**changes: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda raw: {**raw, **changes}


def _changed_key(**changes: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda raw: {**raw, "keys": [{**raw["keys"][0], **changes}]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda raw: [raw], '"version": 1'),
        (_changed(version=2), '"version": 1'),
        (_changed(keys=[]), 'no list "keys"'),
        (_changed(keys={}), 'no list "keys"'),
        (_changed(current="ffffffffffffffff"), '"current" is not the id'),
        (lambda raw: {**raw, "keys": raw["keys"] * 2}, "a key twice"),
        (_changed(keys=["text"]), "key 1 is not an object"),
        (_changed_key(algorithm="AES-128-GCM"), 'algorithm": "AES-256-GCM"'),
        (_changed_key(key="not base64"), "base64"),
        (_changed_key(created_at="yesterday"), "ISO 8601"),
        (_changed_key(key=base64.b64encode(b"short").decode()), "40 bits instead of 256"),
        (_changed_key(key=base64.b64encode(bytes(32)).decode()), "it was altered"),
    ],
)
def test_a_text_that_is_no_keyring_is_refused_without_repeating_it(change: Any, words: str) -> None:
    keyring = new_keyring()
    text = json.dumps(change(json.loads(keyring.to_text())))
    with pytest.raises(ConfigurationError) as refused:
        parse_keyring(text, "local:///some.key")
    assert words in refused.value.message
    assert "local:///some.key" in refused.value.message
    _assert_silent(refused.value, keyring)


def test_a_damaged_file_is_refused_without_repeating_it(key_path: Path, context: Context) -> None:
    keyring = KeyFile(key_path, strict=False).create()
    for damage in (key_path.read_text()[:-20], "", "\0"):
        key_path.write_text(damage)
        with pytest.raises(ConfigurationError) as refused:
            of_file(key_path).seal(SECRET, context)
        _assert_silent(refused.value, keyring)
    key_path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ConfigurationError, match="is not JSON"):
        of_file(key_path).seal(SECRET, context)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, context: Context) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "sealing.key", tmp_path):
        with pytest.raises(ConfigurationError, match=f"{path} cannot be read or written"):
            of_file(path).seal(SECRET, context)


def _assert_silent(error: BaseException, keyring: Keyring) -> None:
    secret = keyring.current.secret
    told = f"{error} {error!r} {error.args} {error.__context__!r} {error.__cause__!r} {keyring!r} {keyring.current!r}"
    assert base64.b64encode(secret).decode() not in told
    assert repr(secret)[2:-1] not in told

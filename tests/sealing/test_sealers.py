"""What every sealer promises, whoever holds the key."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudact.errors import SealBroken
from cloudact.sealing.envelope import Scheme, decrypt, encrypt, parse
from cloudact.sealing.sealer import Context, ManagedSealer

SECRET = b"sk-canary-5b1f7a \x00\xff"
KEY = bytes(range(32))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
CONTEXTS = st.builds(Context, TEXTS, TEXTS, TEXTS, TEXTS)
PLACE = Context("acme_corp", "org_api_keys", "encrypted_org_api_key", "1")


@pytest.mark.parametrize("secret", [b"", b"x", SECRET, b"long" * 30_000])
def test_what_was_sealed_opens(sealer: ManagedSealer, context: Context, secret: bytes) -> None:
    sealed = sealer.seal(secret, context)
    assert sealer.open(sealed, context) == secret
    assert len(secret) < 4 or secret not in sealed
    assert sealer.is_current(sealed)
    assert sealer.recognizes(sealed)


def test_the_same_secret_is_sealed_differently_each_time(sealer: ManagedSealer, context: Context) -> None:
    assert len({sealer.seal(SECRET, context) for _ in range(20)}) == 20


@pytest.mark.parametrize("part", ["organization", "table", "column", "row"])
def test_a_value_that_was_moved_does_not_open(sealer: ManagedSealer, context: Context, part: str) -> None:
    sealed = sealer.seal(SECRET, context)
    moved = replace(context, **{part: "elsewhere"})
    with pytest.raises(SealBroken) as refused:
        sealer.open(sealed, moved)
    assert str(moved) in refused.value.message
    assert refused.value.hint


def test_parts_of_a_place_are_not_run_together(sealer: ManagedSealer) -> None:
    sealed = sealer.seal(SECRET, Context("acme", "corp_keys", "c", "1"))
    with pytest.raises(SealBroken):
        sealer.open(sealed, Context("acmecorp_", "keys", "c", "1"))


def test_a_bit_changed_anywhere_is_noticed(sealer: ManagedSealer, context: Context) -> None:
    sealed = sealer.seal(SECRET, context)
    step = max(1, len(sealed) // 60)
    for position in range(0, len(sealed), step):
        altered = bytearray(sealed)
        altered[position] ^= 1
        with pytest.raises(SealBroken):
            sealer.open(bytes(altered), context)


@pytest.mark.parametrize("length", [0, 3, 4, 5, 8, 30, -1])
def test_a_value_cut_short_is_not_one(sealer: ManagedSealer, context: Context, length: int) -> None:
    with pytest.raises(SealBroken):
        sealer.open(sealer.seal(b"", context)[:length], context)


@pytest.mark.parametrize("text", [b"", b"sk-in-the-clear", b"CAS\x01\x09", b"CAS\x02\x01\x00\x01a\x00\x00" + bytes(40)])
def test_what_was_never_sealed_is_told(sealer: ManagedSealer, context: Context, text: bytes) -> None:
    for ask in (sealer.is_current, sealer.recognizes, lambda value: sealer.open(value, context)):
        with pytest.raises(SealBroken) as refused:
            ask(text)
        assert "clear" not in f"{refused.value} {refused.value!r}"


def test_a_check_uses_the_key_and_names_its_place(sealer: ManagedSealer, context: Context) -> None:
    sealer.seal(SECRET, context)
    assert sealer.place in sealer.check()
    assert [key.current for key in sealer.known_keys()] == [True]


def test_many_threads_seal_and_open(sealer: ManagedSealer) -> None:
    def there_and_back(number: int) -> bool:
        place = Context("acme_corp", "t", "c", str(number))
        return sealer.open(sealer.seal(str(number).encode(), place), place) == str(number).encode()

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(there_and_back, range(64)))


@given(CONTEXTS, CONTEXTS)
def test_no_two_places_read_alike(one: Context, another: Context) -> None:
    assert (one.to_bytes() == another.to_bytes()) == (one == another)


@given(st.binary(max_size=80), CONTEXTS, st.sampled_from(Scheme), st.text(max_size=20), st.binary(max_size=40))
def test_an_envelope_is_read_back(plain: bytes, place: Context, scheme: Scheme, key_id: str, wrapped: bytes) -> None:
    sealed = encrypt(KEY, plain, place, scheme=scheme, key_id=key_id, wrapped_key=wrapped)
    envelope = parse(sealed)
    assert (envelope.scheme, envelope.key_id, envelope.wrapped_key) == (scheme, key_id, wrapped)
    assert envelope.to_bytes() == sealed
    assert decrypt(KEY, envelope, place) == plain


@given(st.binary(max_size=60))
def test_any_bytes_are_an_envelope_or_refused(data: bytes) -> None:
    for text in (data, b"CAS\x01" + data):
        try:
            assert parse(text).to_bytes() == text
        except SealBroken:
            continue


def test_the_key_that_a_value_names_cannot_be_exchanged() -> None:
    sealed = parse(encrypt(KEY, SECRET, PLACE, scheme=Scheme.KEYRING, key_id="one"))
    for other in (
        replace(sealed, key_id="two"),
        replace(sealed, wrapped_key=b"x"),
        replace(sealed, scheme=Scheme.GCP_KMS),
    ):
        with pytest.raises(SealBroken):
            decrypt(KEY, other, PLACE)


def test_nothing_of_a_value_shows_in_its_repr() -> None:
    sealed = parse(encrypt(KEY, SECRET, PLACE, scheme=Scheme.KEYRING, key_id="one", wrapped_key=b"wrapped"))
    assert repr(sealed) == "Envelope(scheme=<Scheme.KEYRING: 1>, key_id='one')"

"""Envelope encryption with the real client library, against a Cloud KMS on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.cloud import kms_v1

from cloudact.errors import ConfigurationError, InvalidRequest, SealBroken, SealingDenied, SealingUnavailable
from cloudact.sealing.envelope import Scheme, parse
from cloudact.sealing.gcp_kms import KmsSealer
from cloudact.sealing.gcp_kms_client import KmsClient, Patience
from cloudact.sealing.sealer import Context
from tests.sealing.conftest import QUICK
from tests.sealing.kms_server import KEY, OTHER_KEY, KmsServer

SECRET = b"sk-canary-5b1f7a"
LOCATION = KEY.partition("/keyRings")[0]
TRANSIENT = [
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
]


@pytest.fixture
def sealer(kms_sealer: KmsSealer) -> Iterator[KmsSealer]:
    return kms_sealer


def another(kms: KmsServer, key: str = KEY, patience: Patience = QUICK) -> KmsSealer:
    return KmsSealer(KmsClient(key, emulator=kms.address, patience=patience))


def test_only_the_data_key_is_sent_and_each_value_has_its_own(
    kms: KmsServer, sealer: KmsSealer, context: Context
) -> None:
    envelopes = [parse(sealer.seal(SECRET, context)) for _ in range(3)]
    assert [len(sent) for sent in kms.plaintexts] == [32, 32, 32]
    assert len(set(kms.plaintexts)) == 3
    assert all(envelope.scheme is Scheme.GCP_KMS for envelope in envelopes)
    assert {envelope.key_id for envelope in envelopes} == {f"{KEY}/cryptoKeyVersions/1"}
    assert all(sent not in envelope.to_bytes() for sent in kms.plaintexts for envelope in envelopes)


def test_kms_itself_refuses_to_unwrap_for_another_place(kms: KmsServer, sealer: KmsSealer, context: Context) -> None:
    envelope = parse(sealer.seal(SECRET, context))
    request = kms_v1.DecryptRequest(name=KEY, ciphertext=envelope.wrapped_key)
    with pytest.raises(Exception, match="Decryption failed"):
        kms.decrypt(request)
    request.additional_authenticated_data = context.to_bytes()
    assert kms.decrypt(request).plaintext == kms.plaintexts[0]


def test_one_request_seals_and_one_opens(kms: KmsServer, sealer: KmsSealer, context: Context) -> None:
    sealer.open(sealer.seal(SECRET, context), context)
    assert kms.asked == {"Encrypt": 1, "Decrypt": 1}


def test_values_of_earlier_versions_open_and_are_not_current(
    kms: KmsServer, sealer: KmsSealer, context: Context
) -> None:
    old = sealer.seal(SECRET, context)
    version = kms.rotate()
    new = sealer.seal(SECRET, context)
    assert parse(new).key_id == version
    assert [sealer.is_current(value) for value in (old, new)] == [False, True]
    assert [sealer.open(value, context) for value in (old, new)] == [SECRET, SECRET]
    assert [key.key_id for key in sealer.known_keys()] == [version]


def test_a_rotation_by_others_is_seen_after_a_minute_and_not_asked_for_more_often(
    kms: KmsServer, context: Context
) -> None:
    now = [0.0]
    sealer = KmsSealer(KmsClient(KEY, emulator=kms.address, patience=QUICK), lambda: now[0])
    old = sealer.seal(SECRET, context)
    kms.rotate()
    assert [sealer.is_current(old) for _ in range(10)] == [True] * 10
    assert kms.asked["GetCryptoKey"] == 0
    now[0] = 60.1
    assert [sealer.is_current(old) for _ in range(10)] == [False] * 10
    assert kms.asked["GetCryptoKey"] == 1


def test_rotation_is_told_and_not_done(kms: KmsServer, sealer: KmsSealer) -> None:
    with pytest.raises(InvalidRequest, match="rotated in Cloud KMS") as refused:
        sealer.rotate()
    told = (
        "gcloud kms keys versions create --project=some-project --location=europe --keyring=ring --key=seal --primary"
    )
    assert told in refused.value.hint


def test_a_key_that_a_value_names_is_never_asked(kms: KmsServer, sealer: KmsSealer, context: Context) -> None:
    """Whoever can write rows could otherwise have values opened that they sealed with a key of their own."""
    foreign = another(kms, OTHER_KEY).seal(SECRET, context)
    kms.asked.clear()
    assert not sealer.recognizes(foreign)
    with pytest.raises(SealBroken, match=OTHER_KEY):
        sealer.open(foreign, context)
    assert kms.asked == {}


def test_a_key_whose_name_begins_alike_is_another(kms: KmsServer, sealer: KmsSealer, context: Context) -> None:
    kms.add_key(f"{KEY}2")
    foreign = another(kms, f"{KEY}2").seal(SECRET, context)
    with pytest.raises(SealBroken, match="which is not"):
        sealer.open(foreign, context)


@pytest.mark.parametrize("status", TRANSIENT)
def test_what_passes_is_tried_again(
    kms: KmsServer, sealer: KmsSealer, context: Context, status: grpc.StatusCode
) -> None:
    kms.fail(status, times=2)
    sealed = sealer.seal(SECRET, context)
    kms.fail(status, times=2)
    assert sealer.open(sealed, context) == SECRET
    assert kms.asked == {"Encrypt": 3, "Decrypt": 3}


@pytest.mark.parametrize("status", TRANSIENT)
def test_what_does_not_pass_ends_as_unavailable(kms: KmsServer, context: Context, status: grpc.StatusCode) -> None:
    sealer = another(kms, patience=Patience(request=5.0, total=0.05, first_pause=0.001, longest_pause=0.01))
    kms.fail(status, times=1_000, words="come back later")
    with pytest.raises(SealingUnavailable, match=r"does not answer.*come back later") as refused:
        sealer.seal(SECRET, context)
    assert not isinstance(refused.value, SealingDenied)
    assert 1 < kms.asked["Encrypt"] < 100


def test_nobody_listening_is_unavailable(context: Context) -> None:
    patience = Patience(request=1.0, total=0.05, first_pause=0.001, longest_pause=0.01)
    sealer = KmsSealer(KmsClient(KEY, emulator="127.0.0.1:1", patience=patience))
    with pytest.raises(SealingUnavailable, match="does not answer"):
        sealer.seal(SECRET, context)
    sealer.close()


def test_a_request_that_hangs_is_given_up(kms: KmsServer, context: Context) -> None:
    sealer = another(kms, patience=Patience(request=0.05, total=0.08, first_pause=0.001, longest_pause=0.01))
    kms.held.clear()
    with pytest.raises(SealingUnavailable, match="Deadline Exceeded"):
        sealer.seal(SECRET, context)
    kms.held.set()


@pytest.mark.parametrize("status", [grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED])
def test_a_permission_that_is_lacking_is_named_at_once(
    kms: KmsServer, sealer: KmsSealer, context: Context, status: grpc.StatusCode
) -> None:
    sealed = sealer.seal(SECRET, context)
    for use in (lambda: sealer.seal(SECRET, context), lambda: sealer.open(sealed, context), sealer.check):
        kms.asked.clear()
        kms.fail(status, words="Permission 'cloudkms.cryptoKeyVersions.useToDecrypt' denied")
        with pytest.raises(SealingDenied, match=f"{KEY} may not be used.*useToDecrypt") as refused:
            use()
        assert "roles/cloudkms.cryptoKeyEncrypterDecrypter" in refused.value.hint
        assert kms.asked.total() == 1


def test_a_version_that_is_disabled_says_nothing_about_the_value(
    kms: KmsServer, sealer: KmsSealer, context: Context
) -> None:
    sealed = sealer.seal(SECRET, context)
    kms.disable(1)
    for use in (lambda: sealer.seal(SECRET, context), lambda: sealer.open(sealed, context)):
        with pytest.raises(SealingUnavailable, match="is not enabled") as refused:
            use()
        assert "Enable the key version" in refused.value.hint


def test_a_version_that_was_lost_opens_nothing(kms: KmsServer, sealer: KmsSealer, context: Context) -> None:
    sealed = sealer.seal(SECRET, context)
    kms.reset()
    with pytest.raises(SealBroken, match="does not open"):
        sealer.open(sealed, context)


def test_a_key_that_does_not_exist_is_named(kms: KmsServer, context: Context) -> None:
    missing = f"{LOCATION}/keyRings/ring/cryptoKeys/missing"
    with pytest.raises(SealingUnavailable, match=f"{missing} does not exist"):
        another(kms, missing).seal(SECRET, context)


def test_a_key_for_signing_is_refused(kms: KmsServer) -> None:
    signing = f"{LOCATION}/keyRings/ring/cryptoKeys/signing"
    kms.add_key(signing, kms_v1.CryptoKey.CryptoKeyPurpose.ASYMMETRIC_SIGN)
    with pytest.raises(ConfigurationError, match="no key for symmetric encryption"):
        another(kms, signing).check()


def _flip(name: str) -> Any:
    def flip(answer: Any) -> None:
        value = getattr(answer, name)
        setattr(answer, name, bytes([value[0] ^ 1]) + value[1:] if isinstance(value, bytes) else not value)

    return flip


@pytest.mark.parametrize(
    "field", ["ciphertext", "verified_plaintext_crc32c", "verified_additional_authenticated_data_crc32c"]
)
def test_a_garbled_encryption_is_noticed_and_repeated(
    kms: KmsServer, sealer: KmsSealer, context: Context, field: str
) -> None:
    kms.garble.append(_flip(field))
    sealed = sealer.seal(SECRET, context)
    assert kms.asked["Encrypt"] == 2
    assert sealer.open(sealed, context) == SECRET


def test_a_garbled_decryption_is_noticed_and_repeated(kms: KmsServer, sealer: KmsSealer, context: Context) -> None:
    sealed = sealer.seal(SECRET, context)
    kms.garble.append(_flip("plaintext"))
    assert sealer.open(sealed, context) == SECRET
    assert kms.asked["Decrypt"] == 2


def test_what_kms_says_was_garbled_on_the_way_is_sent_again(
    kms: KmsServer, sealer: KmsSealer, context: Context
) -> None:
    sealed = sealer.seal(SECRET, context)
    words = "The checksum in field ciphertext_crc32c did not match the data in field ciphertext."
    kms.fail(grpc.StatusCode.INVALID_ARGUMENT, words=words)
    assert sealer.open(sealed, context) == SECRET
    assert kms.asked["Decrypt"] == 2


def test_garbled_every_time_is_unavailable(kms: KmsServer, context: Context) -> None:
    sealer = another(kms, patience=Patience(request=5.0, total=0.05, first_pause=0.001, longest_pause=0.01))
    kms.garble.extend([_flip("ciphertext")] * 1_000)
    with pytest.raises(SealingUnavailable, match="garbled every time"):
        sealer.seal(SECRET, context)


def test_every_request_carries_checksums_of_all_it_holds(kms: KmsServer, sealer: KmsSealer, context: Context) -> None:
    sealer.open(sealer.seal(SECRET, context), context)
    encryption, decryption = kms.requests
    assert {"plaintext_crc32c", "additional_authenticated_data_crc32c"} <= _given(encryption)
    assert {"ciphertext_crc32c", "additional_authenticated_data_crc32c"} <= _given(decryption)


def _given(request: Any) -> set[str]:
    return {name for name in type(request).meta.fields if name in request}


@pytest.mark.parametrize(
    "address", ["10.0.0.1:9000", "kms.example.com:443", "localhost", "localhost:1/x", "127.0.0.1.example.com:1"]
)
def test_keys_are_sent_in_the_clear_within_this_machine_only(address: str) -> None:
    with pytest.raises(ConfigurationError, match="CA_KMS_EMULATOR_HOST"):
        KmsClient(KEY, emulator=address)

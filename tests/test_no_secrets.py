"""Planted secrets, looked for in everything that leaves the process: answers, logs, streams, errors, rows and files."""

from __future__ import annotations

import base64
import io
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote as quoted

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from cloudact.api.app import create_app
from cloudact.errors import CloudactError
from cloudact.log import configure_logging
from cloudact.settings import Settings
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.names import OrgSlug
from cloudact.tenancy.notifications.channel import ChannelType, NewChannel
from cloudact.tenancy.secrets.columns import WEBHOOK_URL
from cloudact.tenancy.secrets.credential import CredentialName, CredentialType, NewCredential
from cloudact.tenancy.secrets.validation import Subject, Verdict
from cloudact.warehouse.duckdb.type_map import quote
from cloudact.wiring import Services, build_services
from tests.acme import ACME
from tests.api.documented import operations
from tests.api.live import duckdb_of
from tests.api.published import ONBOARD, ORGANIZATIONS
from tests.cli.command_line import CommandLine
from tests.prepared import Prepared

ROOT_CANARY = "canary-root-3f9d1c7b5a2e4f60-of-many-characters"
CREDENTIAL_CANARY = "sk-canary-credential-8d2e6b4f1a9c3e57"
URL_CANARY = "https://hooks.example.com/canary/71c5e9a3d8f2"
HEADER_CANARY = "Bearer canary-header-9b3d5f7a1c2e"
ACTOR = Actor.local("somebody")
SLUG = OrgSlug("acme_corp")
OPENAI = f"{ORGANIZATIONS}/acme_corp/integrations/openai/credentials/default"
CHANNELS = f"{ORGANIZATIONS}/acme_corp/notifications/channels"
SLACK = {"channel_type": "SLACK", "name": "On call", "slack_webhook_url": URL_CANARY}
WEBHOOK = {
    "channel_type": "WEBHOOK",
    "name": "Incidents",
    "webhook_url": URL_CANARY,
    "webhook_headers": {"Authorization": HEADER_CANARY},
}


@dataclass
class Canaries:
    """Every planted secret by name, in each form in which it could slip out."""

    planted: dict[str, bytes] = field(default_factory=dict)

    def plant(self, name: str, secret: bytes | str) -> None:
        self.planted[name] = secret.encode() if isinstance(secret, str) else secret

    def found_in(self, data: bytes | str) -> set[str]:
        """The names of the secrets that some data hold."""
        text = data.encode(errors="surrogateescape") if isinstance(data, str) else data
        return {name for name, secret in self.planted.items() if any(form in text for form in _forms(secret))}


def _forms(secret: bytes) -> Iterator[bytes]:
    yield secret
    yield secret.hex().encode()
    yield base64.b64encode(secret)
    yield base64.urlsafe_b64encode(secret)
    yield repr(secret)[2:-1].encode()
    yield quoted(secret).encode()


@dataclass
class Scene:
    """A service with secrets in every place there is for one, and all that it said so far."""

    services: Services
    settings: Settings
    client: TestClient
    canaries: Canaries
    said: list[tuple[str, bytes | str]] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)

    def call(self, method: str, path: str, **content: object) -> None:
        """Send a request and remember the answer, headers and all."""
        answer = self.client.request(method, path, **content)  # type: ignore[arg-type]
        self.said.append((f"{method} {path}", f"{answer.headers} {answer.text}"))

    def make_key(self, path: str, **content: object) -> str:
        """Make a key by the only kind of call that may tell one: the new one, and nothing else that is planted."""
        answer = self.client.post(path, **content)  # type: ignore[arg-type]
        assert answer.status_code in (200, 201)
        assert self.canaries.found_in(answer.text) == set()
        made = answer.json()
        self.canaries.plant(f"api key of {path}", made["api_key"])
        return str(made.get("key", {}).get("key_id", ""))

    def hear(self, what: str, act: Callable[[], object]) -> None:
        """Do something and remember what is printed of its result, or of what it raises."""
        try:
            found: object = act()
        except CloudactError as error:
            found = error
        chain = [found, getattr(found, "__cause__", None), getattr(found, "__context__", None)]
        self.said.append((what, " ".join(f"{item} {item!r} {getattr(item, 'args', '')}" for item in chain)))

    def leaks(self) -> dict[str, set[str]]:
        """What leaked, and where."""
        return {what: found for what, text in self.said if (found := self.canaries.found_in(text))}


def _fails(subject: Subject) -> Verdict:
    raise RuntimeError(f"the provider did not like {subject.secret}")


@pytest.fixture
def scene(
    process_settings: Settings,
    own_sealing_key: Path,
    database: Path,
    prepared: Prepared,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Scene]:
    database.parent.mkdir(parents=True)
    shutil.copyfile(prepared.onboarded, database)
    settings = process_settings.model_copy(
        update={"root_api_key": SecretStr(ROOT_CANARY), "sealing_key_uri": f"local:///{own_sealing_key}"}
    )
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    configure_logging("DEBUG")
    built = build_services(settings)
    services = replace(built, credentials=replace(built.credentials, validators={"OPENAI": _fails}))
    headers = {"X-CA-Root-Key": ROOT_CANARY}
    with TestClient(create_app(services, SecretStr(ROOT_CANARY)), headers=headers, raise_server_exceptions=False) as it:
        made = Scene(services, settings, it, Canaries())
        made.canaries.plant("api key", prepared.api_key)
        _plant(made, own_sealing_key)
        yield made
    made.said.append(("log", written.getvalue()))
    assert made.leaks() == {}
    assert "request" in written.getvalue()


def _plant(scene: Scene, key_file: Path) -> None:
    """Put a secret of each kind where it belongs."""
    scene.canaries.plant("root key", ROOT_CANARY)
    scene.canaries.plant("credential", CREDENTIAL_CANARY)
    scene.canaries.plant("webhook url", URL_CANARY)
    scene.canaries.plant("webhook header", HEADER_CANARY)
    body = {"credential_type": "API_KEY", "secret": CREDENTIAL_CANARY, "metadata": {"project": "prod"}}
    assert scene.client.put(OPENAI, json=body).is_success
    scene.services.platform.derive("audit")
    scene.canaries.plant("platform secret", scene.services.platform._find_or_make())
    for label in ("key-lookup", "audit", "idempotency"):
        scene.canaries.plant(label, scene.services.platform.derive(label))
    for key in json.loads(key_file.read_text())["keys"]:
        scene.canaries.plant("sealing key", base64.b64decode(key["key"]))
    _make_channels(scene)


def _make_channels(scene: Scene) -> None:
    for body in (SLACK, WEBHOOK):
        answer = scene.client.post(CHANNELS, json=body, headers={"Idempotency-Key": f"once {body['channel_type']}"})
        assert answer.status_code == 201
        scene.channels.append(str(answer.json()["channel_id"]))
        scene.said.append(("a channel that was made", f"{answer.headers} {answer.text}"))


def test_no_answer_of_any_call_holds_one(scene: Scene) -> None:
    own = {"X-API-Key": scene.canaries.planted["api key"].decode(), "X-CA-Root-Key": ""}
    for operation in operations():
        if operation.method == "GET":
            scene.call("GET", operation.url())
            scene.call("GET", operation.url(), headers=own)
            scene.call("GET", operation.url("globex"), headers=own)
    for one in scene.channels:
        scene.call("GET", f"{CHANNELS}/{one}", headers=own)
    assert len(scene.said) > 30


def test_no_refusal_and_no_mistake_repeats_one(scene: Scene) -> None:
    secrets = [secret.decode("latin-1") for secret in scene.canaries.planted.values()]
    for secret in (item for item in secrets if item.isprintable() and item.isascii()):
        wrong = {"X-API-Key": f"{secret}x", "X-CA-Root-Key": ""}
        scene.call("GET", f"{ORGANIZATIONS}/acme_corp/status", headers=wrong)
        scene.call("GET", f"{ORGANIZATIONS}/acme_corp/status", headers={"X-CA-Root-Key": f"{secret}x"})
        for body in ({"secret": secret}, {"secret": secret, "credential_type": [secret][:0]}, {"secret": {"a": 1}}):
            scene.call("PUT", OPENAI, json=body)
        scene.call("PUT", OPENAI, content=f'{{"credential_type": "API_KEY", "secret": "{secret}"')
        scene.call("PUT", OPENAI, content=b"\xff" + secret.encode())
        scene.call("PUT", OPENAI, json={"credential_type": "API_KEY", "secret": secret, "metadata": {"x": secret}})
        for channel in ({"name": URL_CANARY}, {"webhook_url": secret}, {"webhook_url": [secret]}):
            scene.call("POST", CHANNELS, json={**WEBHOOK, **channel})
        for value in (f"{secret}\n", [secret], {"a": secret}):
            scene.call("POST", CHANNELS, json={**WEBHOOK, "webhook_headers": {"X-Key": value}})
        scene.call("POST", CHANNELS, json={**WEBHOOK, "webhook_headers": secret, "slack_webhook_url": secret})
        scene.call("PUT", f"{CHANNELS}/{scene.channels[0]}", json={**WEBHOOK, "webhook_headers": {"X-Key": "x"}})
        scene.call("POST", CHANNELS, content=f'{{"channel_type": "SLACK", "slack_webhook_url": "{secret}"')
    scene.call("POST", f"{OPENAI}/validate")


def test_a_key_is_told_once_and_its_repetition_tells_it_only_to_who_made_it(scene: Scene) -> None:
    keys = f"{ORGANIZATIONS}/acme_corp/keys"
    body = {"name": "loader", "scopes": ["org:read"]}
    scene.make_key(ONBOARD, json={**ACME, "org_slug": "globex"})
    key_id = scene.make_key(keys, json=body, headers={"Idempotency-Key": "once"})
    again = scene.client.post(keys, json=body, headers={"Idempotency-Key": "once"})
    assert scene.canaries.found_in(again.text) == {f"api key of {keys}"}
    scene.make_key(f"{keys}/{key_id}/rotate", json={"grace_seconds": 60})
    scene.call("POST", keys, json={**body, "name": "other"}, headers={"Idempotency-Key": "once"})
    for path in (keys, f"{ORGANIZATIONS}/acme_corp/audit-logs"):
        scene.call("GET", path)
    _look_into_every_table(scene)


def test_sealing_anew_tells_nothing(scene: Scene) -> None:
    for method, path in (("POST", "/rotate"), ("GET", ""), ("POST", "/reseal"), ("GET", "")):
        scene.call(method, f"/api/v1/admin/sealing{path}")
    scene.call("GET", "/api/v1/admin/doctor")


def test_a_crash_tells_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object, **__: object) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr("cloudact.sealing.local.encrypt", crash)
    for method, path, body in (
        ("PUT", OPENAI, {"credential_type": "API_KEY", "secret": CREDENTIAL_CANARY}),
        ("POST", CHANNELS, WEBHOOK),
        ("PUT", f"{CHANNELS}/{scene.channels[0]}", SLACK),
    ):
        scene.call(method, path, json=body)
        assert "internal_error" in str(scene.said[-1])


def test_no_error_and_no_repr_holds_one(scene: Scene, own_sealing_key: Path) -> None:
    services, name = scene.services, CredentialName.parse("openai", "default")
    new = NewCredential(name, CredentialType.API_KEY, CREDENTIAL_CANARY, {"key": CREDENTIAL_CANARY})
    scene.hear("settings", lambda: scene.settings)
    scene.hear("services", lambda: services)
    scene.hear("application", lambda: scene.client.app)
    scene.hear("new credential", lambda: (new.name, NewCredential(name, CredentialType.API_KEY, CREDENTIAL_CANARY)))
    scene.hear("refused credential", lambda: services.credentials.put(SLUG, new, actor=ACTOR))
    made = NewChannel(ChannelType.WEBHOOK, URL_CANARY, webhook_url=URL_CANARY, webhook_headers={"X": HEADER_CANARY})
    scene.hear("new channel", lambda: replace(made, name="x"))
    scene.hear("refused channel", lambda: services.channels.create(SLUG, made, actor=ACTOR))
    spoilt = replace(made, name="x", webhook_url=f"{URL_CANARY} ", webhook_headers={"X": f"{HEADER_CANARY}\n"})
    scene.hear("channel with a wrong url", lambda: services.channels.create(SLUG, spoilt, actor=ACTOR))
    scene.hear("channels", lambda: services.channels.page(SLUG, limit=10, offset=0))
    scene.hear("validation", lambda: services.credentials.validate(SLUG, name, actor=ACTOR))
    sealed = services.sealer.seal(CREDENTIAL_CANARY.encode(), WEBHOOK_URL.context(SLUG, "1"))
    scene.hear("moved", lambda: services.sealer.open(sealed, WEBHOOK_URL.context(SLUG, "2")))
    scene.hear("in the clear", lambda: services.sealer.open(CREDENTIAL_CANARY.encode(), WEBHOOK_URL.context(SLUG, "1")))
    scene.hear("in the column", lambda: WEBHOOK_URL.from_column(CREDENTIAL_CANARY))
    damaged = own_sealing_key.read_text()
    own_sealing_key.write_text(damaged[:-3])
    scene.hear("damaged key file", lambda: services.sealer.seal(b"", WEBHOOK_URL.context(SLUG, "1")))
    scene.hear("damaged key file, looked at", services.sealer.check)
    own_sealing_key.write_text(damaged)


def test_no_table_and_no_file_holds_one(scene: Scene, database: Path) -> None:
    scene.call("POST", f"{OPENAI}/validate")
    scene.call("PUT", f"{CHANNELS}/{scene.channels[1]}", json=WEBHOOK)
    scene.call("DELETE", f"{CHANNELS}/{scene.channels[0]}")
    scene.call("POST", "/api/v1/admin/sealing/rotate")
    scene.call("POST", "/api/v1/admin/sealing/reseal")
    scene.call("GET", f"{ORGANIZATIONS}/acme_corp/status", headers={"X-CA-Root-Key": f"{CREDENTIAL_CANARY}"})
    assert _look_into_every_table(scene) > 30
    files = sorted(database.parent.glob(f"{database.name}*"))
    scene.said += [(file.name, file.read_bytes()) for file in files]
    scene.services.close()
    scene.said.append(("after a checkpoint", database.read_bytes()))


def _look_into_every_table(scene: Scene) -> int:
    """Remember every row, and return how many tables there are."""
    with duckdb_of(scene.services).connect() as connection:
        tables = connection.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
        for schema, table in tables:
            rows = connection.execute(f"FROM {quote(schema)}.{quote(table)}").fetchall()
            scene.said.append((f"{schema}.{table}", repr(rows)))
            scene.said += [(f"{schema}.{table}", bytes(v)) for row in rows for v in row if isinstance(v, bytes)]
    return len(tables)


@pytest.mark.slow
def test_the_command_line_prints_none(
    config_dir: Path, own_sealing_key: Path, tmp_path: Path, prepared: Prepared, capfd: pytest.CaptureFixture[str]
) -> None:
    cli = CommandLine(config_dir, tmp_path / "cli.duckdb", prepared)
    canaries = Canaries()
    canaries.plant("credential", CREDENTIAL_CANARY)
    canaries.plant("root key", ROOT_CANARY)
    canaries.plant("webhook url", URL_CANARY)
    canaries.plant("webhook header", HEADER_CANARY)
    for key in json.loads(own_sealing_key.read_text())["keys"]:
        canaries.plant("sealing key", base64.b64decode(key["key"]))
    secret = tmp_path / "secret"
    secret.write_text(CREDENTIAL_CANARY)
    cli.onboard()
    put = ("credential", "put", "acme_corp", "openai", "--secret-file", str(secret), "--type")
    url, headers = tmp_path / "url", tmp_path / "headers"
    url.write_text(URL_CANARY)
    headers.write_text(json.dumps({"Authorization": HEADER_CANARY}))
    channel = ("channel", "put", "acme_corp", "--name", "x", "--url-file", str(url), "--headers-file")
    for words in (
        (*put, "API_KEY"),
        (*put, "NOTHING"),
        (*put, "API_KEY", "--metadata", json.dumps({"key": CREDENTIAL_CANARY})),
        ("credential", "list", "acme_corp"),
        (*channel, str(headers), "--type", "WEBHOOK"),
        (*channel, str(url), "--type", "WEBHOOK"),
        (*channel, str(headers), "--type", "EMAIL"),
        ("channel", "list", "acme_corp"),
        ("credential", "validate", "acme_corp", "openai"),
        ("sealing", "rotate"),
        ("sealing", "reseal"),
        ("sealing", "status"),
        ("sealing", "create"),
        ("doctor",),
    ):
        for more in ((), ("--json",)):
            done = cli.run(*words, *more, CA_ROOT_API_KEY=ROOT_CANARY, CA_LOG_LEVEL="DEBUG")
            assert canaries.found_in(done.output + done.stderr) == set(), words
    printed = capfd.readouterr()
    assert canaries.found_in(printed.out + printed.err) == set()


def test_what_it_looks_for_it_finds() -> None:
    canaries = Canaries()
    canaries.plant("key", CREDENTIAL_CANARY)
    for form in _forms(CREDENTIAL_CANARY.encode()):
        assert canaries.found_in(b"before " + form + b" after") == {"key"}
    assert canaries.found_in("nothing") == set()

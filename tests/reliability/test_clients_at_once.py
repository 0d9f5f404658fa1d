"""Many clients of one `cloudact serve` at once: whatever was acknowledged is there at the end, and nothing is a 5xx."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import duckdb
import httpx2
import pytest

from tests.acme import ACME, ROOT_HEADERS, ROOT_KEY
from tests.reliability.threads import together

CLIENTS = 32
CLIENTS_OF_ONE = 4
# Longer by hand: CLIENTS_SECONDS=60 scripts/test tests/reliability/test_clients_at_once.py
SECONDS = float(os.environ.get("CLIENTS_SECONDS", "20"))
ORGANIZATIONS = "/api/v1/organizations"
SHARED = "PROJ-SHARED"
SCOPES = ["org:read", "org:write", "hierarchy:read", "hierarchy:write", "keys:manage"]
CURRENCIES = ("EUR", "USD", "JPY", "CHF")


@dataclass(frozen=True)
class Service:
    """`cloudact serve`, in a process of its own, and where it listens."""

    process: subprocess.Popen[bytes]
    url: str


@pytest.fixture
def service(config_dir: Path, database: Path) -> Iterator[Service]:
    """The service over a DuckDB file; its log goes to a file, since nobody reads a pipe."""
    environment = {
        "CA_CONFIG_DIR": str(config_dir),
        "CA_WAREHOUSE_URL": f"duckdb:///{database}",
        "CA_ROOT_API_KEY": ROOT_KEY,
        "CA_SEALING_KEY_URI": os.environ["CA_SEALING_KEY_URI"],
        "CA_RATE_LIMIT_PER_KEY": "",
        "CA_RATE_LIMIT_PER_ADDRESS": "",
        "CA_RATE_LIMIT_REFUSED": "",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    log = database.parent.parent / "serve.log"
    command = [sys.executable, "-m", "cloudact", "serve", "--port", "0"]
    with log.open("w") as written, subprocess.Popen(command, env=environment, stderr=written) as process:
        yield Service(process, _address(log, process))
        process.terminate()


def _address(log: Path, process: subprocess.Popen[bytes]) -> str:
    while process.poll() is None:
        for line in log.read_text().splitlines(keepends=True):
            if line.endswith("\n") and (said := json.loads(line))["event"] == "serving":
                return str(said["address"])
        time.sleep(0.05)
    raise AssertionError(log.read_text())


@dataclass
class Did:
    """What one client was told, and what therefore has to be there."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    written: list[str] = field(default_factory=list)
    onboarded: dict[str, str] = field(default_factory=dict)
    opening: dict[str, str] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    shared: list[tuple[int, str]] = field(default_factory=list)
    entities: dict[str, tuple[int, str] | None] = field(default_factory=dict)
    locale: str | None = None


class Client:
    """One of several clients of an organization, which it onboards unless another was first."""

    def __init__(self, number: int, url: str) -> None:
        self.did = Did()
        self._number = number
        self._random = random.Random(number)
        self._slug = f"organization_{number // CLIENTS_OF_ONE}"
        self._base = f"{ORGANIZATIONS}/{self._slug}"
        self._http = httpx2.Client(base_url=url, timeout=120)
        self._headers = dict(ROOT_HEADERS)
        self._count = 0

    def work(self, until: float) -> Did:
        """Do one thing after another until the time is over."""
        with self._http:
            self._begin()
            tasks: list[Callable[[], None]] = [
                self._onboard_another, self._sync, self._rotate, self._locale, self._read, self._read,
                self._change_shared, self._change_shared, self._change_own, self._remove_own, self._add_own,
            ]  # fmt: skip
            while time.monotonic() < until:
                self._random.choice(tasks)()
        return self.did

    def _ask(self, what: str, method: str, path: str, **more: object) -> httpx2.Response:
        headers = {**self._headers, **more.pop("headers", {})}  # type: ignore[dict-item]
        answer = self._http.request(method, path, headers=headers, **more)  # type: ignore[arg-type]
        self.did.answers[what, answer.status_code] += 1
        writes = method != "GET" and answer.is_success and "Idempotency-Replayed" not in answer.headers
        if writes:
            self.did.written.append(answer.headers["X-Request-ID"])
        return answer

    def _onboard(self, slug: str) -> str:
        """The same request under the same idempotency key, until it is answered."""
        body = {**ACME, "org_slug": slug, "subscription_plan": "ENTERPRISE"}
        headers = {**ROOT_HEADERS, "Idempotency-Key": f"onboard-{slug}"}
        while True:
            answer = self._ask("onboard", "POST", f"{ORGANIZATIONS}/onboard", json=body, headers=headers)
            if answer.status_code == 201:
                return str(answer.json()["api_key"])
            assert answer.status_code == 409, answer.text
            assert answer.json()["code"] == "idempotency_key_in_use", answer.text
            time.sleep(int(answer.headers["Retry-After"]) / 10)

    def _begin(self) -> None:
        self.did.onboarded[self._slug] = self._onboard(self._slug)
        wanted = {"name": f"client {self._number}", "scopes": SCOPES}
        made = self._ask("key", "POST", f"{self._base}/keys", json=wanted)
        assert made.status_code == 201, made.text
        self._key = made.json()
        self._headers = {"X-API-Key": self._key["api_key"]}
        self.did.opening[self._slug] = self._key["api_key"]
        for entity in (
            {"entity_type": "DEPARTMENT", "entity_id": "DEPT-001", "entity_name": "Engineering"},
            {"entity_type": "PROJECT", "entity_id": SHARED, "entity_name": "first", "parent_id": "DEPT-001"},
        ):
            answer = self._ask("add shared", "POST", f"{self._base}/hierarchy/entities", json=entity)
            assert answer.status_code in {201, 409}, answer.text

    def _onboard_another(self) -> None:
        if len(self.did.onboarded) > 3:
            return
        slug = f"client_{self._number}_{len(self.did.onboarded)}"
        self.did.onboarded[slug] = self._onboard(slug)
        assert self._onboard(slug) == self.did.onboarded[slug]

    def _sync(self) -> None:
        self._ask("sync", "POST", f"{self._base}/sync", json={"recreate_views": True})

    def _rotate(self) -> None:
        old = self._key
        path = f"{self._base}/keys/{old['key']['key_id']}/rotate"
        answer = self._ask("rotate", "POST", path, json={"grace_seconds": 0})
        if answer.is_success:
            self._key = answer.json()
            self._headers = {"X-API-Key": self._key["api_key"]}
            self.did.opening[self._slug] = self._key["api_key"]
            self.did.ended.append(old["api_key"])

    def _locale(self) -> None:
        """Nothing says which locale a change is of, so there is one client that changes it."""
        if self._number % CLIENTS_OF_ONE:
            return
        currency = self._random.choice(CURRENCIES)
        body = {"default_currency": currency, "default_timezone": "UTC"}
        if self._ask("locale", "PUT", f"{self._base}/locale", json=body).is_success:
            self.did.locale = currency

    def _read(self) -> None:
        paths = ("status", "hierarchy/tree", "hierarchy/entities", "keys", "quota", "subscription", "audit-logs")
        self._ask("read", "GET", f"{self._base}/{self._random.choice(paths)}")

    def _change(self, what: str, entity_id: str, version: int, name: str) -> int | None:
        path, headers = f"{self._base}/hierarchy/entities/{entity_id}", {"If-Match": f'"{version}"'}
        answer = self._ask(what, "PATCH", path, json={"entity_name": name}, headers=headers)
        return int(answer.json()["entity"]["version"]) if answer.is_success else None

    def _change_shared(self) -> None:
        read = self._ask("read", "GET", f"{self._base}/hierarchy/entities/{SHARED}")
        self._count += 1
        name = f"{self._number} {self._count}"
        version = self._change("change shared", SHARED, read.json()["entity"]["version"], name)
        if version is not None:
            self.did.shared.append((version, name))

    def _own(self) -> str | None:
        return next((entity for entity, state in self.did.entities.items() if state), None)

    def _add_own(self) -> None:
        entity_id = f"PROJ-{self._number}-{len(self.did.entities)}"
        entity = {"entity_type": "PROJECT", "entity_id": entity_id, "entity_name": "new", "parent_id": "DEPT-001"}
        if self._ask("add", "POST", f"{self._base}/hierarchy/entities", json=entity).is_success:
            self.did.entities[entity_id] = (1, "new")

    def _change_own(self) -> None:
        if entity_id := self._own():
            self._count += 1
            name = f"{self._number} {self._count}"
            version = self._change("change", entity_id, (self.did.entities[entity_id] or (0, ""))[0], name)
            if version is not None:
                self.did.entities[entity_id] = (version, name)

    def _remove_own(self) -> None:
        if entity_id := self._own():
            headers = {"If-Match": f'"{(self.did.entities[entity_id] or (0, ""))[0]}"'}
            if self._ask(
                "remove", "DELETE", f"{self._base}/hierarchy/entities/{entity_id}", headers=headers
            ).is_success:
                self.did.entities[entity_id] = None


@pytest.mark.timeout(SECONDS + 280)
def test_whatever_was_acknowledged_is_there(service: Service, database: Path) -> None:
    with httpx2.Client(base_url=service.url, headers=ROOT_HEADERS, timeout=120) as administrator:
        administrator.post("/api/v1/admin/bootstrap", json={}).raise_for_status()
        until = time.monotonic() + SECONDS
        did = together(*[partial(Client(number, service.url).work, until) for number in range(CLIENTS)])
        _check_answers(did)
        for number in range(CLIENTS // CLIENTS_OF_ONE):
            of_one = did[number * CLIENTS_OF_ONE : (number + 1) * CLIENTS_OF_ONE]
            _check_organization(administrator, f"{ORGANIZATIONS}/organization_{number}", of_one)
        _check_keys(service.url, did)
        verified = administrator.post("/api/v1/admin/audit-logs/verify").raise_for_status().json()
        assert verified["status"] == "INTACT", verified
    service.process.terminate()
    service.process.wait()
    _check_rows(database, did)


def _check_answers(did: list[Did]) -> None:
    """What loses a race is told so; whoever was first is in the model."""
    answers = sum((one.answers for one in did), Counter[tuple[str, int]]())
    lost = {("onboard", 409), ("add shared", 409), ("change shared", 412)}
    assert {(what, status) for what, status in answers if status not in {200, 201}} <= lost, answers
    assert all(answers[what, 200] for what in ("sync", "rotate", "locale", "change shared", "change", "remove")), (
        answers
    )
    assert answers["change shared", 412], answers


def _check_organization(client: httpx2.Client, organization: str, did: list[Did]) -> None:
    listed = client.get(f"{organization}/hierarchy/entities", params={"limit": 500}).raise_for_status().json()
    found = {entity["entity_id"]: (entity["version"], entity["entity_name"]) for entity in listed["entities"]}
    shared = sorted([(1, "first"), *(change for one in did for change in one.shared)])
    own = {entity_id: state for one in did for entity_id, state in one.entities.items() if state}
    assert listed["total"] == len(found)
    assert found == {"DEPT-001": (1, "Engineering"), SHARED: shared[-1], **own}
    versions: list[tuple[int, str]] = []
    while len(versions) < len(shared):
        page = {"limit": 500, "offset": len(versions)}
        answer = client.get(f"{organization}/hierarchy/entities/{SHARED}/history", params=page).raise_for_status()
        versions += [(entry["version"], entry["entity_name"]) for entry in answer.json()["versions"]]
    assert versions == shared
    locale = client.get(f"{organization}/locale").raise_for_status().json()["default_currency"]
    assert locale == (did[0].locale or ACME["default_currency"])


def _check_keys(url: str, did: list[Did]) -> None:
    with httpx2.Client(base_url=url, timeout=120) as client:

        def asked(slug: str, key: str) -> int:
            return client.get(f"{ORGANIZATIONS}/{slug}/locale", headers={"X-API-Key": key}).status_code

        keys = [item for one in did for item in (*one.onboarded.items(), *one.opening.items())]
        assert {asked(slug, key) for slug, key in keys} == {200}
        ended = [(slug, key) for one in did for slug in one.opening for key in one.ended]
        assert {asked(slug, key) for slug, key in ended} == {401}


def _check_rows(database: Path, did: list[Did]) -> None:
    """Each organization is there once, and each write has its row in the audit log."""
    slugs = {slug for one in did for slug in one.onboarded}
    with duckdb.connect(str(database), read_only=True) as connection:
        profiles = connection.execute("SELECT org_slug FROM organizations.org_profiles").fetchall()
        audited = "SELECT DISTINCT request_id FROM organizations.org_audit_logs WHERE status = 'SUCCESS'"
        recorded = {row[0] for row in connection.execute(audited).fetchall()}
    assert sorted(row[0] for row in profiles) == sorted(slugs)
    assert {request_id for one in did for request_id in one.written} <= recorded

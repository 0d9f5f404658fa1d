"""Commands that are sent to a running service."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2

from cloudact.cli.access.calls import RemoteKeyCalls
from cloudact.cli.accounts.calls import RemoteAccountCalls
from cloudact.cli.audit.calls import RemoteAuditCalls
from cloudact.cli.fleet.calls import RemoteFleetCalls
from cloudact.cli.hierarchy.calls import RemoteHierarchyCalls
from cloudact.cli.notifications.calls import RemoteChannelCalls
from cloudact.cli.secrets.calls import RemoteSecretCalls
from cloudact.cli.targets.target import Answer, is_pipeline_file
from cloudact.errors import ConfigurationError, InvalidRequest, Problem, ServiceError
from cloudact.settings import Settings
from cloudact.tenancy.names import OrgSlug

_NOT_OURS = "Is CA_API_URL the address of a cloudact service?"
_TIMEOUT = httpx2.Timeout(300.0, connect=5.0)
_PATIENCE = httpx2.Timeout(None, connect=5.0)  # for what copies tables or runs steps, however long that takes

# One of these is in every answer of the service; without any, something else is at its address.
_ANSWERS: Mapping[str, type] = {
    **dict.fromkeys(("dataset", "run_id", "plan_hash", "key_id", "credential_id", "channel_id"), str),
    **dict.fromkeys(("credential", "entity", "key", "labels"), dict),
    **dict.fromkeys(
        ("organizations", "examinations", "steps", "runs", "backups", "tables", "pipelines", "columns", "credentials"),
        list,
    ),
    **dict.fromkeys(("subscription_id", "usage_date", "organization_status"), str),
    "fiscal_year_start_month": int,
    "groups": list,
    **dict.fromkeys(("entities", "roots", "created", "keys", "logs", "chains", "channels"), list),
}


class RemoteTarget:
    """Sends commands to a running service."""

    def __init__(self, url: str, settings: Settings) -> None:
        key = settings.root_api_key
        headers = {"X-CA-Root-Key": key.get_secret_value()} if key else {}
        self._url = url.rstrip("/")
        self._config_dir = settings.config_dir
        self.keys = RemoteKeyCalls(self._send)
        self.audit = RemoteAuditCalls(self._send, _PATIENCE)
        self.secrets = RemoteSecretCalls(self._send)
        self.channels = RemoteChannelCalls(self._send)
        self.hierarchy = RemoteHierarchyCalls(self._send, self._read)
        self.accounts = RemoteAccountCalls(self._send)
        self.fleet = RemoteFleetCalls(self._send, _PATIENCE)
        try:
            self._client = httpx2.Client(base_url=self._url, headers=headers, timeout=_TIMEOUT)
        except (httpx2.InvalidURL, ValueError) as error:
            raise ConfigurationError(
                f"CA_API_URL {url!r} is not an address: {error}", hint="Write it as http://localhost:8000."
            ) from error

    def close(self) -> None:
        """Release the connections."""
        self._client.close()

    def doctor(self) -> Answer:
        """See `Target`."""
        return self._send("GET", "/api/v1/admin/doctor")

    def bootstrap_run(self, fields: Mapping[str, Any]) -> Answer:
        """See `Target`."""
        return self._send("POST", "/api/v1/admin/bootstrap", json=dict(fields), timeout=_PATIENCE)

    def bootstrap_status(self) -> Answer:
        """See `Target`."""
        return self._send("GET", "/api/v1/admin/bootstrap/status")

    def bootstrap_sync(self, flags: Mapping[str, bool]) -> Answer:
        """See `Target`."""
        return self._send("POST", "/api/v1/admin/bootstrap/sync", json=dict(flags))

    def org_dryrun(self, fields: Mapping[str, Any]) -> Answer:
        """See `Target`."""
        return self._send("POST", "/api/v1/organizations/dryrun", json=dict(fields))

    def org_onboard(self, fields: Mapping[str, Any]) -> Answer:
        """See `Target`."""
        return self._send("POST", "/api/v1/organizations/onboard", json=dict(fields))

    def org_status(self, slug: str) -> Answer:
        """See `Target`."""
        return self._send("GET", f"/api/v1/organizations/{OrgSlug(slug)}/status")

    def org_sync(self, slug: str, flags: Mapping[str, bool]) -> Answer:
        """See `Target`."""
        return self._send("POST", f"/api/v1/organizations/{OrgSlug(slug)}/sync", json=dict(flags))

    def org_list(self, query: Mapping[str, Any]) -> Answer:
        """See `Target`."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._send("GET", "/api/v1/organizations", params=given)

    def declaration(self, dataset: str, query: Mapping[str, Any]) -> Answer:
        """See `Target`."""
        given = {name: value for name, value in query.items() if value is not None}
        path = f"/api/v1/admin/datasets/{quote(dataset, safe='')}/declaration"
        answer = self._send("GET", path, params=given)
        files = answer.get("files")
        if not isinstance(files, dict) or not all(isinstance(text, str) for text in files.values()):
            raise ServiceError(f"{self._url}{path} answered something else than this command asked", hint=_NOT_OURS)
        return answer

    def pipeline_run(self, fields: Mapping[str, Any]) -> Answer:
        """See `Target`; the service reads its own copy of the file, and takes as long as the pipeline does."""
        if not is_pipeline_file(fields["pipeline"]):
            return self._send("POST", "/api/v1/admin/pipelines/run", json=dict(fields), timeout=_PATIENCE)
        path, root = Path(fields["pipeline"]).resolve(), self._config_dir.resolve()
        if not path.is_relative_to(root):
            raise InvalidRequest(
                f"{fields['pipeline']} is not within {self._config_dir}, and a service runs its catalog's pipelines",
                hint="Name a file within CA_CONFIG_DIR, or unset CA_API_URL to run it in this process.",
            )
        body = {**fields, "pipeline": path.relative_to(root).as_posix()}
        return self._send("POST", "/api/v1/admin/pipelines/run", json=body, timeout=_PATIENCE)

    def pipelines_available(self) -> Answer:
        """See `Target`."""
        return self._send("GET", "/api/v1/admin/pipelines")

    def pipeline_runs(self, query: Mapping[str, Any]) -> Answer:
        """See `Target`."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._send("GET", "/api/v1/admin/pipelines/runs", params=given)

    def pipeline_show(self, run_id: str) -> Answer:
        """See `Target`."""
        return self._send("GET", f"/api/v1/admin/pipelines/runs/{quote(run_id, safe='')}")

    def recreate(self, dataset: str, fields: Mapping[str, Any]) -> Answer:
        """See `Target`."""
        path = f"/api/v1/admin/datasets/{quote(dataset, safe='')}/recreate"
        return self._send("POST", path, json=dict(fields), timeout=_PATIENCE)

    def backup_list(self, dataset: str | None) -> Answer:
        """See `Target`."""
        return self._send("GET", "/api/v1/admin/backups", params={"dataset": dataset} if dataset is not None else {})

    def backup_create(self, fields: Mapping[str, Any]) -> Answer:
        """See `Target`."""
        return self._send("POST", "/api/v1/admin/backups", json=dict(fields), timeout=_PATIENCE)

    def backup_restore(self, backup: str, name: str) -> Answer:
        """See `Target`."""
        path = f"/api/v1/admin/backups/{quote(backup, safe='')}/restore"
        return self._send("POST", path, json={"target": name}, timeout=_PATIENCE)

    def _send(self, method: str, path: str, **content: Any) -> Answer:
        answer = self._object(path, self._request(method, path, **content))
        if not any(isinstance(answer.get(name), kind) for name, kind in _ANSWERS.items()):
            raise ServiceError(f"{self._url}{path} answered something else than this command asked", hint=_NOT_OURS)
        return answer

    def _read(self, path: str) -> str:
        """Return what a path answers as text, where that is no JSON."""
        response = self._request("GET", path)
        if response.is_error or not response.headers.get("content-type", "").startswith("text/csv"):
            self._object(path, response)
            raise ServiceError(f"{self._url}{path} answered something that is not CSV", hint=_NOT_OURS)
        return response.text

    def _request(self, method: str, path: str, **content: Any) -> httpx2.Response:
        try:
            return self._client.request(method, path, **content)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise ServiceError(
                f"{self._url} does not answer: {error}",
                hint="Is the service running, and is CA_API_URL its address? Unset CA_API_URL to work without it.",
            ) from error

    def _object(self, path: str, response: httpx2.Response) -> Answer:
        """Return the JSON object that was answered; raises ServiceError for anything else, and with what one tells."""
        try:
            answer = response.json()
        except ValueError as error:
            raise ServiceError(f"{self._url}{path} answered something that is not JSON", hint=_NOT_OURS) from error
        if not isinstance(answer, dict):
            raise ServiceError(f"{self._url}{path} answered something that is not a JSON object", hint=_NOT_OURS)
        if response.is_error:
            hint, code = answer.get("hint", ""), answer.get("code", "")
            detail = answer.get("detail") or response.reason_phrase
            problems = _problems(answer.get("errors"))
            raise ServiceError(str(detail), hint=str(hint), remote_code=str(code), problems=problems)
        found: Answer = answer
        return found


def _problems(errors: object) -> list[Problem]:
    """Return the `errors` of a problem document; their `field` tells the whole place already."""
    items = [item for item in errors if isinstance(item, dict)] if isinstance(errors, list) else []
    texts = [[str(item.get(key, "")) for key in ("field", "message", "code")] for item in items]
    return [Problem("request", field, message, "", code=code) for field, message, code in texts]

"""What schemathesis does around its requests, so that one of them does not keep the next from being answered."""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path
from typing import Any

import httpx2
import schemathesis
from schemathesis import Case, HookContext, Response

IDEMPOTENCY_KEY = "Idempotency-Key"
# A copy of all tables for each request would fill the warehouse with thousands of them.
TABLE = "org_profiles"
# In the folder that the process was started in; one line for each answer.
ANSWERS = Path("answers.txt")
_VALID = re.compile(r"[!-~]([ -~]*[!-~])?")
# A client that sends one key with two requests is told so, and the second request is not looked at.
_numbers = itertools.count(1)
_changes = itertools.count(1)
_channels = itertools.count(1)
# After these the organization may be suspended, or its subscription may have ended: then it is refused all else.
_ENDING = re.compile(r"/api/v1/organizations/acme_corp/(suspend|subscription)$")


@schemathesis.hook
def before_call(context: HookContext, case: Case, **kwargs: Any) -> None:
    """Give each request an idempotency key of its own, and leave the caller its API key."""
    for name, value in case.headers.items():
        if name.lower() == IDEMPOTENCY_KEY.lower() and isinstance(value, str) and _VALID.fullmatch(value):
            case.headers[name] = f"request-{next(_numbers)}" if len(value) <= 255 else value
    if case.path_parameters.get("key_id") == os.environ["CONFORMANCE_KEY_ID"]:
        case.path_parameters["key_id"] = "no-such-key"
    if case.method != "DELETE" and isinstance(case.path_parameters.get("channel_id"), str) and next(_channels) % 2:
        case.path_parameters["channel_id"] = os.environ["CONFORMANCE_CHANNEL_ID"]
    if case.method != "GET" and "/hierarchy/" in case.path:
        # Half of the changes hold whatever the version is, so that they are made.
        case.headers.update({"If-Match": "*"} if next(_changes) % 2 else {})
    copies = case.path.endswith(("/backups", "/recreate"))
    if copies and isinstance(case.body, dict) and case.body.get("tables", []) == []:
        case.body = {**case.body, "tables": [TABLE]}


@schemathesis.hook
def after_call(context: HookContext, case: Case, response: Response) -> None:
    """Note the answer, and end what was done to the whole organization."""
    with ANSWERS.open("a") as answers:
        answers.write(f"{response.status_code} {case.operation.label}\n")
    url = response.request.url or ""
    if response.status_code != 200 or case.method == "GET" or not _ENDING.search(url):
        return
    base, headers = url.partition("/api/")[0], {"X-CA-Root-Key": os.environ["CONFORMANCE_ROOT_KEY"]}
    organization = f"{base}/api/v1/organizations/acme_corp"
    httpx2.put(f"{organization}/subscription", headers=headers, json={"plan_name": "SCALE"}).raise_for_status()
    httpx2.post(f"{organization}/reactivate", headers=headers).raise_for_status()

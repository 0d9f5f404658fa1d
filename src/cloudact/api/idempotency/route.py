"""`Idempotency-Key` on every POST: the same request sent again has one effect and one answer."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute

from cloudact.api.errors import problem_responses
from cloudact.api.services import app_state
from cloudact.errors import CloudactError, NotBootstrapped
from cloudact.tenancy.actor import Actor
from cloudact.tenancy.idempotency import record
from cloudact.tenancy.idempotency.idempotency import MAX_KEY, Attempt, Idempotency
from cloudact.tenancy.idempotency.operation import Operation

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
Handler = Callable[[Request], Coroutine[Any, Any, Response]]
_PARAMETER = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    "description": "Any text that the caller sends with this request alone, and again with every repeat of it.",
}
# What belongs to the answer; other headers belong to the request that it is sent for.
_KEPT_HEADERS = ("content-type", "etag", "location")


class IdempotentRoute(APIRoute):
    """A route whose POST may be repeated under an idempotency key; something has to set `request.state.caller`."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        if "POST" in (options.get("methods") or ()):
            extra = options.get("openapi_extra") or {}
            options["openapi_extra"] = {**extra, "parameters": [*extra.get("parameters", ()), _PARAMETER]}
            options["responses"] = {**problem_responses(409), **(options.get("responses") or {})}
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Handler:
        """Return the route's handler behind the look at the key."""
        handler = super().get_route_handler()
        if "POST" not in (self.methods or ()):
            return handler

        async def once(request: Request) -> Response:
            given = request.headers.get(HEADER)
            return await handler(request) if given is None else await _once(request, given, handler)

        return once


async def _once(request: Request, key: str, handler: Handler) -> Response:
    idempotency = app_state(request).services.idempotency
    asked = record.Request(
        actor=Actor(request.state.caller),
        idempotency_key=key,
        method=request.method,
        # Of a URL that is put together again, parts of an odd path are lost, so that two would be one request.
        path=request.scope["path"],
        query=request.scope["query_string"].decode("latin-1"),
        body=await request.body(),
    )
    try:
        begun = await run_in_threadpool(idempotency.begin, asked)
    except NotBootstrapped:
        return await _before_bootstrap(request, asked, handler)
    if isinstance(begun, record.Answer):
        return Response(begun.body, begun.status, {**begun.headers, REPLAYED: "true"})
    return await _work(request, idempotency, begun, handler)


async def _work(request: Request, idempotency: Idempotency, attempt: Attempt, handler: Handler) -> Response:
    """An error is no answer to keep: what it told of may be mended, and nothing was done that a retry does twice."""
    request.state.operation = attempt.operation
    with idempotency.working_on(attempt):
        try:
            response = await handler(request)
        except Exception:
            await run_in_threadpool(idempotency.release, attempt)
            raise
        await run_in_threadpool(idempotency.complete, attempt, _answer_of(response))
    return response


async def _before_bootstrap(request: Request, asked: record.Request, handler: Handler) -> Response:
    """Bootstrap makes the table that its own answer is kept in; whatever else is asked is refused anyway."""
    idempotency = app_state(request).services.idempotency
    response = await handler(request)
    # What was done is answered, whether or not the answer can be kept by now.
    with suppress(CloudactError):
        begun = await run_in_threadpool(idempotency.begin, asked)
        if isinstance(begun, Attempt):
            await run_in_threadpool(idempotency.complete, begun, _answer_of(response))
    return response


def _answer_of(response: Response) -> record.Answer:
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    return record.Answer(response.status_code, headers, bytes(response.body))


def operation_of(request: Request) -> Operation | None:
    """Return what this attempt has in common with others under its key; None without a key."""
    found: Operation | None = getattr(request.state, "operation", None)
    return found


OperationDep = Annotated[Operation | None, Depends(operation_of)]

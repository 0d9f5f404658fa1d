"""Errors of requests as they are written and sent, whatever they are about."""

from __future__ import annotations

from collections.abc import Sequence

from cloudact.errors.root import CloudactError, Problem


class InvalidRequest(CloudactError):
    """The request itself cannot be carried out as written; `problems` names each field."""

    code = "invalid_request"

    def __init__(self, message: str, *, problems: Sequence[Problem] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.problems = tuple(problems)


class PipelineInvalid(InvalidRequest):
    """A pipeline file, or the parameters of its run, cannot be used; `problems` lists everything found."""

    code = "pipeline_invalid"

    def __init__(self, problems: Sequence[Problem]) -> None:
        found = tuple(sorted(set(problems)))
        head = f"the pipeline has {len(found)} problem{'s' if len(found) != 1 else ''}; nothing was run"
        text = "\n".join([head, *(f"  {problem}" for problem in found)])
        super().__init__(text, problems=found, hint="Mend what is named above, then run the pipeline again.")


class DestructiveRefused(CloudactError):
    """The request would delete data, which no ordinary operation does."""

    code = "destructive_refused"


class IdempotencyKeyInUse(CloudactError):
    """Another call works on the request of this key, or did until it died; `retry_after` is in seconds."""

    code = "idempotency_key_in_use"

    def __init__(self, key: str, retry_after: int) -> None:
        super().__init__(
            f"The request with Idempotency-Key {key!r} is being worked on",
            hint="Send it again, unchanged, after the time in Retry-After; it is answered when that work is done.",
        )
        self.retry_after = retry_after


class IdempotencyKeyReused(CloudactError):
    """The idempotency key stands for another request of the same caller."""

    code = "idempotency_key_reused"

    def __init__(self, key: str) -> None:
        super().__init__(
            f"Idempotency-Key {key!r} was sent with another method, path, query or body before",
            hint="Send every request with a key of its own, such as a UUID; only a repeat has the same one.",
        )


class RateLimited(CloudactError):
    """A key or an address has sent too many requests; `limit` is which limit, and it is over after `retry_after` s."""

    code = "rate_limited"

    def __init__(self, limit: str, retry_after: int) -> None:
        what = "from this address were refused for their key" if limit == "refused" else f"were sent from this {limit}"
        super().__init__(
            f"Too many requests {what}",
            hint=f"Send the next one after {retry_after} s, as Retry-After says. The limits are settings of the "
            "service: CA_RATE_LIMIT_PER_KEY, CA_RATE_LIMIT_PER_ADDRESS and CA_RATE_LIMIT_REFUSED.",
        )
        self.limit = limit
        self.retry_after = retry_after


class NotReady(CloudactError):
    """The service cannot serve requests now, for a reason that only its operator should read."""

    code = "not_ready"


class ServiceError(CloudactError):
    """A running service refused a command or did not answer; `remote_code` and `problems` are the service's own."""

    code = "service_error"

    def __init__(
        self, message: str, *, hint: str = "", remote_code: str = "", problems: Sequence[Problem] = ()
    ) -> None:
        super().__init__(message, hint=hint)
        self.remote_code = remote_code
        self.problems = tuple(problems)

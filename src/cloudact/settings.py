"""Every setting of the process, from environment variables that begin with CA_; docs/operations.md explains each."""

from __future__ import annotations

import re
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from cloudact.errors import ConfigurationError

MIN_PRODUCTION_KEY = 32


class Environment(StrEnum):
    """Where the process runs; production refuses what is only tolerable elsewhere."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """The process's settings; made once, at the edge, and handed on as objects."""

    model_config = SettingsConfigDict(env_prefix="CA_", extra="ignore", frozen=True)

    root_api_key: SecretStr | None = Field(
        default=None,
        description="Administrator's key, sent as X-CA-Root-Key. `cloudact serve` does not start without it.",
    )
    warehouse_url: str = Field(
        default="duckdb:///data/warehouse.duckdb",
        description="Where datasets live. DuckDB: three slashes make a path relative, four absolute; "
        "`duckdb:///:memory:` keeps everything in memory. The file must not be called as a dataset is, as "
        "`organizations.duckdb` would be. BigQuery: `bigquery://PROJECT?location=EU`; without a location it is `US`.",
    )
    bigquery_max_bytes_billed: int | None = Field(
        default=None,
        ge=10 * 2**20,
        description="On BigQuery, the most bytes one query may be billed; a query that would cost more is refused. "
        "Every query is billed at least 10485760.",
    )
    config_dir: Path = Field(
        default=Path("configs"), description="Directory with `setup/bootstrap`, `setup/organizations` and `plans.yml`."
    )
    templates_dir: Path = Field(
        default=Path("ps_templates"),
        description="Directory with the datasets of the pipeline templates, such as `setup/initial`; it may be absent.",
    )
    sealing_key_uri: str = Field(
        default="local:///data/sealing.key",
        description="The key that secrets are sealed with. A file, slashes as above, is made on first use outside "
        "production; or `env://NAME`, or `gcp-kms://projects/P/locations/L/keyRings/R/cryptoKeys/K`. Lost with it is "
        "every secret: see key-handling.md.",
    )
    sealing_previous_key_uri: str | None = Field(
        default=None,
        description="Where the key was before: what it sealed still opens, until it is sealed anew.",
    )
    kms_emulator_host: str | None = Field(
        default=None,
        description="For tests: `HOST:PORT` of this machine to which requests for Cloud KMS go, in the clear and "
        "without credentials.",
    )
    key_cache_seconds: float = Field(
        default=5.0,
        ge=0,
        le=60,
        description="How long a process remembers a checked API key, so the longest that one works after another "
        "process revoked it. 0 looks at every request.",
    )
    key_use_seconds: float = Field(
        default=300.0,
        ge=1,
        le=86_400,
        description="How often a process writes when API keys were last used, and how often the root key was; at the "
        "latest when it stops.",
    )
    idempotency_lease_seconds: float = Field(
        default=60.0,
        ge=0.1,
        le=3_600,
        description="How long a request with an Idempotency-Key is kept from being retried after the process that "
        "worked on it died; one that works on it keeps renewing this.",
    )
    environment: Environment = Field(
        default=Environment.DEVELOPMENT,
        description="`development` or `production`. Production refuses a root key or metrics token shorter than 32 "
        "characters, and a sealing key that is missing or that others may read.",
    )
    allow_recreate: bool = Field(
        default=False,
        description="Whether production may recreate tables (`cloudact recreate`, `force_recreate_*`); elsewhere it "
        "may always. Every recreation makes a backup first.",
    )
    api_url: str | None = Field(
        default=None,
        description="Address of a running service; when set, commands go there instead of to the warehouse.",
    )
    log_level: str = Field(
        default="INFO",
        pattern="^(DEBUG|INFO|WARNING|ERROR)$",
        description="Least severe log lines to write: DEBUG, INFO, WARNING or ERROR.",
    )
    rate_limit_per_key: str = Field(
        default="1200/minute",
        description="How many requests one key may send, as `NUMBER/second`, `minute`, `hour` or `day`; several limits "
        "are separated by `;`. Empty means unlimited. [More](#rate-limits).",
    )
    rate_limit_per_address: str = Field(
        default="2400/minute",
        description="How many requests one client address may send, whatever the key, in the same form.",
    )
    rate_limit_refused: str = Field(
        default="60/minute;600/hour",
        description="How many requests of one client address may be refused for their key, each with a row of the "
        "audit log, in the same form. Beyond it they are 429 and leave none; a good key is let in.",
    )
    trusted_proxies: str = Field(
        default="",
        description="Addresses or networks, separated by commas, of the proxies before the service, whose "
        "`X-Forwarded-For` and `X-Forwarded-Proto` tell who the client is. Empty means none: the headers are ignored.",
    )
    max_body_bytes: int = Field(
        default=10 * 2**20, ge=1024, description="The longest body of a request, in bytes; a longer one is 413."
    )
    request_seconds: float = Field(
        default=30,
        gt=0,
        le=3600,
        description="How long a client may take to send a request: its header, and then its body.",
    )
    shutdown_seconds: int = Field(
        default=20,
        ge=0,
        le=3600,
        description="How long requests that run may go on after SIGTERM. What then still runs is ended: see [stopping]"
        "(#stopping).",
    )
    metrics_token: SecretStr | None = Field(
        default=None,
        description="What a scraper of `/metrics` may send as `Authorization: Bearer` in place of the root key.",
    )

    @field_validator("rate_limit_per_key", "rate_limit_per_address", "rate_limit_refused")
    @classmethod
    def _is_a_limit(cls, value: str) -> str:
        if value:
            from limits import parse_many  # noqa: PLC0415 - it takes longer to import than all other settings

            parse_many(value)
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for proxy in filter(None, value.split(",")):
            ip_network(proxy.strip())
        return value

    @field_validator(
        "root_api_key",
        "metrics_token",
        "api_url",
        "bigquery_max_bytes_billed",
        "sealing_previous_key_uri",
        "kms_emulator_host",
        mode="before",
    )
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return None if value == "" else value


def load_settings() -> Settings:
    """Return the settings of this process; raises ConfigurationError naming every variable that is wrong."""
    try:
        settings = Settings()
    except ValidationError as error:
        wrong = [f"CA_{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors(include_input=False)]
        raise ConfigurationError("; ".join(wrong), hint="Settings are described in docs/operations.md.") from None
    for name, key in (("CA_ROOT_API_KEY", settings.root_api_key), ("CA_METRICS_TOKEN", settings.metrics_token)):
        _check_key(name, key.get_secret_value() if key else "", settings.environment)
    return settings


def _check_key(name: str, key: str, environment: Environment) -> None:
    if not re.fullmatch(r"[!-~]*", key):
        raise ConfigurationError(
            f"{name} has characters that no HTTP header can carry",
            hint="Use printable ASCII characters without spaces.",
        )
    if environment is Environment.PRODUCTION and key and len(key) < MIN_PRODUCTION_KEY:
        raise ConfigurationError(
            f"{name} is shorter than {MIN_PRODUCTION_KEY} characters, which production does not allow",
            hint="Make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'",
        )

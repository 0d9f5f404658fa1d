"""Every setting of the process, from environment variables that begin with CA_; docs/operations.md explains each."""

from __future__ import annotations

import re
from enum import StrEnum
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
        "`duckdb:///:memory:` keeps everything in memory. BigQuery: `bigquery://PROJECT?location=EU`; without "
        "a location it is `US`.",
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
    environment: Environment = Field(
        default=Environment.DEVELOPMENT,
        description="`development` or `production`. Production refuses a root key shorter than 32 characters.",
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

    @field_validator("root_api_key", "api_url", "bigquery_max_bytes_billed", mode="before")
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
    key = settings.root_api_key
    if key and not re.fullmatch(r"[!-~]*", key.get_secret_value()):
        raise ConfigurationError(
            "CA_ROOT_API_KEY has characters that no HTTP header can carry",
            hint="Use printable ASCII characters without spaces.",
        )
    if settings.environment is Environment.PRODUCTION and key and len(key.get_secret_value()) < MIN_PRODUCTION_KEY:
        raise ConfigurationError(
            f"CA_ROOT_API_KEY is shorter than {MIN_PRODUCTION_KEY} characters, which production does not allow",
            hint="Make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'",
        )
    return settings

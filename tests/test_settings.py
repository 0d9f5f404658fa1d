"""Settings as a shell or an .env file gives them."""

from __future__ import annotations

import pytest

from cloudact.errors import ConfigurationError
from cloudact.settings import load_settings


def test_an_empty_optional_setting_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CA_ROOT_API_KEY", "CA_API_URL", "CA_BIGQUERY_MAX_BYTES_BILLED"):
        monkeypatch.setenv(name, "")
    settings = load_settings()
    assert (settings.root_api_key, settings.api_url, settings.bigquery_max_bytes_billed) == (None, None, None)


def test_an_empty_setting_that_has_a_default_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CA_LOG_LEVEL", "")
    with pytest.raises(ConfigurationError, match="CA_LOG_LEVEL"):
        load_settings()

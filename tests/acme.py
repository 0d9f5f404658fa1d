"""The organization and the keys that tests use."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOT_KEY = "test-root-key-of-at-least-32-characters"
ROOT_HEADERS = {"X-CA-Root-Key": ROOT_KEY}
ACME = {
    "org_slug": "acme_corp",
    "company_name": "Acme Corporation",
    "admin_email": "admin@acme.com",
    "subscription_plan": "STARTER",
    "default_currency": "USD",
    "default_timezone": "America/New_York",
}

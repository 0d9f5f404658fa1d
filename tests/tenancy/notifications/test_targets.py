"""Where a channel may lead: public hosts over https only, however an address is spelt."""

from __future__ import annotations

import pytest

from cloudact.tenancy.notifications.targets import headers_problem, read_url, url_problem


@pytest.mark.parametrize(
    ("url", "read", "host"),
    [
        ("https://hooks.slack.com/services/T0/B0/x", "https://hooks.slack.com/services/T0/B0/x", "hooks.slack.com"),
        ("HTTPS://Hooks.Example.COM", "https://hooks.example.com/", "hooks.example.com"),
        ("https://example.com:8443/a?token=b%20c", "https://example.com:8443/a?token=b%20c", "example.com:8443"),
        ("https://example.com:443/", "https://example.com/", "example.com"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/", "xn--bcher-kva.example"),
        ("https://8.8.8.8/hook", "https://8.8.8.8/hook", "8.8.8.8"),
        ("https://[2606:4700:4700::1111]/", "https://[2606:4700:4700::1111]/", "[2606:4700:4700::1111]"),
    ],
)
def test_a_public_url_is_kept_as_clients_read_it(url: str, read: str, host: str) -> None:
    assert url_problem(url) == ""
    assert read_url(url) == (read, host)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "0177.0.0.1", "0x7f.1", "2130706433", "127.0.0.1.", "%31%32%37.0.0.1"),
        *("10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "255.255.255.255"),
        *("192.0.2.1", "224.0.0.1", "240.0.0.1", "[::1]", "[::]", "[fe80::1]", "[fd00::1]", "[fec0::1]", "[ff02::1]"),
        *("[::ffff:127.0.0.1]", "[::ffff:a00:1]", "[::127.0.0.1]", "[2002:7f00:1::]", "[64:ff9b::7f00:1]"),
        *("[64:ff9b:1::a00:1]", "[2001:db8::1]"),
    ],
)
def test_an_address_that_is_not_public_is_refused_however_it_is_spelt(host: str) -> None:
    assert "leads to a private, loopback, link-local or otherwise reserved address" in url_problem(f"https://{host}/x")


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST.",
        "api.localhost",
        "%6cocalhost",
        "intranet",
        "printer.local",
        "metadata.google.internal",
    ],
)
def test_a_name_that_the_public_internet_has_not_is_refused(host: str) -> None:
    assert "not one of the public Internet" in url_problem(f"https://{host}:8443/x")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        *((url, "is not an https:// URL") for url in (
            "", "http://example.com", "ftp://example.com", "file:///etc/passwd", "//example.com", "example.com",
            "https:example.com", "https:/example.com", "https://", "https://?x", "https://exa mple.com",
            "https://example.com\\@10.0.0.1/", "https://example.com/\r\nHost: x", "https://exämple.com/",
            "https://example.com:99999/", "https://[fe80::1%25eth0]/", "https://example.com/\ud800", " https://a.example",
        )),
        ("https://user@example.com/", "user name or a password"),
        ("https://user:secret@example.com/", "user name or a password"),
        ("https://example.com/#part", "fragment"),
        ("https://example.com/" + "x" * 2_048, "at most 2048"),
    ],
)  # fmt: skip
def test_what_is_no_url_to_call_is_refused_and_not_repeated(url: str, told: str) -> None:
    assert told in url_problem(url)
    assert "secret" not in url_problem(url)


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer abc", "X-Team_1": "a\tb c"}, {f"X-{number}": "x" for number in range(20)}]
)
def test_headers_that_can_be_sent(headers: dict[str, str]) -> None:
    assert headers_problem(headers) == ""


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({f"X-{number}": "x" for number in range(21)}, "are 21; at most 20"),
        ({"": "canary"}, "number 1 has a name"),
        ({"X-Ok": "x", "X Canary": "canary"}, "number 2 has a name"),
        ({"X-Canäry": "canary"}, "has a name"),
        ({"x" * 101: "canary"}, "has a name"),
        ({"X-A": "canary\r\nHost: x"}, "has a value"),
        ({"X-A": "canary\n"}, "has a value"),
        ({"X-A": ""}, "has a value"),
        ({"X-A": " canary"}, "has a value"),
        ({"X-A": "canäry"}, "has a value"),
        ({"X-A": "x" * 4_097}, "has a value"),
        ({f"X-{number}": "x" * 4_000 for number in range(5)}, "at most 16384"),
        ({"Content-Length": "1"}, "sender sets itself"),
        ({"HOST": "canary"}, "sender sets itself"),
        ({"X-A": "canary", "x-a": "canary"}, "name one twice"),
    ],
)
def test_headers_that_cannot_be_sent_are_told_without_their_values(headers: dict[str, str], told: str) -> None:
    assert told in headers_problem(headers)
    assert "canary" not in headers_problem(headers).lower()

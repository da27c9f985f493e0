"""Pages from elsewhere cannot reach the loopback, whatever a browser is made to send."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from playground.slack.under_test import SlackUnderTest

BODY = {"as": "owner", "in": "random", "text": "hello"}
Ask = Callable[..., requests.Response]


@pytest.fixture
def client(slack: SlackUnderTest) -> Ask:
    """Asks a loopback Slack; "OWN" in a header stands for its address."""

    def ask(method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> requests.Response:
        sent = {name: slack.url if value == "OWN" else value for name, value in (headers or {}).items()}
        return requests.request(method, slack.url + path, headers=sent, timeout=60, **more)

    return ask


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:8080"},
        {"origin": "http://localhost"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": "OWN"},
    ],
)
def test_a_page_from_elsewhere_is_refused(client: Ask, headers: dict[str, str]) -> None:
    """Neither a change nor a look is answered, and nothing happens."""
    posted = client("POST", "/playground/say", json=BODY, headers=headers)
    assert posted.status_code == 403
    assert "may" in posted.json()["error"]
    assert client("GET", "/playground/workspace", headers=headers).status_code == 403
    seen = client("GET", "/playground/messages", params={"as": "owner", "in": "random"}).json()
    assert seen["messages"] == []


@pytest.mark.parametrize(
    "headers", [{}, {"origin": "OWN", "sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}]
)
def test_the_own_page_and_programs_are_answered(client: Ask, headers: dict[str, str]) -> None:
    """Same origin, an address typed by a person, and programs without such headers may ask."""
    assert client("POST", "/playground/say", json=BODY, headers=headers).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:4100"])
def test_a_foreign_name_for_this_machine_is_refused(client: Ask, host: str) -> None:
    """A name that resolves to 127.0.0.1 reaches neither the page nor the control API (DNS rebinding)."""
    for path in ("/", "/page/app/main.js", "/playground/workspace"):
        assert client("GET", path, headers={"host": host}).status_code == 400


def test_the_page_may_go_nowhere_else(client: Ask) -> None:
    """The policy allows no foreign source, no inline code and no frame around the page."""
    reply = client("GET", "/")
    policy = dict(part.split(" ", 1) for part in reply.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in str(policy)
    assert "http" not in str(policy)
    assert " style=" not in reply.text
    assert "<script>" not in reply.text


@pytest.mark.parametrize(
    "path", ["/page/server.py", "/page/%2e%2e/slack/settings.py", "/page/index.html", "/page/"]
)
def test_only_the_parts_of_the_page_are_served(client: Ask, path: str) -> None:
    """The Python beside the page stays where it is."""
    assert client("GET", path).status_code == 404


def test_a_shared_file_cannot_act_as_the_page(slack: SlackUnderTest) -> None:
    """A file of markup is served without the right to run anything."""
    shared = slack.share("owner", "random", "evil.html", b"<script>fetch('/playground/say')</script>")
    reply = requests.get(f"{slack.url}/playground/files/{shared['file']['id']}", timeout=60)
    assert "sandbox" in reply.headers["content-security-policy"]
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cross-origin-resource-policy"] == "same-origin"

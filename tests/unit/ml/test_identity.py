"""The managed identity: asked as the platform wants to be asked, and used for the store's requests."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ml.errors import NotFound, StoreError, StoreMisconfigured, StoreUnavailable
from ml.identity import ManagedIdentity
from ml.objects import open_store

SECRET = "header-of-the-sandbox"
EXPIRES = 4_000_000_000


class Platform(ThreadingHTTPServer):
    """Plays the platform's token endpoint and, on every other path, a blob service that has nothing."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []
        self.bearers: list[str | None] = []
        self.answer: tuple[int, Any] = (200, {"access_token": "opaque", "expires_on": str(EXPIRES)})

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """What the platform sets in a function app."""
        return {"IDENTITY_ENDPOINT": f"{self.url}/msi/token/", "IDENTITY_HEADER": SECRET}


class _Handler(BaseHTTPRequestHandler):
    server: Platform

    def do_GET(self) -> None:
        if self.path.startswith("/msi/token/"):
            self.server.asked.append(self.path)
            known = self.headers["X-IDENTITY-HEADER"] == SECRET
            status, body = self.server.answer if known else (401, {})
        else:
            self.server.bearers.append(self.headers["Authorization"])
            status, body = 404, {}
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def platform() -> Iterator[Platform]:
    """A platform on loopback."""
    with Platform() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def identity(environment: dict[str, str]) -> ManagedIdentity:
    """Return the identity that must be in *environment*."""
    found = ManagedIdentity.from_environment(environment)
    assert found is not None
    return found


def test_outside_a_function_app_there_is_none() -> None:
    """Without endpoint and header nothing is asked."""
    assert ManagedIdentity.from_environment({}) is None
    assert ManagedIdentity.from_environment({"IDENTITY_ENDPOINT": "http://127.0.0.1:1"}) is None


def test_a_token_is_asked_for_the_storage_resource(platform: Platform) -> None:
    """The request names resource and version, carries the header, and the answer's seconds become a time."""
    token = identity(platform.environment)()
    assert token == {"token": "opaque", "expires_at": datetime.fromtimestamp(EXPIRES, UTC)}
    assert platform.asked == [
        "/msi/token/?resource=https%3A%2F%2Fstorage.azure.com%2F&api-version=2019-08-01"
    ]


def test_a_user_assigned_identity_is_named(platform: Platform) -> None:
    """AZURE_CLIENT_ID chooses among several identities."""
    identity({**platform.environment, "AZURE_CLIENT_ID": "client-1"})()
    assert platform.asked[0].endswith("&client_id=client-1")


def test_the_store_uses_the_token_and_asks_once(platform: Platform) -> None:
    """Requests of the store carry the token; it is fetched once while it is valid."""
    store = open_store(f"{platform.url}/account/container", platform.environment)
    for path in ("a", "b", "c"):
        with pytest.raises(NotFound):
            store.get(path)
    assert platform.bearers == ["Bearer opaque"] * 3
    assert len(platform.asked) == 1


@pytest.mark.parametrize(
    "answer", [(400, {}), (200, {}), (200, []), (200, {"access_token": "x", "expires_on": "soon"})]
)
def test_an_answer_without_a_token_is_said(platform: Platform, answer: tuple[int, Any]) -> None:
    """Whatever the endpoint answers instead of a token ends as a configuration error, in the store too."""
    platform.answer = answer
    with pytest.raises(StoreMisconfigured):
        identity(platform.environment)()
    with pytest.raises(StoreError):
        open_store(f"{platform.url}/account/container", platform.environment).get("a")


def test_an_endpoint_that_is_not_there_is_out_of_reach(platform: Platform) -> None:
    """No answer is an error of its own."""
    platform.shutdown()
    platform.server_close()
    with pytest.raises(StoreUnavailable):
        identity(platform.environment)()


def test_the_header_is_never_shown(platform: Platform) -> None:
    """Neither the identity's text nor the store's address holds the secret."""
    assert SECRET not in repr(identity(platform.environment))
    assert SECRET not in open_store(f"{platform.url}/account/container", platform.environment).url

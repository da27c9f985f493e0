"""Addresses of Azure containers and where their credentials come from."""

from __future__ import annotations

import json
import os
import threading
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ml.azure_account import EMULATOR_CREDENTIALS, AzurePlace
from ml.errors import StoreMisconfigured
from ml.objects import open_store

KEY = "bm90IGEga2V5"
CONNECTION = (
    f"DefaultEndpointsProtocol=https;AccountName=acme;AccountKey={KEY};EndpointSuffix=core.windows.net"
)
HTTPS = "https://acme.blob.core.windows.net"


@pytest.mark.parametrize(
    ("address", "environment", "url", "credentials"),
    [
        (f"{HTTPS}/toban", {}, f"{HTTPS}/toban", {}),
        (f"{HTTPS}/toban/a/b/", {}, f"{HTTPS}/toban/a/b", {}),
        ("az://toban/a", {"AZURE_STORAGE_ACCOUNT_NAME": "acme"}, f"{HTTPS}/toban/a", {}),
        ("az://toban", {"AzureWebJobsStorage__accountName": "acme"}, f"{HTTPS}/toban", {}),
        ("az://toban", {"AzureWebJobsStorage": CONNECTION}, f"{HTTPS}/toban", {"account_key": KEY}),
        (f"{HTTPS}/toban", {"AzureWebJobsStorage": CONNECTION}, f"{HTTPS}/toban", {"account_key": KEY}),
        (f"{HTTPS}/toban", {"AZURE_STORAGE_ACCOUNT_KEY": KEY}, f"{HTTPS}/toban", {"account_key": KEY}),
        (f"{HTTPS}/toban", {"AZURE_STORAGE_SAS_TOKEN": "sv=1"}, f"{HTTPS}/toban", {"sas_key": "sv=1"}),
        (
            "az://toban",
            {"AZURE_STORAGE_CONNECTION_STRING": "AccountName=acme;SharedAccessSignature=sv=1&sig=a%3D"},
            f"{HTTPS}/toban",
            {"sas_key": "sv=1&sig=a%3D"},
        ),
        (
            "az://toban",
            {"AZURE_STORAGE_CONNECTION_STRING": CONNECTION.replace("windows.net", "example")},
            "https://acme.blob.core.example/toban",
            {"account_key": KEY},
        ),
        (
            "https://other.blob.core.windows.net/toban",
            {"AzureWebJobsStorage": CONNECTION},
            "https://other.blob.core.windows.net/toban",
            {},
        ),
        (
            "http://127.0.0.1:10000/devstoreaccount1/toban",
            {},
            "http://127.0.0.1:10000/devstoreaccount1/toban",
            EMULATOR_CREDENTIALS,
        ),
        (
            "az://toban",
            {"AzureWebJobsStorage": "UseDevelopmentStorage=true"},
            "http://127.0.0.1:10000/devstoreaccount1/toban",
            EMULATOR_CREDENTIALS,
        ),
        (f"https://user:pass@{HTTPS[8:]}/toban?sv=secret", {}, f"{HTTPS}/toban", {}),
    ],
)
def test_an_address_names_container_and_credentials(
    address: str, environment: dict[str, str], url: str, credentials: dict[str, str]
) -> None:
    """The place is shown without secrets; the connection string counts for its own account only."""
    place = AzurePlace.of(address, environment)
    assert (place.url, place.credentials) == (url, credentials)
    assert KEY not in repr(place)


@pytest.mark.parametrize(
    ("address", "named"),
    [
        ("az://toban", "AZURE_STORAGE_ACCOUNT_NAME"),
        ("https://acme.blob.core.windows.net/", "three characters"),
        ("https://acme.blob.core.windows.net/ab", "three characters"),
        ("https://example.org/toban", "/account/container"),
    ],
)
def test_an_address_that_cannot_work_says_why(address: str, named: str) -> None:
    """The error names what is missing."""
    with pytest.raises(StoreMisconfigured, match=named):
        AzurePlace.of(address, {})


def test_a_runner_that_az_logged_in_needs_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With AZURE_USE_AZURE_CLI the store sends the token of `az`, as the training workflow needs."""
    program = tmp_path / "az"
    token = {"accessToken": "token-of-az", "expires_on": 4102444800, "tokenType": "Bearer"}
    token |= {"expiresOn": "2100-01-01 00:00:00.000000", "subscription": "s", "tenant": "t"}
    program.write_text(f"#!/bin/sh\nprintf '%s' '{json.dumps(token)}'\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("AZURE_USE_AZURE_CLI", "true")
    seen: list[str | None] = []

    class Account(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            seen.append(self.headers["authorization"])
            self.send_response(201)
            self.send_header("etag", '"1"')
            self.send_header("last-modified", formatdate(usegmt=True))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Account) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        open_store(f"http://127.0.0.1:{server.server_port}/account/toban").create("runs/1.json", b"{}")
        server.shutdown()
        thread.join()
    assert seen == ["Bearer token-of-az"]

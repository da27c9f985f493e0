"""Azurite, the Azure Storage emulator: on free loopback ports, with an account of the tests' own.

It comes from npm (`npm ci --prefix tests`). A test that asks for it is marked `azurite` and is skipped where
there is none.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import os
import re
import secrets
import select
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ACCOUNT = "tobantests"
SETTING = "TOBAN_TEST_AZURITE"
START_SECONDS = 60.0
SERVICES = ("Blob", "Queue", "Table")
_PROGRAM = os.environ.get(SETTING, "")  # read at import: conftest forgets the person's settings afterwards


@dataclass(frozen=True)
class Azurite:
    """A running emulator; the addresses end with the account's name."""

    blob_url: str
    queue_url: str
    table_url: str
    key: str

    @property
    def connection_string(self) -> str:
        """What Azure's libraries and `AzureWebJobsStorage` take."""
        return (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={self.key};"
            f"BlobEndpoint={self.blob_url};QueueEndpoint={self.queue_url};TableEndpoint={self.table_url};"
        )

    @property
    def environment(self) -> Mapping[str, str]:
        """The settings with which `open_store` reaches it."""
        return {"AZURE_STORAGE_CONNECTION_STRING": self.connection_string}

    def create_container(self) -> str:
        """Make an empty container and return its address, as a person would set TOBAN_STORE_URL."""
        name = f"test-{secrets.token_hex(6)}"
        status = self.request("PUT", self.blob_url, f"/{name}", {"restype": "container"})
        if status != http.client.CREATED:
            raise RuntimeError(f"Azurite refused the container: {status}")
        return f"{self.blob_url}/{name}"

    def request(self, method: str, base: str, path: str, query: Mapping[str, str]) -> int:
        """Send a bodyless request signed with the account's key and return the answer's status.

        Source: https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
        """
        parts = urlsplit(base)
        headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-12-02"}
        lines = [method, *[""] * 11, *(f"{name}:{value}" for name, value in headers.items())]
        lines.append(f"/{ACCOUNT}{parts.path}{path}")
        lines += [f"{name}:{value}" for name, value in sorted(query.items())]
        signature = hmac.new(base64.b64decode(self.key), "\n".join(lines).encode(), hashlib.sha256)
        headers["Authorization"] = f"SharedKey {ACCOUNT}:{base64.b64encode(signature.digest()).decode()}"
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
        try:
            text = "&".join(f"{name}={value}" for name, value in query.items())
            connection.request(method, f"{parts.path}{path}?{text}", headers=headers)
            return connection.getresponse().status
        finally:
            connection.close()


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """One emulator for the whole run, in memory; mark the test `azurite`."""
    program = find_azurite()
    if program is None:
        pytest.skip("Azurite was not found (npm ci --prefix tests, or set TOBAN_TEST_AZURITE)")
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    process = start(program, key)
    try:
        yield Azurite(*_addresses(process), key)
    finally:
        process.terminate()
        process.communicate(timeout=START_SECONDS)


@pytest.fixture
def azurite_container(azurite: Azurite) -> str:
    """Address of a new, empty container; `open_store(address, azurite.environment)` opens it."""
    return azurite.create_container()


def find_azurite() -> str | None:
    """Return the program that was named by TOBAN_TEST_AZURITE, or is in node_modules, or on the path."""
    if _PROGRAM:
        return _PROGRAM
    if shutil.which("node") is None:
        return None
    here = Path(__file__).parent
    candidates = (folder / "node_modules" / ".bin" / "azurite" for folder in (here, here.parent))
    return next((str(path) for path in candidates if path.exists()), None) or shutil.which("azurite")


def start(program: str, key: str) -> subprocess.Popen[str]:
    """Start the emulator on free ports; `--skipApiVersionCheck` because clients are newer than it."""
    hosts = [part for name in SERVICES for part in (f"--{name.lower()}Host", "127.0.0.1")]
    ports = [part for name in SERVICES for part in (f"--{name.lower()}Port", "0")]
    return subprocess.Popen(
        [program, *hosts, *ports, "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{key}"},
    )


def _addresses(process: subprocess.Popen[str]) -> list[str]:
    """Wait until all services listen and return their addresses, blob, queue and table."""
    assert process.stdout is not None
    seen, found = "", dict[str, str]()
    deadline = time.monotonic() + START_SECONDS
    while len(found) < len(SERVICES):
        ready, _, _ = select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))
        text = os.read(process.stdout.fileno(), 65536).decode() if ready else ""
        if not text:
            process.kill()
            process.wait()
            raise RuntimeError(f"Azurite did not start:\n{seen}")
        seen += text
        found = dict(re.findall(r"Azurite (\w+) service is successfully listening at (http://\S+)\n", seen))
    return [f"{found[name]}/{ACCOUNT}" for name in SERVICES]

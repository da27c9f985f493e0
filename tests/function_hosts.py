"""Real local function hosts for tests: a process of its own, with a team, a store and queues in one folder.

The team has one model, `sums` (`tests/stand_ins/sums.py`), and another whose recipe cannot be loaded.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parent.parent
KEY = "function-key-of-the-test"
WAIT_SECONDS = 100.0
TEAM = """
[models.sums]
recipe = "tests.stand_ins.sums:Sums"

[models.broken]
recipe = "tests.stand_ins.nowhere:Nothing"
"""
CALLER = {"who": "operator", "where": "#ml-sums"}


@dataclass
class Home:
    """The folder of one team on this machine: its settings outlive each host that is started in it."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.folder / "store").mkdir(parents=True, exist_ok=True)
        (self.folder / "toban.toml").write_text(TEAM)

    @property
    def store(self) -> Path:
        """Where the objects are."""
        return self.folder / "store"

    @property
    def environment(self) -> dict[str, str]:
        """The settings of a host in this folder."""
        return {
            **os.environ,
            "TOBAN_CONFIG": str(self.folder / "toban.toml"),
            "TOBAN_STORE_URL": str(self.store),
            "TOBAN_FUNCTIONS_KEY": KEY,
            **self.settings,
        }

    @contextmanager
    def host(self, module: str = "functions.local") -> Iterator[FunctionHost]:
        """Serve the function app from this folder; ends it afterwards unless the test has."""
        arguments = ["-m", module, "--port", "0", "--queue-dir", str(self.folder / "queues")]
        with subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                assert process.stdout is not None
                line = process.stdout.readline()
                yield FunctionHost(json.loads(line)["listening"] if line else "", process)
            finally:
                if process.poll() is None:
                    process.terminate()
                process.wait(WAIT_SECONDS)


@dataclass
class FunctionHost:
    """A running host; `get` and `post` send the key."""

    url: str
    process: subprocess.Popen[str]
    session: requests.Session = field(default_factory=requests.Session)

    def send(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send a request below /api with the key."""
        headers = {"x-functions-key": KEY, **options.pop("headers", {})}
        return self.session.request(
            method, f"{self.url}/api/{path}", headers=headers, timeout=WAIT_SECONDS, **options
        )

    def get(self, path: str, **options: Any) -> requests.Response:
        """Send a GET."""
        return self.send("GET", path, **options)

    def post(self, path: str, body: Mapping[str, Any] | None = None, **options: Any) -> requests.Response:
        """Send a POST of a JSON body."""
        return self.send("POST", path, json=body, **options)

    def run_by_hand(self, function: str, text: str = "") -> int:
        """Run a queue or timer function and return the status."""
        answer = self.session.post(
            f"{self.url}/admin/functions/{function}",
            json={"input": text},
            headers={"x-functions-key": KEY},
            timeout=WAIT_SECONDS,
        )
        return answer.status_code

    def retrain(self, *, key: str | None = None, **params: Any) -> str:
        """Start a training and return its run id."""
        headers = {"Idempotency-Key": key} if key else {}
        answer = self.post("models/sums/retrain", {"params": params, "caller": CALLER}, headers=headers)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["run_id"])

    def wait_for(self, run_id: str, *states: str) -> dict[str, Any]:
        """Return the run once it is in one of *states*, by default once it has ended."""
        wanted = states or ("succeeded", "failed", "cancelled")

        def look() -> dict[str, Any] | None:
            view: dict[str, Any] = self.get(f"runs/{run_id}").json()
            return view if view["state"] in wanted else None

        return wait_until(look)

    def kill(self) -> None:
        """End the host without any warning."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(WAIT_SECONDS)


def wait_until(look: Callable[[], Any], seconds: float = WAIT_SECONDS) -> Any:
    """Return what *look* finds, asking until it finds something, for so many *seconds* at the most."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return found

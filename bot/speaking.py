"""`toban say`: speak in a running playground and print what people see, until the job has come to rest.

Talks to the playground's control API over HTTP; nothing here touches a real workspace.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

import requests

from bot.errors import BotError

ADDRESS_VARIABLE = "TOBAN_PLAYGROUND_URL"
ADDRESS_FILE = Path(".playground/address.json")
TIMEOUT_SECONDS = 30
QUIET_SECONDS = 3.0
"""So long without anything new means that a job without a card has said all."""


def find_playground(given: str | None, env: Mapping[str, str]) -> str:
    """Return the playground's address: as given, from the environment, or as the running demo left it."""
    if given or env.get(ADDRESS_VARIABLE):
        return (given or env[ADDRESS_VARIABLE]).rstrip("/")
    try:
        return str(json.loads(ADDRESS_FILE.read_text(encoding="utf-8"))["slack"])
    except (OSError, ValueError, KeyError):
        raise BotError(
            f"no playground found: start one with `make demo`, or name it with --at or {ADDRESS_VARIABLE}"
        ) from None


class Speaker:
    """Speaks as a person and prints what that person sees."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._http = requests.Session()
        self._http.trust_env = False

    def say(self, person: str, channel: str, text: str, wait_seconds: float, out: TextIO) -> int:
        """Say *text*; print what follows until its job rests or *wait_seconds* are over; 1 if refused."""
        workspace = self._get("workspace")
        user = next((one["id"] for one in workspace["people"] if one["name"] == person), person)
        print(f"{person}> {text}", file=out, flush=True)
        said = self._post("say", {"as": person, "in": channel, "text": text})
        self._follow(user, int(workspace["seq"]), wait_seconds, out)
        return 0 if said.get("ok") else 1

    def _follow(self, user: str, after: int, wait_seconds: float, out: TextIO) -> None:
        end = time.monotonic() + wait_seconds
        working = False
        while (left := end - time.monotonic()) > 0:
            pause = left if working else min(left, QUIET_SECONDS)
            events = self._get("feed", after=after, timeout=min(pause, TIMEOUT_SECONDS / 2))["events"]
            if not events and not working:
                return
            for event in events:
                after = event["seq"]
                if event.get("plain") and user in event.get("visible_to", ()):
                    print(event["plain"], end="\n\n", file=out, flush=True)
                state = _job_state(event)
                working = state == "open" if state else working

    def _get(self, path: str, **query: Any) -> dict[str, Any]:
        return self._call("GET", path, params=query)

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._call("POST", path, json=body)

    def _call(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        try:
            reply = self._http.request(
                method, f"{self._address}/playground/{path}", timeout=TIMEOUT_SECONDS, **content
            )
            body: dict[str, Any] = reply.json()
        except requests.RequestException as error:
            raise BotError(
                f"no playground answers at {self._address} ({type(error).__name__}); `make demo` starts one"
            ) from None
        if reply.status_code >= 400:
            raise BotError(str(body.get("error") or body))
        return body


def _job_state(event: Mapping[str, Any]) -> str | None:
    """Return the state that the bot writes into the metadata of a job's message, or None."""
    metadata = (event.get("message") or {}).get("metadata") or {}
    state = (metadata.get("event_payload") or {}).get("state")
    return str(state) if state else None

"""The client's half of a control API with a feed, for each loopback server."""

import time
from collections.abc import Callable, Iterator
from typing import Any, Self

import requests

Json = dict[str, Any]
# Long enough for a busy machine.
TIMEOUT_SECONDS = 90.0
WAIT_SECONDS = 60.0
POLL_SECONDS = 15.0


class PlaygroundError(Exception):
    """The playground refused; the message says why."""


class NothingHappened(AssertionError):
    """What was waited for did not come in time; the message lists what came instead."""


class ControlClient:
    """A client of the control API at *url*, such as ``http://127.0.0.1:4000``."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def feed(self, after: int = 0, timeout_seconds: float = 0.0) -> list[Json]:
        """Return events numbered above *after*, waiting up to *timeout_seconds* for the first."""
        events: list[Json] = self._get("feed", {"after": after, "timeout": timeout_seconds})["events"]
        return events

    def follow(self, after: int, timeout_seconds: float) -> Iterator[Json]:
        """Yield events as they come, until *timeout_seconds* have passed; those there are in any case."""
        deadline = time.monotonic() + timeout_seconds
        left = timeout_seconds
        while True:
            for event in self.feed(after, min(left, POLL_SECONDS)):
                after = event["seq"]
                yield event
            if (left := deadline - time.monotonic()) <= 0:
                return

    def wait_for(
        self, predicate: Callable[[Json], bool], timeout_seconds: float = WAIT_SECONDS, after: int = 0
    ) -> Json:
        """Return the first event above *after* that *predicate* likes; raise NothingHappened in the end."""
        seen = []
        for event in self.follow(after, timeout_seconds):
            if predicate(event):
                return event
            seen.append(self._brief(event))
        raise NothingHappened("\n".join(["nothing fitting came; what came was:", *seen[-30:]]))

    def _brief(self, event: Json) -> str:
        return str(event)

    def _get(self, path: str, query: Json | None = None) -> Json:
        reply = self._session.get(
            f"{self.url}/playground/{path}", params=query or {}, timeout=TIMEOUT_SECONDS
        )
        return self._read(reply)

    def _post(self, path: str, body: Json) -> Json:
        reply = self._session.post(f"{self.url}/playground/{path}", json=body, timeout=TIMEOUT_SECONDS)
        return self._read(reply)

    def _delete(self, path: str) -> Json:
        return self._read(self._session.delete(f"{self.url}/playground/{path}", timeout=TIMEOUT_SECONDS))

    def _read(self, reply: requests.Response) -> Json:
        answer: Json = reply.json()
        if reply.status_code != 200:
            raise PlaygroundError(str(answer.get("error", reply.status_code)))
        return answer

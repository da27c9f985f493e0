"""An endpoint of a team, as they have it: it answers at once, later at a status address, or by a callback.

Nothing in it knows of the bot. Runs move only when a test says so.
"""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WAIT_SECONDS, HELD_SECONDS = 60.0, 100.0
REPORT = {
    "days": [{"day": "2013-07-04", "rows": 120}, {"day": "2013-07-05", "rows": 80}],
    "total": 200,
    "note": "all there <!channel>",
}


class TeamEndpoint:
    """A service on a free loopback port; all of its state may be read and changed by the test."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.asked: list[dict[str, Any]] = []
        self.runs: dict[str, dict[str, Any]] = {}
        self.by_key: dict[str, str] = {}
        self.refuse: tuple[int, Any] | None = None
        self.location: str | None = None
        self.pause_seconds = 0
        self.held: threading.Event | None = None
        self.cut_answers = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        """Stop serving, and let go of what is held."""
        if self.held is not None:
            self.held.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def end(self, run_id: str, **facts: Any) -> None:
        """Let a run come to its end."""
        with self.lock:
            self.runs[run_id].update({"state": "succeeded"} | REPORT | facts)

    def wait_for(self, count: int, seconds: float = WAIT_SECONDS) -> list[dict[str, Any]]:
        """Wait until *count* requests have come; return them."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.asked) >= count, seconds), self.asked
            return list(self.asked)

    def posts(self) -> list[dict[str, Any]]:
        """Return the requests that started something."""
        with self.lock:
            return [one for one in self.asked if one["method"] == "POST" and "/runs/" not in one["path"]]

    # --- what it does -------------------------------------------------------------------------------------

    def answer(self, asked: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        """Answer one request."""
        path = asked["path"].partition("?")[0].removeprefix(self.prefix)
        if self.refuse is not None:
            status, body = self.refuse
            return status, {"Location": f"{self.url}/elsewhere"} if status // 100 == 3 else {}, body
        if path.startswith("/runs/"):
            return self._run(asked["method"], path.removeprefix("/runs/"))
        if path.startswith("/now"):
            return 200, {}, REPORT
        if path.startswith(("/later", "/call-back")):
            return self._begin(asked)
        return 404, {}, {"message": "There is nothing here."}

    def _begin(self, asked: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        key = asked["headers"].get("idempotency-key", f"none-{len(self.runs)}")
        run_id = self.by_key.setdefault(key, f"r{len(self.by_key) + 1}")
        self.runs.setdefault(run_id, {"state": "running"})
        place = self.location or f"{self.prefix}/runs/{run_id}"
        headers = {"Location": place, "Retry-After": str(self.pause_seconds)}
        return 202, headers, {"stop": f"{self.prefix}/runs/{run_id}/stop"}

    def _run(self, method: str, rest: str) -> tuple[int, dict[str, str], Any]:
        run_id, _, verb = rest.partition("/")
        if run_id not in self.runs:
            return 404, {}, None
        if verb == "stop" and method == "POST":
            self.runs[run_id]["state"] = "cancelled"
            return 202, {}, None
        return 200, {}, self.runs[run_id]


def _handler(endpoint: TeamEndpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def serve(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = {"method": self.command, "path": self.path, "headers": headers, "raw": raw}
            with endpoint.changed:
                endpoint.asked.append(asked)
                endpoint.changed.notify_all()
                held = endpoint.held
                status, more, body = endpoint.answer(asked)
                cut = endpoint.cut_answers > 0
                endpoint.cut_answers -= cut
            if held is not None:
                held.wait(HELD_SECONDS)
            if cut:
                self.close_connection = True
                return
            content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
            with suppress(BrokenPipeError, ConnectionResetError):  # who asked has given up waiting
                self._send(status, more, content)

        def _send(self, status: int, more: dict[str, str], content: bytes) -> None:
            self.send_response(status)
            for name, value in (more | {"Content-Length": str(len(content))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = serve
        do_POST = serve
        do_PUT = serve
        do_DELETE = serve

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    return Handler

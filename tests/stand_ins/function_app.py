"""A function app that answers by script: the contract's routes, runs that move only when a test says so.

What it answers is built from the contract's own models, so that a reply it gives is a reply the bot can get.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

KEY = "function-key-of-the-test"
MODEL = "arrival-delay"
OTHER_MODEL = "flower-species"
WAIT_SECONDS, HELD_SECONDS = 60.0, 100.0

SCHEMA = {
    "type": "object",
    "properties": {
        "flight": {"type": "string", "description": "carrier and number"},
        "date": {"type": "string", "format": "date"},
        "carrier": {"type": "string", "enum": ["UA", "AA", "DL"]},
        "dep_delay": {"type": "number", "minimum": -60, "maximum": 1500},
        "gate": {"type": "string", "pattern": "^[A-F][0-9]{1,2}$", "examples": ["C71"]},
    },
}
PARAMS = {
    "type": "object",
    "properties": {
        "since": {"type": "string"},
        "until": {"type": "string"},
        "rows": {"type": "integer", "minimum": 1},
    },
}
METRIC = {
    "name": "mae",
    "title": "MAE",
    "unit": "min",
    "direction": "lower",
    "business": False,
    "description": "",
}
BUSINESS = {
    "name": "within_15",
    "title": "within 15 minutes",
    "unit": "share",
    "direction": "higher",
    "business": True,
    "description": "",
}


def now() -> str:
    """Return the present moment as the wire has it."""
    return datetime.now(UTC).isoformat()


@dataclass
class Model:
    """What is known of one model."""

    versions: list[int] = field(default_factory=lambda: [1])
    aliases: list[dict[str, Any]] = field(default_factory=list)


class FunctionApp:
    """A scripted function app on a free loopback port. All state may be read and changed by the test.

    `down` cuts every connection without an answer, `key` is what it takes for its key, and a call whose path
    matches a pattern in `held` waits before anything is done until the test sets the event. `trouble` spoils
    the answers, not what is done: each is sent as these bytes, and then the connection is closed.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.by_key: dict[str, str] = {}
        self.alias_keys: dict[str, dict[str, Any]] = {}
        self.held: dict[str, threading.Event] = {}
        self.forget()
        self._changed = threading.Condition(self.lock)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def forget(self) -> None:
        """Be as new: one version of each model, no runs, no calls; keys that were used stay used."""
        with self.lock:
            self.models = {
                name: Model(aliases=[_alias(name, 1, None, 1, "owner", "first")])
                for name in (MODEL, OTHER_MODEL)
            }
            self.calls: list[tuple[str, str]] = []
            self.runs: dict[str, dict[str, Any]] = {}
            self.cancelled: list[tuple[str, str]] = []
            self.refuse_next: list[tuple[int, dict[str, Any]]] = []
            self.predictions = 0
            self.logged: dict[str, dict[str, Any]] = {}
            self.callers: list[dict[str, str]] = []
            self.down = False
            self.trouble: bytes | None = None
            self.key = KEY
            self.store: dict[str, Any] = {"reachable": True, "refuses_second_create": True}

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def aliases(self) -> list[dict[str, Any]]:
        """The history of the first model's champion."""
        return self.models[MODEL].aliases

    def stop(self) -> None:
        """Stop serving."""
        self.release()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)

    def count(self, method: str, pattern: str) -> int:
        """Return how many calls of *method* matched *pattern*."""
        with self.lock:
            return sum(1 for verb, path in self.calls if verb == method and re.search(pattern, path))

    def wait_until(self, condition: Callable[[], bool], timeout_seconds: float = WAIT_SECONDS) -> None:
        """Return once *condition* holds, looking again after each call that came in."""
        with self._changed:
            if not self._changed.wait_for(condition, timeout=timeout_seconds):
                raise AssertionError(f"it never came to pass; calls were {self.calls[-20:]}")

    # --- what a test makes runs do

    def only_run(self) -> dict[str, Any]:
        """Return the one run there is."""
        with self.lock:
            assert len(self.runs) == 1, list(self.runs)
            return next(iter(self.runs.values()))

    def hold(self, pattern: str) -> threading.Event:
        """Let calls whose path matches *pattern* wait, before they do anything, until the event is set."""
        with self.lock:
            return self.held.setdefault(pattern, threading.Event())

    def release(self) -> None:
        """Let everything go on that is held, and hold nothing more."""
        with self.lock:
            for event in self.held.values():
                event.set()
            self.held.clear()

    def arrived(self, method: str, path: str) -> None:
        """Count a call, then keep it waiting where it is held."""
        with self._changed:
            self.calls.append((method, path))
            self._changed.notify_all()
            held = [event for pattern, event in self.held.items() if re.search(pattern, path)]
        for event in held:
            event.wait(HELD_SECONDS)

    def end_all(self) -> None:
        """Let every run that is under way fail, so that nothing of one test is left to the next."""
        with self.lock:
            for run_id, run in self.runs.items():
                if run["state"] in ("queued", "running"):
                    self.fail(run_id, "interrupted", "the test is over")

    def runs_of(self, model: str = MODEL) -> list[dict[str, Any]]:
        """Return the model's runs, oldest first."""
        with self.lock:
            return [run for run in self.runs.values() if run["model"] == model]

    def move_champion(self, version: int, model: str = MODEL) -> None:
        """Let somebody elsewhere point the champion at *version*."""
        with self.lock:
            history = self.models[model].aliases
            history.append(
                _alias(model, version, history[-1]["version"], len(history) + 1, "somebody", "elsewhere")
            )

    def progress(self, run_id: str, stage: str, share: float) -> None:
        """Let a run be in *stage*."""
        stages = [
            {"name": "load", "state": "done", "seconds": 1.5},
            {"name": stage, "state": "running", "seconds": 0.5},
        ]
        self._change(run_id, state="running", stage=stage, progress=share, stages=stages, started_at=now())

    def finish(self, run_id: str, better: bool = True) -> None:
        """Let a run succeed with a new version beside the champion."""
        with self.lock:
            run = self.runs[run_id]
            model = self.models[run["model"]]
            if run["kind"] == "retrain":
                number = max(model.versions) + 1
                model.versions.append(number)
            else:
                number = run["params"]["versions"][0]
            champion = model.aliases[-1] if model.aliases else None
            evidence = evidence_record(run["model"], number, champion, better)
            result = {"version": number, "evidence": evidence["digest"], "comparison": evidence}
            self._change(run_id, state="succeeded", finished_at=now(), result=result)

    def train_elsewhere(self, model: str = MODEL, better: bool = True) -> dict[str, Any]:
        """Let a workflow train into the same registry; return its run, which has ended."""
        with self.lock:
            run_id = f"20130802t06{len(self.runs):04d}-abcdef"
            self.runs[run_id] = {
                "run_id": run_id,
                "model": model,
                "kind": "retrain",
                "state": "running",
                "params": {},
                "created_at": now(),
                "started_at": now(),
                "event": 1,
            }
            self.finish(run_id, better)
            return self.runs[run_id]

    def fail(self, run_id: str, code: str, detail: str) -> None:
        """Let a run fail."""
        stages = [{"name": "load", "state": "failed", "seconds": 1.0}]
        reason = {"code": code, "detail": detail}
        self._change(run_id, state="failed", stage="load", stages=stages, finished_at=now(), reason=reason)

    def _change(self, run_id: str, **fields: Any) -> None:
        with self._changed:
            run = self.runs[run_id]
            run.update(fields)
            run["event"] += 1
            self._changed.notify_all()

    # --- what it answers

    def answer(self, method: str, path: str, body: Any, key: str | None) -> tuple[int, Any]:
        """Return status and body for one call."""
        with self._changed:
            if self.refuse_next and method == "POST":
                status, reply = self.refuse_next.pop(0)
                return status, reply
            for verb, pattern, handle in self._routes(path):
                found = re.fullmatch(pattern, path.partition("?")[0])
                if verb == method and found:
                    answered = handle(body, key, *found.groups())
                    self._changed.notify_all()
                    return answered
        return 404, problem(404, "not_found", "no such route")

    def _routes(self, path: str) -> list[tuple[str, str, Callable[..., tuple[int, Any]]]]:
        return [
            ("POST", r"/api/models/([^/]+)/predict", self._predict),
            ("POST", r"/api/models/([^/]+)/(retrain|compare)", self._start),
            ("POST", r"/api/models/([^/]+)/aliases/champion", self._move),
            ("GET", r"/api/models/([^/]+)/versions/(\d+)", self._version),
            ("GET", r"/api/models/([^/]+)/usage", self._usage),
            ("GET", r"/api/models/([^/]+)", self._model),
            (
                "GET",
                r"/api/models",
                lambda *_: (200, {"models": [self._summary(name) for name in self.models]}),
            ),
            ("GET", r"/api/runs/([^/]+)", self._run),
            ("GET", r"/api/predictions/([^/]+)", self._prediction),
            ("POST", r"/api/runs/([^/]+)/cancel", self._cancel),
            (
                "GET",
                r"/api/runs",
                lambda *_: (200, self._page(dict(parse_qsl(urlsplit(path).query)))),
            ),
            (
                "GET",
                r"/api/health",
                lambda *_: (200, {"status": "ok", "versions": {}, "store": self.store, "problems": []}),
            ),
        ]

    def _predict(self, body: Any, key: str | None, model: str) -> tuple[int, Any]:
        self.callers.append(body["caller"])
        answers = [self._row_answer(row) for row in body["rows"]]
        for row, answer in zip(body["rows"], answers, strict=True):
            about = {"format": 1, "prediction_id": answer["prediction_id"], "at": now(), **body["caller"]}
            facts = {"model": model, "version": 1, "data_version": None, "input": row, "answer": answer}
            self.logged[answer["prediction_id"]] = about | facts
        return 200, {"model": model, "results": answers, "logged": True}

    def _prediction(self, body: Any, key: str | None, prediction_id: str) -> tuple[int, Any]:
        found = self.logged.get(prediction_id)
        return (200, found) if found else (404, problem(404, "unknown_prediction", "No such prediction."))

    def _row_answer(self, row: dict[str, Any]) -> dict[str, Any]:
        self.predictions += 1
        answer: dict[str, Any] = {
            "prediction_id": f"p-2013070405-s-{self.predictions}",
            "outcome": "predicted",
            "value": 12.5,
            "unit": "min",
            "source": "champion",
            "version": 1,
            "data_version": "sha256:" + "a" * 64,
        }
        if row.get("flight") == "ZZ1":
            answer |= {"outcome": "refused", "value": None, "source": "none", "reason_code": "invalid_inputs"}
            answer["problem"] = problem(422, "invalid_inputs", "No flight ZZ1.")
        return answer

    def _start(self, body: Any, key: str | None, model: str, kind: str) -> tuple[int, Any]:
        assert key is not None, "every POST but predict carries a key"
        run_id = self.by_key.get(key)
        if run_id is None:
            run_id = f"20130801t06{len(self.by_key):04d}-abcdef"
            self.by_key[key] = run_id
            params = body["params"] if kind == "retrain" else {"versions": body["versions"]}
            self.runs[run_id] = {
                "run_id": run_id,
                "model": model,
                "kind": kind,
                "state": "queued",
                "params": params,
                "created_at": now(),
                "event": 1,
            }
        return 202, self.runs[run_id]

    def _move(self, body: Any, key: str | None, model: str) -> tuple[int, Any]:
        assert key is not None
        if key in self.alias_keys:
            return 200, self.alias_keys[key]
        history = self.models[model].aliases
        if body["expected_event"] != len(history):
            return 409, problem(409, "alias_moved", "The champion has changed.")
        previous = history[-1]["version"] if history else None
        alias = _alias(model, body["version"], previous, len(history) + 1, body["by"], body["why"])
        alias["evidence"] = body["evidence"]
        history.append(alias)
        self.alias_keys[key] = alias
        return 200, alias

    def _model(self, body: Any, key: str | None, model: str) -> tuple[int, Any]:
        if model not in self.models:
            return 404, {**problem(404, "unknown_model", f"No model {model}."), "suggestions": [MODEL]}
        summaries = [
            {"version": number, "created_at": now(), "data_version": "sha256:" + "a" * 64}
            for number in self.models[model].versions
        ]
        history = self.models[model].aliases
        return 200, {
            "name": model,
            "title": model.replace("-", " ").capitalize(),
            "description": "How late a flight arrives.",
            "unit": "min",
            "schema": SCHEMA,
            "schema_digest": "sha256:" + "1" * 64,
            "params_schema": PARAMS,
            "params_digest": "sha256:" + "2" * 64,
            "metrics": [METRIC, BUSINESS],
            "rule": "the departure delay",
            "champion": history[-1] if history else None,
            "champion_event": len(history),
            "versions": summaries,
        }

    def _summary(self, name: str) -> dict[str, Any]:
        model = self.models[name]
        return {
            "name": name,
            "title": name.replace("-", " ").capitalize(),
            "champion": model.aliases[-1] if model.aliases else None,
            "latest_version": max(model.versions),
        }

    def _version(self, body: Any, key: str | None, model: str, number: str) -> tuple[int, Any]:
        if int(number) not in self.models[model].versions:
            return 404, problem(404, "unknown_version", f"{model} has no version {number}.")
        made_by = next(
            (
                run["run_id"]
                for run in self.runs.values()
                if run["model"] == model and (run.get("result") or {}).get("version") == int(number)
            ),
            None,
        )
        manifest = {"format": 1, "model": model, "version": int(number), "run_id": made_by, "seed": 7}
        return 200, {
            "model": model,
            "version": int(number),
            "manifest": manifest,
            "card": f"# {model} v{number}\n",
        }

    def _usage(self, body: Any, key: str | None, model: str) -> tuple[int, Any]:
        return 200, {
            "model": model,
            "since": now(),
            "until": now(),
            "total": self.predictions,
            "by_outcome": {},
            "by_source": {},
            "fallback_share": 0.0,
            "abstain_share": 0.0,
        }

    def _run(self, body: Any, key: str | None, run_id: str) -> tuple[int, Any]:
        run = self.runs.get(run_id)
        return (200, run) if run else (404, problem(404, "unknown_run", f"No run {run_id}."))

    def _page(self, query: dict[str, str]) -> dict[str, Any]:
        """Return a page of runs, newest first."""
        newest = list(reversed(self.runs))
        begin = newest.index(query["after"]) + 1 if "after" in query else 0
        page = newest[begin : begin + int(query.get("limit", 20))]
        more = begin + len(page) < len(newest)
        return {"runs": [self.runs[name] for name in page], "after": page[-1] if more else None}

    def _cancel(self, body: Any, key: str | None, run_id: str) -> tuple[int, Any]:
        assert key is not None
        self.cancelled.append((run_id, body["caller"]["who"]))
        run = self.runs[run_id]
        if run["state"] in ("queued", "running"):
            run.update(state="cancelled", cancel_requested=True, finished_at=now(), event=run["event"] + 1)
        return 200, run


def problem(status: int, reason_code: str, detail: str) -> dict[str, Any]:
    """Return problem details."""
    return {
        "type": "about:blank",
        "title": reason_code,
        "status": status,
        "detail": detail,
        "reason_code": reason_code,
    }


def evidence_record(
    model: str, candidate: int, champion: dict[str, Any] | None, better: bool = True
) -> dict[str, Any]:
    """Return evidence of a candidate beside the champion."""
    numbers = (14.9, 15.0) if better else (15.2, 15.0)
    histograms = [
        {"contender": name, "edges": [0.0, 15.0, 30.0], "shares": [0.6, 0.4], "unit": "min"}
        for name in ("candidate", "champion", "rule")
    ]
    return {
        "format": 1,
        "digest": "sha256:" + f"{candidate:064x}",
        "model": model,
        "at": now(),
        "candidate": candidate,
        "champion": champion["version"] if champion else None,
        "champion_event": champion["event"] if champion else 0,
        "rows": {
            "version": candidate,
            "digest": "sha256:" + "b" * 64,
            "count": 28_000,
            "since": "2013-07",
            "until": "2013-07",
        },
        "metrics": [
            {**METRIC, "candidate": numbers[0], "champion": numbers[1], "rule": 16.8, "better": better},
            {**BUSINESS, "candidate": 0.641, "champion": 0.656, "rule": 0.57, "better": False},
        ],
        "test": {
            "method": "paired t-test",
            "metric": "mae",
            "unit": "min",
            "difference": -0.1,
            "low": -0.15,
            "high": -0.05,
            "p_value": 0.001,
            "rows": 28_000,
        },
        "beats_champion": better,
        "beats_rule": True,
        "histograms": histograms,
    }


def _alias(model: str, version: int, previous: int | None, event: int, by: str, why: str) -> dict[str, Any]:
    return {
        "model": model,
        "alias": "champion",
        "version": version,
        "previous": previous,
        "event": event,
        "at": now(),
        "by": by,
        "why": why,
        "evidence": None,
    }


def _handler(app: FunctionApp) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            raw = self.rfile.read(length)
            app.arrived(self.command, self.path)
            if app.down:
                self.close_connection = True
                return
            if self.headers.get("x-functions-key") != app.key:
                status, reply = 401, None
            else:
                body = json.loads(raw) if raw else None
                status, reply = app.answer(self.command, self.path, body, self.headers.get("idempotency-key"))
            if app.trouble is not None:
                self.close_connection = True
                with suppress(ConnectionError):
                    self.wfile.write(app.trouble)
                return
            payload = b"" if reply is None else json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(payload)))
            self.end_headers()
            with suppress(ConnectionError):  # a bot that was killed does not wait for its answer
                self.wfile.write(payload)

        do_GET = _serve
        do_POST = _serve

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    return Handler

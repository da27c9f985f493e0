"""A GitHub by script: one repository, workflow files and runs that do what the test says, over real HTTP."""

from __future__ import annotations

import base64
import hashlib
import io
import itertools
import json
import re
import threading
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

Json = dict[str, Any]
Answer = tuple[int, Any, dict[str, str]]

REPOSITORY = "acme/flights"
TOKEN = "ghp_" + "test"
RETRAIN = """
name: Retrain
run-name: "Retrain ${{ inputs.months }} ${{ inputs.toban_id }}"
on:
  workflow_dispatch:
    inputs:
      months: {type: number, default: 6, description: how many months}
      kind: {type: choice, options: [full, quick], required: true}
      dry: {type: boolean, default: false}
      where: {type: environment}
      note: {}
      toban_id: {type: string}
jobs: {}
"""
PLAIN = "name: Plain\non: [push, workflow_dispatch]\njobs: {}\n"
PUSH_ONLY = "name: Checks\non: push\njobs: {}\n"
AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


WAIT_SECONDS, HELD_SECONDS = 60.0, 100.0


class GitHub:
    """The server. `refusals` and `lose` make it stumble; runs move by `begin`, `end` and `step`.

    Each request is answered and noted in one go: nobody sees half of what it does.
    """

    def __init__(self) -> None:
        self.name = REPOSITORY
        self.moved_to = "{url}{path}"
        self.files = {"retrain.yml": RETRAIN, "plain.yml": PLAIN, "checks.yml": PUSH_ONLY}
        self.disabled: set[str] = set()
        self.runs: list[Json] = []
        self.issues: list[Json] = []
        self.comments: dict[int, list[Json]] = {}
        self.jobs: dict[int, list[Json]] = {}
        self.logs: dict[int, str] = {}
        self.artifacts: dict[int, list[tuple[Json, bytes]]] = {}
        self.notices: dict[int, list[Json]] = {}
        self.asked: list[tuple[str, str, int]] = []
        self.refusals: list[tuple[str, Answer | Callable[[], Answer]]] = []
        self.lose: set[str] = set()
        self.hold: dict[str, threading.Event] = {}
        self.gives_ids = True
        self.knows_details = True
        self.lists_all = False
        self.most_entries = 0
        self.token = TOKEN
        self.app_tokens: list[str] = []
        self._ticks = 0
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop serving."""
        for held in self.hold.values():
            held.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    # --- what tests do --------------------------------------------------------------------------------

    def add_run(
        self, file: str = "plain.yml", title: str = "Plain", state: str = "in_progress", **about: Any
    ) -> Json:
        """Make a run, with these facts *about* it too."""
        with self._changed:
            number = next(self._numbers)
            run = {
                "id": 1000 + number,
                "name": "Retrain" if file == "retrain.yml" else file,
                "display_title": title,
                "path": f".github/workflows/{file}",
                "run_number": number,
                "run_attempt": 1,
                "event": "workflow_dispatch",
                "status": state,
                "conclusion": None,
                "head_branch": "main",
                "html_url": f"https://github.example/{self.name}/actions/runs/{1000 + number}",
                "created_at": _stamp(datetime.now(UTC)),
                "run_started_at": _stamp(datetime.now(UTC)),
                "updated_at": self._tick(),
                **about,
            }
            self.runs.insert(0, run)
            self._changed.notify_all()
        return run

    def start_from(self, number: int) -> None:
        """Number the next runs from here, and note changes as later than those of any run before."""
        self._numbers = itertools.count(number)
        self._ticks = 1000 * number

    def change(self, run: Json, **values: Any) -> None:
        """Change a run, as GitHub would note it."""
        with self._changed:
            run.update(values, updated_at=self._tick())
            self._changed.notify_all()

    def set_job(self, run: Json, *steps: tuple[str, str, str | None], name: str = "train") -> None:
        """Give a run one job with *steps* of (name, status, conclusion)."""
        made = [
            {
                "name": step,
                "status": status,
                "conclusion": conclusion,
                "number": at,
                "started_at": _stamp(AT + timedelta(seconds=10 * at)),
                "completed_at": _stamp(AT + timedelta(seconds=10 * at + 9)) if conclusion else None,
            }
            for at, (step, status, conclusion) in enumerate(steps)
        ]
        ended = all(one["conclusion"] for one in made)
        bad = next(
            (one["conclusion"] for one in made if one["conclusion"] not in (None, "success")), "success"
        )
        job = {
            "id": run["id"] * 10,
            "name": name,
            "status": "completed" if ended else "in_progress",
            "check_run_url": f"{self.url}/repos/{self.name}/check-runs/{run['id'] * 10}",
        }
        times = {
            "started_at": _stamp(AT),
            "completed_at": _stamp(AT + timedelta(seconds=90)) if ended else None,
        }
        self.jobs[run["id"]] = [job | times | {"conclusion": bad if ended else None, "steps": made}]
        self.change(run)

    def notice(self, run: Json, message: str, title: str = "toban-report", level: str = "notice") -> None:
        """Let the run's job say something by an annotation."""
        said = {"annotation_level": level, "title": title, "message": message, "path": ".github"}
        self.notices.setdefault(run["id"] * 10, []).append(said)

    def delete(self, run: Json) -> None:
        """Delete a run, as somebody may on GitHub's page."""
        with self._changed:
            self.runs.remove(run)
            self._changed.notify_all()

    def end(self, run: Json, conclusion: str = "success") -> None:
        """End a run."""
        self.change(run, status="completed", conclusion=conclusion)

    def add_report(self, run: Json, content: bytes, name: str = "toban-report", **about: Any) -> None:
        """Give a run an artifact with the report file *content*."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("toban-report.json", content)
        self.add_artifact(run, packed.getvalue(), name, **about)

    def add_artifact(self, run: Json, packed: bytes, name: str = "toban-report", **about: Any) -> None:
        """Give a run an artifact of these very bytes."""
        known = self.artifacts.setdefault(run["id"], [])
        fact = {
            "id": run["id"] * 10 + len(known),
            "name": name,
            "size_in_bytes": len(packed),
            "expired": False,
        }
        known.append((fact | about, packed))

    def count(self, method: str, pattern: str) -> int:
        """Return how many requests of this kind came."""
        return sum(one == method and re.search(pattern, path) is not None for one, path, _ in self.asked)

    def wait_until(self, condition: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
        """Wait until *condition* holds; it is looked at after each request."""
        with self._changed:
            assert self._changed.wait_for(condition, seconds)

    def add_issue(self, title: str, body: str, labels: list[str], user: str = "toban") -> Json:
        """Write an issue, as the bot or a person does."""
        with self._changed:
            number = len(self.issues) + 1
            issue = {
                "number": number,
                "title": title,
                "body": body,
                "state": "open",
                "labels": [{"name": label} for label in labels],
                "user": {"login": user},
                "html_url": f"https://github.example/{self.name}/issues/{number}",
                "created_at": _stamp(datetime.now(UTC)),
                "updated_at": _stamp(datetime.now(UTC)),
            }
            self.issues.insert(0, issue)
            self._changed.notify_all()
        return issue

    # --- answers --------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> Answer:
        """Answer one request."""
        at = f"/repos/{self.name}"
        old = f"/repos/{REPOSITORY}"
        if path.startswith(old) and self.name != REPOSITORY:
            new = path.replace(old, at, 1) + (f"?{urlencode(query)}" if query else "")
            return 301, {}, {"location": self.moved_to.format(url=self.url, path=new)}
        if not path.startswith(at):
            return 404, {"message": "Not Found"}, {}
        rest = path.removeprefix(at)
        if rest.startswith("/issues"):
            return self._issues(method, rest.removeprefix("/issues"), query, body)
        if method == "POST":
            return self._posted(rest, body)
        return self._paged(path, query, self._read(rest, query))

    def _paged(self, path: str, query: dict[str, str], answer: Answer) -> Answer:
        """Return a page of `most_entries` of a list, which says where the next is in a header alone."""
        status, body, headers = answer
        lists = [one for one in body.values() if isinstance(one, list)] if isinstance(body, dict) else [body]
        if not self.most_entries or path.endswith("/actions/runs"):
            return answer
        if len(lists) != 1 or not isinstance(lists[0], list):
            return answer
        page, whole = int(query.get("page", 1)), lists[0]
        part = whole[(page - 1) * self.most_entries : page * self.most_entries]
        following = f"{self.url}{path}?{urlencode({**query, 'page': page + 1})}"
        more = len(whole) > page * self.most_entries
        link = {"link": f'<{following}>; rel="next", <{self.url}{path}>; rel="first"'} if more else {}
        packed = part if isinstance(body, list) else {**body, next(k for k in body if body[k] is whole): part}
        return status, packed, {**headers, **link}

    def _issues(self, method: str, rest: str, query: dict[str, str], body: Any) -> Answer:
        """Issues as https://docs.github.com/en/rest/issues has them, as far as the bot uses them."""
        if method == "POST" and rest == "":
            return 201, self.add_issue(**body), {}
        if rest == "":
            labels = set(filter(None, query.get("labels", "").split(",")))
            named = [one for one in self.issues if labels <= {label["name"] for label in one["labels"]}]
            return 200, [one for one in named if one["updated_at"] >= query.get("since", "")], {}
        number, _, what = rest.strip("/").partition("/")
        issue = self.issues[len(self.issues) - int(number)]
        if what == "comments":
            known = self.comments.setdefault(int(number), [])
            if method == "POST":
                known.append({"id": len(known) + 1, "body": body["body"]})
            return (201, known[-1], {}) if method == "POST" else (200, known, {})
        if method == "PATCH":
            issue.update(body, updated_at=_stamp(datetime.now(UTC)))
        return 200, issue, {}

    def _read(self, rest: str, query: dict[str, str]) -> Answer:  # noqa: C901 - one line for each address
        run_id = int(found[1]) if (found := re.match(r"/actions/runs/(\d+)", rest)) else 0
        run = next((one for one in self.runs if one["id"] == run_id), None)
        if rest == "":
            return 200, {"full_name": self.name, "default_branch": "main"}, {}
        if rest == "/branches":
            return 200, [{"name": "main"}, {"name": "next"}], {}
        if rest == "/tags":
            return 200, [{"name": "v1.0"}], {}
        if rest == "/environments":
            return 200, {"environments": [{"name": "staging"}, {"name": "production"}]}, {}
        if rest == "/actions/workflows":
            return 200, {"workflows": [self._workflow(file) for file in self.files]}, {}
        if found := re.fullmatch(r"/contents/.github/workflows/(.+)", rest):
            return self._file(found[1], query.get("ref", "main"))
        if found := re.fullmatch(r"/actions/workflows/(.+)/runs", rest):
            since = query["created"].removeprefix(">=")
            own = [one for one in self.runs if one["path"].endswith(found[1])]
            recent = [one for one in own if self.lists_all or one["created_at"] >= since]
            return 200, {"workflow_runs": recent}, {}
        if rest == "/actions/runs":
            first = (int(query.get("page", 1)) - 1) * int(query["per_page"])
            return 200, {"workflow_runs": self.runs[first : first + int(query["per_page"])]}, {}
        if run is not None:
            return self._of_run(run, rest.removeprefix(f"/actions/runs/{run_id}"))
        if found := re.fullmatch(r"/check-runs/(\d+)/annotations", rest):
            return 200, self.notices.get(int(found[1]), []), {}
        if found := re.fullmatch(r"/actions/jobs/(\d+)/logs", rest):
            known = int(found[1]) in self.logs
            return (302, None, {"location": f"{self.url}/blob/log/{found[1]}"}) if known else (404, {}, {})
        if found := re.fullmatch(r"/actions/artifacts/(\d+)/zip", rest):
            return 302, None, {"location": f"{self.url}/blob/zip/{found[1]}"}
        return 404, {"message": "Not Found"}, {}

    def _of_run(self, run: Json, rest: str) -> Answer:
        if rest == "":
            return 200, run, {}
        if rest == "/jobs":
            return 200, {"jobs": self.jobs.get(run["id"], [])}, {}
        return 200, {"artifacts": [fact for fact, _ in self.artifacts.get(run["id"], [])]}, {}

    def _file(self, file: str, ref: str) -> Answer:
        if file not in self.files or ref not in ("main", "next"):
            return 404, {"message": "Not Found"}, {}
        return (
            200,
            {"encoding": "base64", "content": base64.b64encode(self.files[file].encode()).decode()},
            {},
        )

    def _workflow(self, file: str) -> Json:
        state = "disabled_manually" if file in self.disabled else "active"
        return {"path": f".github/workflows/{file}", "name": file.split(".")[0].title(), "state": state}

    def _posted(self, rest: str, body: Any) -> Answer:
        if found := re.fullmatch(r"/actions/workflows/(.+)/dispatches", rest):
            return self._dispatched(found[1], body)
        found = re.fullmatch(r"/actions/runs/(\d+)/(cancel|rerun|rerun-failed-jobs)", rest)
        run = next((one for one in self.runs if found and one["id"] == int(found[1])), None)
        if found is None or run is None:
            return 404, {"message": "Not Found"}, {}
        if found[2] == "cancel":
            if run["status"] == "completed":
                return 409, {"message": "Cannot cancel a workflow run that is completed."}, {}
            self.end(run, "cancelled")
            return 202, {}, {}
        if run["status"] != "completed":
            return 403, {"message": "This workflow is already running"}, {}
        self.change(run, status="in_progress", conclusion=None, run_attempt=run["run_attempt"] + 1)
        return 201, {}, {}

    def _dispatched(self, file: str, body: Json) -> Answer:
        if file not in self.files:
            return 404, {"message": "Not Found"}, {}
        if file in self.disabled:
            return 422, {"message": "Cannot trigger a 'workflow_dispatch' on a disabled workflow"}, {}
        if not self.knows_details and "return_run_details" in body:
            return 422, {"message": 'Invalid request.\n\n"return_run_details" is not a permitted key.'}, {}
        if body["ref"] not in ("main", "next"):
            return 422, {"message": f"No ref found for: {body['ref']}"}, {}
        title = f"Retrain {body['inputs'].get('toban_id', '')}"
        run = self.add_run(file, title, head_branch=body["ref"], inputs=body["inputs"])
        if not self.gives_ids:
            return 204, None, {}
        return 200, {"workflow_run_id": run["id"], "html_url": run["html_url"]}, {}

    def _tick(self) -> str:
        self._ticks += 1
        return _stamp(AT + timedelta(seconds=self._ticks))

    def _blob(self, path: str) -> bytes:
        kind, number = path.removeprefix("/blob/").split("/")
        if kind == "log":
            return self.logs[int(number)].encode()
        every = [one for known in self.artifacts.values() for one in known]
        return next(packed for fact, packed in every if fact["id"] == int(number))

    def _handler(self) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - one class, whole
        github = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self) -> None:
                """Answer one request."""
                raw = self.rfile.read(int(self.headers.get("content-length") or 0))
                parts = urlsplit(self.path)
                if parts.path.startswith("/blob/"):
                    assert self.headers.get("authorization") is None
                    self._send(200, github._blob(parts.path), {})
                    return
                for pattern, event in list(github.hold.items()):
                    if re.search(pattern, parts.path):
                        github.note(self.command, self.path, 0)
                        event.wait(HELD_SECONDS)
                with github._changed:
                    status, body, headers = self._answer(parts.path, parts.query, raw)
                    packed = b"" if body is None else json.dumps(body).encode()
                    etag = f'"{hashlib.sha256(packed).hexdigest()[:16]}"'
                    if self.command == "GET" and status == 200 and self.headers.get("if-none-match") == etag:
                        status, packed = 304, b""
                    asked = f"{self.command} {parts.path}"
                    is_lost = any(re.search(pattern, asked) for pattern in github.lose)
                    github.note(self.command, self.path, status)
                if is_lost:
                    self.close_connection = True
                    return
                self._send(status, packed, {"etag": etag, **headers})

            def _answer(self, path: str, query: str, raw: bytes) -> Answer:
                for at, (pattern, answer) in enumerate(github.refusals):
                    if re.search(pattern, path):
                        del github.refusals[at]
                        return answer() if callable(answer) else answer
                bearer = str(self.headers.get("authorization")).removeprefix("Bearer ")
                if path.endswith("/access_tokens"):
                    token = f"{github.token}-{len(github.app_tokens)}"
                    github.app_tokens.append(bearer)
                    github.token = token
                    later = datetime.now(UTC) + timedelta(hours=1)
                    return 201, {"token": token, "expires_at": _stamp(later)}, {}
                if bearer != github.token:
                    return 401, {"message": "Bad credentials"}, {}
                given = {name: values[0] for name, values in parse_qs(query).items()}
                return github.answer(self.command, path, given, json.loads(raw) if raw else None)

            def _send(self, status: int, packed: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(packed)))
                self.end_headers()
                self.wfile.write(packed)

            do_GET = serve
            do_POST = serve
            do_PATCH = serve

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        return Handler

    def note(self, method: str, path: str, status: int) -> None:
        """Remember a request; 0 says that its answer is held back."""
        with self._changed:
            self.asked.append((method, path, status))
            self._changed.notify_all()


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"

"""GitHub's door: only what is well signed comes in, each thing once, and every answer says why."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from bot.connectors.github_events import WorkflowJobEvent, WorkflowRunEvent
from bot.databases import make_engine
from bot.deliveries import Deliveries
from bot.github_door import MOST_EVENT_BYTES, GitHubDoor, sign
from bot.intake import Entry
from bot.records import Records

SECRET = "It's a Secret to Everybody"
REPOSITORY = {"full_name": "acme/flights", "id": 7, "pushed_at": 1_700_000_000}
PUSH = {"ref": "refs/heads/main", "before": "a" * 40, "after": "b" * 40, "repository": REPOSITORY}
RUN = {"action": "completed", "workflow_run": {"id": 9, "status": "completed"}, "repository": REPOSITORY}


class Around:
    """The door, what it stored, and what it hurried; run 9 is watched."""

    def __init__(self, deliveries: Deliveries) -> None:
        self.stored: list[Entry] = []
        self.hurried: list[int] = []
        self.broken = False
        given: Any = self
        self.door = GitHubDoor(
            secret=SECRET,
            repositories=("acme/Flights",),
            intake=given,
            deliveries=deliveries,
            flows={"push": ("ship",)},
            hurry=self.hurry,
        )

    def hurry(self, event: WorkflowRunEvent | WorkflowJobEvent) -> bool:
        """Remember the run."""
        self.hurried.append(event.run_id)
        return event.run_id == 9

    def submit(self, entry: Entry) -> None:
        """Store a flow, unless broken."""
        if self.broken:
            raise TimeoutError
        self.stored.append(entry)

    def send(
        self, kind: str, body: Any, delivery: str | None = "d-1", signature: str | None = "", **more: str
    ) -> tuple[int, dict[str, Any]]:
        """Send an event, well signed unless told otherwise; return status and answer."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        environ: dict[str, Any] = {"REQUEST_METHOD": "POST", "wsgi.input": io.BytesIO(raw), **more}
        headers = {
            "HTTP_X_GITHUB_EVENT": kind,
            "HTTP_X_GITHUB_DELIVERY": delivery,
            "HTTP_X_HUB_SIGNATURE_256": sign(SECRET, raw) if signature == "" else signature,
        }
        environ |= {name: value for name, value in headers.items() if value is not None}
        said: list[str] = []
        content = b"".join(self.door(environ, lambda status, _: said.append(status)))
        return int(said[0].split()[0]), json.loads(content)


@pytest.fixture
def around(tmp_path: Path) -> Iterator[Around]:
    """A door on an empty ledger."""
    engine = make_engine(f"sqlite:///{tmp_path}/records.sqlite3")
    Records(engine).migrate()
    yield Around(Deliveries(engine))
    engine.dispose()


def test_signature_is_githubs() -> None:
    """The example of GitHub's documentation gives the signature that stands there.

    https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
    """
    expected = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert sign("It's a Secret to Everybody", b"Hello, World!") == f"sha256={expected}"


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"signature": None}, 401, "bad_signature"),
        ({"signature": "sha256=" + "0" * 64}, 401, "bad_signature"),
        ({"signature": "é"}, 401, "bad_signature"),
        ({"signature": sign("another secret", json.dumps(PUSH).encode())}, 401, "bad_signature"),
        ({"signature": sign(SECRET, json.dumps(PUSH).encode() + b" ")}, 401, "bad_signature"),
        ({"REQUEST_METHOD": "GET"}, 405, "method_not_allowed"),
        ({"delivery": None}, 400, "invalid_request"),
        ({"delivery": "a b"}, 400, "invalid_request"),
        ({"kind": ""}, 400, "invalid_request"),
        ({"body": b"{"}, 400, "malformed_json"),
        ({"body": b"[" * 100_000}, 400, "malformed_json"),
        ({"body": {"ref": "x"}}, 400, "invalid_request"),
        ({"body": b"x" * (MOST_EVENT_BYTES + 1)}, 413, "body_too_large"),
    ],
)
def test_what_is_refused(around: Around, sent: dict[str, Any], status: int, code: str) -> None:
    """Unsigned, forged, changed, malformed, too large: refused with a reason, and nothing is begun."""
    answer = around.send(**{"kind": "push", "body": PUSH, **sent})
    assert (answer[0], answer[1]["reason_code"]) == (status, code)
    assert (around.stored, around.hurried) == ([], [])


def test_without_a_secret_nothing_is_taken(around: Around) -> None:
    """A bot that was given no secret takes no event, however it is signed."""
    around.door.secret = None
    assert around.send("push", PUSH)[1]["reason_code"] == "not_set_up"


def test_an_event_begins_its_flow_once(around: Around) -> None:
    """Delivered again, or the same bytes under another id, it is answered well and begins nothing more."""
    assert around.send("push", PUSH, "d-1") == (202, {"event": "push", "id": "d-1"})
    again = {"event": "push", "id": "d-1", "taken_before_as": "d-1"}
    assert around.send("push", PUSH, "d-1") == (200, again)
    assert around.send("push", PUSH, "d-2") == (200, {**again, "id": "d-2"})
    assert around.send("push", {**PUSH, "after": "c" * 40}, "d-1")[0] == 200
    (entry,) = around.stored
    assert (entry.flow, entry.args[0]) == ("ship", entry.flow_id)
    assert (entry.args[1]["kind"], entry.args[1]["after"]) == ("push", "b" * 40)
    assert around.send("push", {**PUSH, "after": "c" * 40}, "d-3")[0] == 202
    assert len({one.flow_id for one in around.stored}) == 2


def test_what_could_not_be_stored_is_taken_when_it_comes_again(around: Around) -> None:
    """GitHub is told that it was not taken; its redelivery begins the flow under the same id."""
    around.broken = True
    assert around.send("push", PUSH)[1]["reason_code"] == "not_stored"
    around.broken = False
    assert around.send("push", PUSH)[0] == 202
    assert len(around.stored) == 1


def test_a_form_with_json_in_it_is_read(around: Around) -> None:
    """GitHub's other content type holds the same payload; the signature is that of the form's bytes."""
    form = urlencode({"payload": json.dumps(PUSH)}).encode()
    assert around.send("push", form, CONTENT_TYPE="application/x-www-form-urlencoded")[0] == 202
    assert around.stored[0].args[1]["ref"] == "refs/heads/main"
    assert around.send("push", b"other=1", CONTENT_TYPE="application/x-www-form-urlencoded")[0] == 400


def test_what_is_not_ours_is_passed_over(around: Around) -> None:
    """Events of no use and of other repositories are answered with the reason and leave nothing behind."""
    assert "none of" in around.send("issues", {"action": "opened"})[1]["ignored"]
    other = {**PUSH, "repository": {"full_name": "acme/other", "id": 8}}
    assert around.send("push", other) == (
        200,
        {"event": "push", "ignored": "acme/other is not among the repositories in toban.toml."},
    )
    assert around.send("ping", {"zen": "x"}) == (200, {"event": "ping", "id": "d-1"})
    assert around.stored == []
    assert around.send("push", PUSH, "d-1")[0] == 202


def test_a_run_hurries_the_watcher_also_under_its_repositorys_new_name(around: Around) -> None:
    """A run that somebody waits for is looked at whatever the repository is called; others only if ours."""
    assert around.send("workflow_run", RUN)[0] == 202
    renamed = {**RUN, "action": "in_progress", "repository": {"full_name": "acme/journeys", "id": 7}}
    assert around.send("workflow_run", renamed, "d-2")[0] == 202
    unknown = {**renamed, "workflow_run": {"id": 10}}
    assert "not among" in around.send("workflow_run", unknown, "d-3")[1]["ignored"]
    job = {"action": "queued", "workflow_job": {"id": 1, "run_id": 9}, "repository": REPOSITORY}
    assert around.send("workflow_job", job, "d-4")[0] == 202
    assert around.hurried == [9, 9, 10, 9]

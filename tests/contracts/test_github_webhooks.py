"""Webhooks of the loopback GitHub: signed, in order, again, twice, late, or never."""

import hashlib
import hmac
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from playground.control_client import PlaygroundError
from playground.github.settings import Environment, Repository
from playground.github.under_test import GitHubUnderTest

pytest_plugins = ["playground.github.fixtures"]

START = Callable[..., GitHubUnderTest]
MAKE = Callable[..., Repository]
NAME = "acme/models"
WORK = """
on: [push, workflow_dispatch]
jobs:
  one: {runs-on: x, steps: [{name: Step, run: "true"}]}
"""
DEPLOY = """
on: push
jobs:
  ship:
    runs-on: x
    environment: production
    steps: [{run: "true"}]
"""


class Receiver:
    """A web server that keeps what it gets, and answers as it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 202
        self.came = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                with outer.came:  # before the answer: who has it may send the next one at once
                    outer.got.append((headers, body))
                    outer.came.notify_all()
                self.send_response(outer.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hooks/github"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait_for(self, event: str, action: str | None = None) -> tuple[dict[str, str], Any]:
        """Return the first such event; fail when it does not come."""
        with self.came:
            assert self.came.wait_for(lambda: self.find(event, action) is not None, 60)
        found = self.find(event, action)
        assert found is not None
        return found

    def find(self, event: str, action: str | None) -> tuple[dict[str, str], Any] | None:
        """Return the first such event, if it has come."""
        for headers, body in list(self.got):
            payload = json.loads(body)
            if headers["x-github-event"] == event and action in (None, payload.get("action")):
                return headers, payload
        return None

    def order(self) -> list[tuple[str, str | None]]:
        """Return events and actions as they came."""
        return [(headers["x-github-event"], json.loads(body).get("action")) for headers, body in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver of webhooks."""
    server = Receiver()
    yield server
    server.stop()


def test_a_run_is_told_in_order_and_signed(start_github: START, make_repo: MAKE, receiver: Receiver) -> None:
    """Each event has GitHub's headers and a signature over its bytes, made with the secret."""
    github = start_github(
        repositories={NAME: make_repo({".github/workflows/w.yml": WORK})},
        webhook_url=receiver.url,
        webhook_secret="a secret",
    )
    run = github.dispatch(NAME, "w.yml")
    receiver.wait_for("workflow_run", "completed")
    assert receiver.order() == [
        ("workflow_run", "requested"),
        ("workflow_job", "queued"),
        ("workflow_run", "in_progress"),
        ("workflow_job", "in_progress"),
        ("workflow_job", "completed"),
        ("workflow_run", "completed"),
    ]
    for headers, body in receiver.got:
        expected = hmac.new(b"a secret", body, hashlib.sha256).hexdigest()
        assert headers["x-hub-signature-256"] == f"sha256={expected}"
        assert str(uuid.UUID(headers["x-github-delivery"])) == headers["x-github-delivery"]
        assert headers["user-agent"].startswith("GitHub-Hookshot/")
    _, payload = receiver.wait_for("workflow_job", "completed")
    assert payload["workflow_job"]["run_id"] == run
    assert [step["conclusion"] for step in payload["workflow_job"]["steps"]] == ["success"] * 3


def test_a_push_names_what_it_brings(start_github: START, make_repo: MAKE, receiver: Receiver) -> None:
    """Before, after, commits and their files, and who pushed."""
    github = start_github(repositories={NAME: make_repo({"a.txt": "1"})}, webhook_url=receiver.url)
    sha = github.push(NAME, "main", {"a.txt": "2", "b.txt": "3"}, "Change", who="developer")["sha"]
    _, payload = receiver.wait_for("push")
    assert (payload["ref"], payload["after"], payload["created"]) == ("refs/heads/main", sha, False)
    assert payload["commits"][0]["added"] == ["b.txt"]
    assert payload["commits"][0]["modified"] == ["a.txt"]
    assert (payload["pusher"]["name"], payload["head_commit"]["message"]) == ("developer", "Change")
    with pytest.raises(PlaygroundError, match="has not moved"):
        github.push(NAME, "main")


def test_a_protected_deployment_is_told_from_request_to_success(
    start_github: START, make_repo: MAKE, receiver: Receiver
) -> None:
    """Deployment, its states, the request for a review and the review itself."""
    environments = {"production": Environment(reviewers=("owner",))}
    repository = make_repo({".github/workflows/d.yml": DEPLOY}, environments=environments)
    github = start_github(repositories={NAME: repository}, webhook_url=receiver.url)
    (run,) = github.push(NAME, "main", {"a.txt": "1"})["runs"]
    _, asked = receiver.wait_for("deployment_review", "requested")
    assert asked["environment"] == "production"
    assert [one["reviewer"]["login"] for one in asked["reviewers"]] == ["owner"]
    github.review("owner", run, "production", "approved", "go")
    receiver.wait_for("workflow_run", "completed")
    _, said = receiver.wait_for("deployment_review", "approved")
    assert (said["approver"]["login"], said["comment"]) == ("owner", "go")
    states = [
        json.loads(body)["deployment_status"]["state"]
        for headers, body in receiver.got
        if headers["x-github-event"] == "deployment_status"
    ]
    assert states == ["waiting", "in_progress", "success"]
    order = receiver.order()
    assert order.index(("deployment", "created")) < order.index(("workflow_job", "waiting"))


def test_deliveries_repeat_turn_round_and_get_lost(
    start_github: START, make_repo: MAKE, receiver: Receiver
) -> None:
    """A redelivery has the same id and bytes; held ones go reversed or not at all; all stay recorded."""
    repository = make_repo({".github/workflows/w.yml": WORK})
    github = start_github(repositories={NAME: repository}, webhook_url=receiver.url)
    github.pause()
    run = github.dispatch(NAME, "w.yml")
    github.wait_for_run(run)
    assert receiver.got == []
    github.resume("reversed")
    receiver.wait_for("workflow_run", "requested")
    assert receiver.order()[0] == ("workflow_run", "completed")
    assert receiver.order()[-1] == ("workflow_run", "requested")
    last = github.deliveries()[-1]
    attempts = github.redeliver(last["guid"], times=2)
    assert [(one["ok"], one["status"], one["redelivery"]) for one in attempts] == [(True, 202, True)] * 2
    assert {body for headers, body in receiver.got if headers["x-github-delivery"] == last["guid"]} == {
        receiver.got[0][1]
    }
    github.pause()
    lost = github.dispatch(NAME, "w.yml")
    github.wait_for_run(lost)
    github.resume("dropped")
    github.ping()
    receiver.wait_for("ping")
    assert all(json.loads(body).get("workflow_run", {}).get("id") != lost for _, body in receiver.got)
    assert github.deliveries()[-2]["attempts"] == []


def test_a_receiver_that_fails_is_noted_and_not_asked_again(
    start_github: START, make_repo: MAKE, receiver: Receiver
) -> None:
    """GitHub does not repeat by itself; nobody listening is noted too."""
    github = start_github(repositories={NAME: make_repo({"a": "1"})}, webhook_url=receiver.url)
    receiver.status = 500
    github.ping()
    noted = github.wait_for(lambda event: event["kind"] == "delivery")
    assert (noted["ok"], noted["status"]) == (False, 500)
    github.send_webhooks_to("http://127.0.0.1:9/nobody")
    github.ping()
    noted = github.wait_for(lambda event: event["kind"] == "delivery", after=noted["seq"])
    assert (noted["ok"], noted["error"]) == (False, "failed to connect to host")
    assert len(receiver.got) == 1

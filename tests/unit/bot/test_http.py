"""The http connector: what it sends, how it reads each kind of answer, and where it never goes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from bot.calls import Calls, Standing
from bot.connectors.connector import JobRequest
from bot.connectors.endpoints import Endpoint, HttpSettings
from bot.connectors.http import HttpConnector
from bot.connectors.http_answers import build_start, check_status, read_start, read_state, read_status
from bot.connectors.wire import HttpReply
from bot.databases import make_engine
from bot.errors import EndpointUnreachable, Refused
from bot.records import Records
from bot.tables import calls
from tests.stand_ins.endpoint import REPORT, TeamEndpoint


def endpoint(**settings: Any) -> Endpoint:
    """Return an endpoint."""
    made = HttpSettings.model_validate({"url": "https://jobs.example.com/v1/fill"} | settings)
    return Endpoint(made.url, made)


def job(**values: Any) -> JobRequest:
    """Return a job."""
    return JobRequest(target="fill", values=values, who="U1", where="slack:T1/C1")


def test_values_go_where_the_settings_say() -> None:
    """As JSON, as a form or in the query; in the path they are quoted and not sent again."""
    values = {"day": "2013-07-04", "fast": True, "tags": ["a", "b"]}
    as_json = build_start(endpoint(), job(**values), "c-1")
    assert (as_json.method, as_json.path, as_json.body) == ("POST", "/v1/fill", values)
    assert as_json.headers == {"Idempotency-Key": "c-1"}
    assert as_json.repeatable is False
    form = build_start(endpoint(send="form"), job(**values), "c-1")
    assert form.form == {"day": "2013-07-04", "fast": "true", "tags": "a,b"}
    asked = endpoint(url="https://jobs.example.com/{day}/x?v=1", method="GET", send="query", repeatable=True)
    query = build_start(asked, job(day="a/../b c", n=2), "c-1")
    assert (query.path, query.query, query.body) == ("/a%2F..%2Fb%20c/x", {"v": "1", "n": "2"}, None)
    assert query.repeatable is True
    called_back = build_start(endpoint(callback="back"), job(), "c-1", "https://bot.example.com/callbacks/x")
    assert called_back.body == {"back": "https://bot.example.com/callbacks/x"}


@pytest.mark.parametrize("value", ["", ".", "..", None])
def test_no_value_leaves_the_path(value: Any) -> None:
    """A value that a client would take for a way up, or for nothing, is refused."""
    with pytest.raises(Refused, match="cannot stand in an address"):
        build_start(endpoint(url="https://jobs.example.com/a/{day}/b"), job(day=value), "c-1")


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"url": "ftp://x"}, "no address"),
        ({"url": "https://user:word@x/"}, "a user, a password"),
        ({"url": "https://{host}/"}, "in its path only"),
        ({"url": "https://x/?a={b}"}, "in its path only"),
        ({"headers": {"X-Api-Key": "abc"}}, "headers_from"),
        ({"headers_from": {"X-Api-Key": "not a name"}}, "pattern"),
        ({"state": "a[["}, "not JMESPath"),
        ({"states": {"odd": "lost"}}, "cancelled"),
        ({"urll": "x"}, "Extra inputs"),
    ],
)
def test_settings_at_fault_are_explained(settings: dict[str, Any], word: str) -> None:
    """A mistake in the settings is found when they are read."""
    with pytest.raises(ValidationError) as caught:
        endpoint(**settings)
    assert word in str(caught.value)


LATER = {"Location": "/v1/runs/7", "Retry-After": "30"}


@pytest.mark.parametrize(
    ("status", "headers", "body", "settings", "state", "path"),
    [
        (200, {}, {"rows": 5}, {}, "succeeded", None),
        (200, {}, {"status": "error", "message": "no disk"}, {}, "failed", None),
        (200, {}, "plain words", {}, "succeeded", None),
        (202, {}, None, {}, "succeeded", None),
        (202, LATER, None, {}, "running", "/v1/runs/7"),
        (202, LATER, {"state": "queued"}, {}, "queued", "/v1/runs/7"),
        (201, LATER, {"status": "Pending"}, {}, "queued", "/v1/runs/7"),
        (201, LATER, {"id": 7}, {}, "succeeded", None),
        (202, {"Location": "https://jobs.example.com:443/x?y=1"}, None, {}, "running", "/x?y=1"),
        (200, {}, {"at": "runs/8"}, {"status_url": "at"}, "running", "/v1/runs/8"),
        (200, {}, {"ok": 1}, {"callback": "back"}, "running", None),
        (200, {}, {"status": "failed"}, {"callback": "back"}, "failed", None),
    ],
)
def test_starts_are_read(
    status: int, headers: dict[str, str], body: Any, settings: dict[str, Any], state: str, path: str | None
) -> None:
    """At once, later or by callback: what the answer to a start means."""
    standing = read_start(HttpReply(status, headers, body), endpoint(**settings), "/v1/fill")
    assert (standing.state, standing.status_path) == (state, path)


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example.com/v1/runs/7",
        "http://jobs.example.com/v1/runs/7",
        "https://jobs.example.com:8443/x",
        "//169.254.169.254/latest",
        "file:///etc/passwd",
        "https://jobs.example.com@evil.example.com/x",
    ],
)
def test_no_other_origin_is_ever_asked(address: str) -> None:
    """A status or cancel address elsewhere is refused: the bot is no door into a network."""
    reply = HttpReply(202, {"Location": address}, None)
    with pytest.raises(Refused, match="another origin"):
        read_start(reply, endpoint(), "/v1/fill")
    stop = HttpReply(202, LATER, {"stop": address})
    with pytest.raises(Refused, match="another origin"):
        read_start(stop, endpoint(cancel_url="stop"), "/v1/fill")


@pytest.mark.parametrize(
    ("status", "body", "raised", "words"),
    [
        (301, None, Refused, "not followed"),
        (400, {"error": {"message": "bad day"}}, Refused, "bad day"),
        (404, "nothing here", Refused, "status 404"),
        (422, {"title": "t", "status": 422, "detail": "No.", "reason_code": "no_rows"}, Refused, "no_rows"),
        (401, None, Refused, "status 401"),
        (429, None, EndpointUnreachable, "too busy"),
        (408, None, EndpointUnreachable, "status 408"),
        (500, {"detail": "x"}, EndpointUnreachable, "status 500"),
    ],
)
def test_other_answers_are_no_or_later(status: int, body: Any, raised: type[Exception], words: str) -> None:
    """4xx and redirects are refusals with the endpoint's own words; the rest may be tried again."""
    with pytest.raises(raised, match=words):
        check_status(HttpReply(status, {}, body))


@pytest.mark.parametrize(
    ("status", "body", "settings", "state"),
    [
        (202, None, {}, "running"),
        (200, {"runtimeStatus": "ContinuedAsNew"}, {"state": "runtimeStatus"}, "running"),
        (200, {"runtimeStatus": "Completed"}, {}, "succeeded"),
        (200, {"job": {"at": "Odd-1"}}, {"state": "job.at", "states": {"odd 1": "failed"}}, "failed"),
        (200, {"status": "IN PROGRESS"}, {}, "running"),
        (200, {"status": "something"}, {}, "succeeded"),
        (200, {"status": False}, {"state": "status"}, "failed"),
        (200, [1, 2], {}, "succeeded"),
    ],
)
def test_states_are_understood(status: int, body: Any, settings: dict[str, Any], state: str) -> None:
    """Usual words in any spelling, words of the settings, and the status where there is no word."""
    assert read_state(HttpReply(status, {}, body), endpoint(**settings).settings) == state


def test_a_run_that_is_gone_is_unknown_and_a_refused_key_says_nothing() -> None:
    """404 is no run; 401 on a question says nothing of the run."""
    before = Standing(state="running")
    assert read_status(HttpReply(404, {}, None), endpoint(), before) is None
    with pytest.raises(EndpointUnreachable):
        read_status(HttpReply(401, {}, None), endpoint(), before)
    reply = HttpReply(200, {"Retry-After": "7"}, {"state": "running", "share": 0.4})
    told = read_status(reply, endpoint(progress="share"), before)
    assert told is not None
    assert (told.progress, told.pause_seconds) == (0.4, 7.0)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Calls]:
    """An empty ledger."""
    records = Records(make_engine(f"sqlite:///{tmp_path}/calls.sqlite3"))
    records.migrate()
    yield Calls(records.engine)
    records.engine.dispose()


@pytest.fixture
def team_endpoint() -> Iterator[TeamEndpoint]:
    """An endpoint on loopback."""
    made = TeamEndpoint()
    yield made
    made.stop()


def connector(team_endpoint: TeamEndpoint, ledger: Calls, path: str, **settings: Any) -> HttpConnector:
    """Return a connector to it."""
    made = HttpSettings.model_validate({"url": f"{team_endpoint.url}{path}", "read_seconds": 60.0} | settings)
    return HttpConnector("http", {"fill": Endpoint(made.url, made)}, ledger, lambda key: f"https://x/{key}")


def test_a_start_that_may_have_arrived_is_not_sent_again(team_endpoint: TeamEndpoint, ledger: Calls) -> None:
    """An endpoint that knows no key is sent one start; where its answer is lost, a person must look."""
    made = connector(team_endpoint, ledger, "/later")
    team_endpoint.cut_answers = 1
    with pytest.raises(EndpointUnreachable):
        made.start(job(), key="c-1")
    with pytest.raises(Refused, match="start_uncertain"):
        made.start(job(), key="c-1")
    assert len(team_endpoint.posts()) == 1


def test_a_start_that_was_not_taken_may_be_sent_again(team_endpoint: TeamEndpoint, ledger: Calls) -> None:
    """After a refusal or a 503 the same key is free again."""
    made = connector(team_endpoint, ledger, "/now")
    for refusal in ((422, None), (503, None)):
        team_endpoint.refuse = refusal
        with pytest.raises((Refused, EndpointUnreachable)):
            made.start(job(), key="c-1")
    team_endpoint.refuse = None
    handle = made.start(job(), key="c-1")
    report = made.status([handle])["c-1"].report
    assert report is not None
    assert report.fields == REPORT


def test_an_answer_too_large_is_not_read(team_endpoint: TeamEndpoint, ledger: Calls) -> None:
    """More than 1 MiB is cut off."""
    team_endpoint.refuse = (200, b"x" * (1 << 20) + b"x")
    with pytest.raises(EndpointUnreachable, match="larger than 1 MiB"):
        connector(team_endpoint, ledger, "/now").start(job(), key="c-1")


def test_redirects_are_not_followed(team_endpoint: TeamEndpoint, ledger: Calls) -> None:
    """A redirect is a refusal, and nothing is sent to where it leads."""
    team_endpoint.refuse = (307, None)
    with pytest.raises(Refused, match="not followed"):
        connector(team_endpoint, ledger, "/now").start(job(), key="c-1")
    assert len(team_endpoint.asked) == 1


def test_an_endpoint_is_asked_as_often_as_it_wishes(team_endpoint: TeamEndpoint, ledger: Calls) -> None:
    """Between two questions lies what Retry-After says, however often the bot looks."""
    team_endpoint.pause_seconds = 250
    made = connector(team_endpoint, ledger, "/later")
    handle = made.start(job(), key="c-1")
    for _ in range(5):
        assert made.status([handle])["c-1"].state == "running"
    assert len(team_endpoint.asked) == 1


def test_callbacks_come_once_also_before_the_answer(team_endpoint: TeamEndpoint, ledger: Calls) -> None:
    """The first callback counts, even if it overtakes the answer to the start."""
    made = connector(team_endpoint, ledger, "/call-back", callback="back")
    assert ledger.begin("c-1", "fill") is None
    assert made.take_callback("c-1", {"state": "failed", "message": "no disk"})
    assert not made.take_callback("c-1", {"state": "done"})
    assert not made.take_callback("c-2", {})
    assert ledger.note("c-1", Standing(state="running")) is False
    status = made.status([made.start(job(), key="c-1")])["c-1"]
    assert status.reason is not None
    assert (status.state, status.reason.detail) == ("failed", "no disk")


def test_a_callback_that_never_comes_is_a_failure(team_endpoint: TeamEndpoint, ledger: Calls) -> None:
    """After its hours a run without a callback has failed."""
    made = connector(team_endpoint, ledger, "/now", callback="back", callback_hours=1)
    handle = made.start(job(), key="c-1")
    assert made.status([handle])["c-1"].state == "running"
    long_ago = (datetime.now(UTC) - timedelta(hours=2)).replace(tzinfo=None)
    with ledger._engine.begin() as connection:
        connection.execute(sa.update(calls).values(created_at=long_ago))
    assert made.status([handle])["c-1"].state == "failed"


def test_what_cannot_be_stopped_says_so(team_endpoint: TeamEndpoint, ledger: Calls) -> None:
    """A run without a cancel address is refused to be cancelled."""
    made = connector(team_endpoint, ledger, "/later")
    with pytest.raises(Refused, match="cannot_cancel"):
        made.cancel(made.start(job(), key="c-1"))

"""The loopback GitHub's REST door: versions, refusals, limits, pages, tokens, in GitHub's own words."""

import base64
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from playground.github.settings import App, Repository, Token
from playground.github.under_test import GitHubUnderTest

pytest_plugins = ["playground.github.fixtures"]

START = Callable[..., GitHubUnderTest]
MAKE = Callable[..., Repository]
NAME = "acme/models"
R = f"/repos/{NAME}"
OLD, NEW = "2022-11-28", "2026-03-10"
DISPATCHES = "POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches"
RUNS = "GET /repos/{owner}/{repo}/actions/runs"

WORKFLOW = """
name: Work
on:
  workflow_dispatch:
    inputs:
      what: {required: true}
      where: {type: choice, options: [here, there], default: here}
      dry: {type: boolean}
      size: {type: number, default: 1}
jobs:
  one: {runs-on: x, steps: [{run: "true"}]}
"""
PUSH_ONLY = "on: push\njobs:\n  one: {runs-on: x, steps: [{run: 'true'}]}\n"
FILES = {
    ".github/workflows/work.yml": WORKFLOW,
    ".github/workflows/push.yml": PUSH_ONLY,
    "docs/a.txt": "text\n",
}


@pytest.fixture
def github(start_github: START, make_repo: MAKE) -> GitHubUnderTest:
    """A GitHub with one private repository."""
    return start_github(repositories={NAME: make_repo(FILES)})


def dispatch(
    github: GitHubUnderTest, body: dict[str, Any], workflow: str = "work.yml", **options: Any
) -> Any:
    """Dispatch and return the reply."""
    return github.api("POST", f"{R}/actions/workflows/{workflow}/dispatches", body, **options)


@pytest.mark.parametrize(
    ("version", "extra", "status"),
    [(None, {}, 204), (OLD, {}, 204), (OLD, {"return_run_details": True}, 200), (NEW, {}, 200)],
)
def test_a_dispatch_answers_as_its_version_says(
    github: GitHubUnderTest, version: str | None, extra: dict[str, Any], status: int
) -> None:
    """204 without a body, or 200 with the run, which is there at once."""
    body = {"ref": "main", "inputs": {"what": "it"}, **extra}
    reply = dispatch(github, body, headers={"x-github-api-version": version} if version else {})
    assert reply.status_code == status
    if status == 204:
        assert reply.content == b""
        return
    details = reply.json()
    assert set(details) == {"workflow_run_id", "run_url", "html_url"}
    assert github.api("GET", details["run_url"]).json()["id"] == details["workflow_run_id"]
    assert "#1, attempt" in requests.get(details["html_url"], timeout=10).text


def test_the_newer_version_does_not_know_return_run_details(github: GitHubUnderTest) -> None:
    """The parameter is gone there."""
    body = {"ref": "main", "inputs": {"what": "it"}, "return_run_details": True}
    reply = dispatch(github, body, headers={"x-github-api-version": NEW})
    assert (reply.status_code, "return_run_details" in reply.json()["message"]) == (422, True)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"ref": "main"}, "Required input 'what' not provided"),
        (
            {"ref": "main", "inputs": {"what": "a", "foo": 1, "bar": 2}},
            'Unexpected inputs provided: ["foo", "bar"]',
        ),
        ({"ref": "gone", "inputs": {"what": "a"}}, "No ref found for: gone"),
        ({"inputs": {"what": "a"}}, 'Invalid request.\n\n"ref" wasn\'t supplied.'),
        (
            {"ref": "main", "inputs": {"what": "a", "where": "elsewhere"}},
            "Provided value 'elsewhere' for input 'where' not in the list of allowed values",
        ),
        (
            {"ref": "main", "inputs": {"what": "a", "dry": "maybe"}},
            "Provided value 'maybe' for input 'dry' not in the list of allowed values",
        ),
        (
            {"ref": "main", "inputs": {f"i{n}": 1 for n in range(26)}},
            "Invalid request.\n\nNo more than 25 properties are allowed; 26 were supplied.",
        ),
        ({"ref": "main", "inputs": {"what": "x" * 66_000}}, "inputs are too large."),
    ],
)
def test_a_dispatch_that_makes_no_sense_is_refused(
    github: GitHubUnderTest, body: dict[str, Any], message: str
) -> None:
    """422 in GitHub's words, and no run."""
    reply = dispatch(github, body)
    assert (reply.status_code, reply.json()["message"]) == (422, message)
    assert github.api("GET", f"{R}/actions/runs").json()["total_count"] == 0


def test_only_what_can_be_dispatched_is_dispatched(github: GitHubUnderTest) -> None:
    """No trigger is 422, an unknown workflow 404, a disabled one 403 until it is enabled again."""
    assert "'workflow_dispatch' trigger" in dispatch(github, {"ref": "main"}, "push.yml").json()["message"]
    assert dispatch(github, {"ref": "main"}, "none.yml").status_code == 404
    body = {"ref": "main", "inputs": {"what": "it"}}
    github.api("PUT", f"{R}/actions/workflows/work.yml/disable")
    assert github.api("GET", f"{R}/actions/workflows/work.yml").json()["state"] == "disabled_manually"
    assert dispatch(github, body).status_code == 403
    github.api("PUT", f"{R}/actions/workflows/work.yml/enable")
    assert dispatch(github, body).status_code == 204


def test_the_workflow_of_the_ref_counts(github: GitHubUnderTest) -> None:
    """Inputs are those of the file on the branch that is dispatched, also by the workflow's number."""
    changed = WORKFLOW.replace("what: {required: true}", "other: {required: true}")
    github.push(NAME, "feature", {".github/workflows/work.yml": changed})
    number = github.api("GET", f"{R}/actions/workflows/work.yml").json()["id"]
    reply = dispatch(github, {"ref": "refs/heads/feature", "inputs": {"what": "it"}}, str(number))
    assert reply.json()["message"] == 'Unexpected inputs provided: ["what"]'
    run = github.dispatch(NAME, "work.yml", "feature", other="x")
    assert github.api("GET", f"{R}/actions/runs/{run}").json()["head_branch"] == "feature"


def test_an_unchanged_list_costs_nothing(github: GitHubUnderTest) -> None:
    """304 to the right ETag leaves the limit alone; a change makes it 200 again, another token too."""
    first = github.api("GET", f"{R}/actions/runs")
    tag, used = first.headers["etag"], int(first.headers["x-ratelimit-used"])
    same = github.api("GET", f"{R}/actions/runs", headers={"if-none-match": tag})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    assert int(same.headers["x-ratelimit-used"]) == used
    counted = github.counts()["endpoints"][RUNS]
    assert (counted["requests"], counted["counted"], counted["not_modified"]) == (2, 1, 1)
    other = github.api(
        "GET", f"{R}/actions/runs", headers={"if-none-match": tag}, token=github.token("viewer")
    )
    assert other.status_code == 200
    renewed = github.api(
        "GET", f"{R}/actions/runs", headers={"if-none-match": tag}, token=github.token("toban")
    )
    assert renewed.status_code == 200
    run = github.dispatch(NAME, "work.yml", what="it")
    github.wait_for_run(run)
    assert github.api("GET", f"{R}/actions/runs", headers={"if-none-match": tag}).status_code == 200


def test_runs_are_listed_by_page_and_filter(github: GitHubUnderTest) -> None:
    """Newest first, with Link headers; each filter narrows; a day and a span of days are understood."""
    pushed = github.push(NAME, "side", {"b.txt": "1"})["runs"]
    runs = [github.dispatch(NAME, "work.yml", what=str(n)) for n in range(3)]
    runs.append(github.dispatch(NAME, "work.yml", "side", what="side"))
    for run in (*pushed, *runs):
        github.wait_for_run(run)
    path = f"{R}/actions/runs"
    page = github.api("GET", f"{path}?event=workflow_dispatch&per_page=3")
    assert [run["id"] for run in page.json()["workflow_runs"]] == runs[:0:-1]
    assert set(page.links) == {"next", "last"}
    rest = github.api("GET", page.links["next"]["url"])
    assert [run["id"] for run in rest.json()["workflow_runs"]] == runs[:1]
    assert set(rest.links) == {"prev", "first"}
    today = datetime.now(UTC).date()
    counts = {
        "branch=side&event=workflow_dispatch": 1,
        "event=push": 1,
        "status=success": 5,
        "status=failure": 0,
        "status=completed": 5,
        "actor=developer": 1,
        f"created=>={today - timedelta(days=1)}": 5,
        f"created=<{today - timedelta(days=1)}": 0,
        f"created={today - timedelta(days=1)}..{today}": 5,
        f"created=*..{today - timedelta(days=2)}": 0,
        f"created=>{datetime.now(UTC) + timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}": 0,
    }
    found = {query: github.api("GET", f"{path}?{query}").json()["total_count"] for query in counts}
    assert found == counts
    assert github.api("GET", f"{R}/actions/workflows/push.yml/runs").json()["total_count"] == 1
    assert github.api("GET", f"{path}?created=yesterday").status_code == 422


def test_a_deleted_run_is_gone(github: GitHubUnderTest) -> None:
    """Run, jobs and attempt answer 404 afterwards."""
    run = github.dispatch(NAME, "work.yml", what="it")
    github.wait_for_run(run)
    assert github.api("DELETE", f"{R}/actions/runs/{run}").status_code == 204
    for rest in ("", "/jobs", "/attempts/1", "/logs"):
        assert github.api("GET", f"{R}/actions/runs/{run}{rest}").status_code == 404


def test_a_renamed_repository_is_found_again(github: GitHubUnderTest) -> None:
    """Its old address answers 301 (307 for changes) with the new one, which a client follows."""
    github.rename(NAME, "acme/forecasts")
    moved = github.api("GET", f"{R}/actions/workflows?per_page=1", allow_redirects=False)
    assert moved.status_code == 301
    assert moved.headers["location"].endswith("/actions/workflows?per_page=1")
    assert len(github.api("GET", f"{R}/actions/workflows?per_page=1").json()["workflows"]) == 1
    body = {"ref": "main", "inputs": {"what": "it"}}
    assert dispatch(github, body, allow_redirects=False).status_code == 307
    assert dispatch(github, body).status_code == 204
    assert github.api("GET", "/repos/acme/forecasts").json()["full_name"] == "acme/forecasts"


def test_a_bad_token_is_401(github: GitHubUnderTest) -> None:
    """Whatever is asked for; an expired one and a forgotten one are bad too."""
    short = github.token("viewer", seconds=-1)
    assert github.api("GET", R, token=short).json()["message"] == "Bad credentials"
    assert github.api("GET", "/rate_limit", token="nonsense").status_code == 401
    good = github.token("viewer")
    assert github.api("GET", R, token=good).status_code == 200
    github.forget_tokens("viewer")
    assert github.api("GET", R, token=good).status_code == 401


def test_lack_of_permission_is_404_or_403(github: GitHubUnderTest) -> None:
    """Who may not see the repository gets 404; who may see but not do, 403 and what it takes."""
    stranger = github.token("stranger", repositories=["acme/other"])
    reader = github.token("reader", permissions={"actions": "read"})
    body = {"ref": "main", "inputs": {"what": "it"}}
    assert dispatch(github, body, token=stranger).status_code == 404
    assert github.api("GET", R, headers={"authorization": None}).status_code == 404
    refused = dispatch(github, body, token=reader)
    assert (refused.status_code, refused.json()["message"]) == (
        403,
        "Resource not accessible by personal access token",
    )
    assert refused.headers["x-accepted-github-permissions"] == "actions=write"
    assert github.api("GET", f"{R}/actions/runs", token=reader).status_code == 200
    assert github.api("GET", f"{R}/issues", token=reader).status_code == 403


def test_the_hourly_limit_ends_in_403_and_starts_anew(start_github: START, make_repo: MAKE) -> None:
    """Headers say what is left; beyond it is 403 with nothing remaining; after the reset it goes on."""
    now = [1_800_000_000.0]
    github = start_github(repositories={NAME: make_repo(FILES)}, requests_per_hour=2, clock=lambda: now[0])
    left = [github.api("GET", R).headers["x-ratelimit-remaining"] for _ in range(2)]
    assert left == ["1", "0"]
    refused = github.api("GET", R)
    assert (refused.status_code, refused.headers["x-ratelimit-remaining"]) == (403, "0")
    assert "API rate limit exceeded" in refused.json()["message"]
    assert refused.headers["x-ratelimit-reset"] == str(int(now[0]) + 3_600)
    assert github.api("GET", "/rate_limit").json()["resources"]["core"]["remaining"] == 0
    now[0] += 3_600
    assert github.api("GET", R).status_code == 200
    github.exhaust("toban", reset_seconds=5)
    assert github.api("GET", R).headers["x-ratelimit-reset"] == str(int(now[0]) + 5)


def test_the_secondary_limit_says_when_to_come_again(start_github: START, make_repo: MAKE) -> None:
    """A change costs five points of a minute; beyond them is 403 with Retry-After; waiting helps."""
    now = [1_800_000_000.0]
    github = start_github(
        repositories={NAME: make_repo(FILES)},
        points_per_minute=6,
        enforce_secondary=True,
        clock=lambda: now[0],
    )
    assert github.api("POST", f"{R}/issues", {"title": "a"}).status_code == 201
    now[0] += 20
    assert github.api("GET", R).status_code == 200
    refused = github.api("GET", R)
    assert (refused.status_code, refused.headers["retry-after"]) == (403, "40")
    assert "secondary rate limit" in refused.json()["message"]
    now[0] += 40.5
    assert github.api("GET", R).status_code == 200


def test_trouble_is_made_on_purpose(github: GitHubUnderTest) -> None:
    """A status, a Retry-After, a page of HTML, a cut connection, a lost answer: each as often as asked."""
    body = {"ref": "main", "inputs": {"what": "it"}}
    github.fault(DISPATCHES, status=502)
    github.fault(DISPATCHES, retry_after=7, status=429)
    github.fault(DISPATCHES, garbage=True, status=503)
    assert dispatch(github, body).status_code == 502
    limited = dispatch(github, body)
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "7")
    assert "<html>" in dispatch(github, body).text
    github.fault(DISPATCHES, status=500, holding="another")
    github.fault(DISPATCHES, cut=True)
    with pytest.raises(requests.ConnectionError):
        dispatch(github, body)
    assert github.api("GET", f"{R}/actions/runs").json()["total_count"] == 0
    github.fault(DISPATCHES, cut=True, after=True)
    with pytest.raises(requests.ConnectionError):
        dispatch(github, body)
    assert github.api("GET", f"{R}/actions/runs").json()["total_count"] == 1
    github.fault(RUNS, hang_seconds=30)
    with pytest.raises(requests.ReadTimeout):
        requests.get(
            f"{github.url}{R}/actions/runs",
            headers={"authorization": f"Bearer {github.token_text}"},
            timeout=0.2,
        )
    github.fault("*", status=500, times=2)
    github.clear_faults()
    assert github.api("GET", R).status_code == 200


def test_a_download_needs_no_token_and_refuses_one(start_github: START, make_repo: MAKE) -> None:
    """The address of a log lies on another host, for a minute; a client must not send its token along."""
    now = [1_800_000_000.0]
    github = start_github(repositories={NAME: make_repo(FILES)}, clock=lambda: now[0])
    run = github.dispatch(NAME, "work.yml", what="it")
    github.wait_for_run(run)
    found = github.api("GET", f"{R}/actions/runs/{run}/logs", allow_redirects=False)
    place = found.headers["location"]
    assert (found.status_code, place.startswith("http://localhost:")) == (302, True)
    assert requests.get(place, timeout=10).content.startswith(b"PK")
    assert requests.get(place, headers={"authorization": "Bearer x"}, timeout=10).status_code == 401
    assert requests.get(f"{place}x", timeout=10).status_code == 403
    now[0] += 61
    assert requests.get(place, timeout=10).status_code == 403


def test_files_are_read_at_a_ref(github: GitHubUnderTest) -> None:
    """Base64 or raw, folders as lists, older versions by branch or commit."""
    path = f"{R}/contents/docs/a.txt"
    first = github.api("GET", f"{R}/commits").json()[0]["sha"]
    github.push(NAME, "main", {"docs/a.txt": "changed\n", "docs/b.txt": "b"}, "Change a")
    file = github.api("GET", path).json()
    assert (base64.b64decode(file["content"]), file["encoding"]) == (b"changed\n", "base64")
    assert base64.b64decode(github.api("GET", f"{path}?ref={first}").json()["content"]) == b"text\n"
    raw = github.api("GET", path, headers={"accept": "application/vnd.github.raw+json"})
    assert raw.content == b"changed\n"
    names = [(item["name"], item["type"]) for item in github.api("GET", f"{R}/contents").json()]
    assert names == [(".github", "dir"), ("docs", "dir")]
    assert github.api("GET", f"{path}?ref=none").json()["message"] == "No commit found for the ref none"
    assert github.api("GET", f"{R}/contents/none").status_code == 404


def test_refs_can_be_completed(github: GitHubUnderTest) -> None:
    """Branches, matching refs, commits by path, and what lies between two of them."""
    github.push(NAME, "release/1", {"x.txt": "1"}, "One")
    github.push(NAME, "release/2", {"x.txt": "2"}, "Two")
    assert [one["name"] for one in github.api("GET", f"{R}/branches").json()] == [
        "main",
        "release/1",
        "release/2",
    ]
    matching = github.api("GET", f"{R}/git/matching-refs/heads/rel").json()
    assert [one["ref"] for one in matching] == ["refs/heads/release/1", "refs/heads/release/2"]
    assert github.api("GET", f"{R}/branches/release/1").json()["commit"]["commit"]["message"] == "One"
    (commit,) = github.api("GET", f"{R}/commits?sha=release/2&path=x.txt").json()
    assert commit["commit"]["message"] == "Two"
    compared = github.api("GET", f"{R}/compare/main...release/2").json()
    assert (compared["status"], compared["ahead_by"], compared["files"][0]["filename"]) == (
        "ahead",
        1,
        "x.txt",
    )
    page = github.api("GET", f"{R}/commits?sha=release/2&per_page=1")
    assert set(page.links) == {"next"}
    assert github.api("GET", f"{R}/commits/none").status_code == 422
    assert github.api("GET", f"{R}/git/ref/heads/none").status_code == 404


def test_checks_and_deployments_of_a_commit(github: GitHubUnderTest) -> None:
    """A job is a check run; to deploy an unwell commit is a conflict unless waved through."""
    github.outcome("failure", workflow="push.yml")
    pushed = github.push(NAME, "main", {"b.txt": "1"})
    github.wait_for_run(pushed["runs"][0])
    (check,) = github.api("GET", f"{R}/commits/main/check-runs").json()["check_runs"]
    assert (check["name"], check["conclusion"], check["head_sha"]) == ("one", "failure", pushed["sha"])
    refused = github.api("POST", f"{R}/deployments", {"ref": "main"})
    assert refused.status_code == 409
    made = github.api("POST", f"{R}/deployments", {"ref": "main", "required_contexts": []})
    assert made.status_code == 201
    status = github.api(
        "POST", made.json()["statuses_url"], {"state": "success", "environment_url": "http://x"}
    )
    assert (status.status_code, status.json()["state"]) == (201, "success")
    second = github.api("POST", f"{R}/deployments", {"ref": "main", "required_contexts": []}).json()
    github.api("POST", second["statuses_url"], {"state": "success"})
    states = [one["state"] for one in github.api("GET", made.json()["statuses_url"]).json()]
    assert states == ["inactive", "success"]


def test_issues_are_written_changed_and_found(github: GitHubUnderTest) -> None:
    """Create, comment, close, list by label, search by words."""
    body = {"title": "Wider window", "body": "purpose: less error", "labels": ["experiment"]}
    made = github.api("POST", f"{R}/issues", body)
    assert (made.status_code, made.json()["number"]) == (201, 1)
    github.api("POST", f"{R}/issues", {"title": "Other"})
    assert github.api("POST", f"{R}/issues", {"title": " "}).status_code == 422
    assert github.api("POST", f"{R}/issues/1/comments", {"body": "mae 12.5"}).status_code == 201
    assert [one["body"] for one in github.api("GET", f"{R}/issues/1/comments").json()] == ["mae 12.5"]
    listed = github.api("GET", f"{R}/issues?labels=experiment").json()
    assert [(one["number"], one["comments"]) for one in listed] == [(1, 1)]
    queries = {
        f'repo:{NAME} "less error"': 1,
        f"repo:{NAME} is:open label:experiment window": 1,
        f"repo:{NAME} error in:title": 0,
        f"repo:{NAME} -label:experiment": 1,
        "repo:acme/none": 0,
    }
    found = {q: github.api("GET", "/search/issues", params={"q": q}).json()["total_count"] for q in queries}
    assert found == queries
    closed = github.api("PATCH", f"{R}/issues/1", {"state": "closed"}).json()
    assert (closed["state"], closed["state_reason"], closed["title"]) == (
        "closed",
        "completed",
        "Wider window",
    )
    assert [one["number"] for one in github.api("GET", f"{R}/issues").json()] == [2]
    search = github.api("GET", "/search/issues", params={"q": "x"})
    assert (search.headers["x-ratelimit-resource"], search.headers["x-ratelimit-limit"]) == ("search", "30")


def test_versions_are_kept_apart(github: GitHubUnderTest) -> None:
    """The newer version lacks what was removed; an unknown one is refused."""
    github.api("POST", f"{R}/issues", {"title": "a"})

    def fields(version: str, path: str) -> set[str]:
        return set(github.api("GET", path, headers={"x-github-api-version": version}).json())

    assert fields(OLD, "/rate_limit") - fields(NEW, "/rate_limit") == {"rate"}
    assert fields(OLD, f"{R}/issues/1") - fields(NEW, f"{R}/issues/1") == {"assignee"}
    assert github.api("GET", R, headers={"x-github-api-version": "2001-01-01"}).status_code == 400


class Key:
    """An app's key pair."""

    def __init__(self) -> None:
        self._private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = serialization.Encoding.PEM
        public = self._private.public_key()
        self.public = public.public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo).decode()

    def token(self, **changed: Any) -> str:
        """A JWT as GitHub wants it, but for what is changed."""
        now = int(time.time())
        claims = {"iat": now - 60, "exp": now + 540, "iss": "1", **changed}
        return jwt.encode(claims, self._private, algorithm="RS256")


def test_an_app_gets_a_token_for_an_hour(start_github: START, make_repo: MAKE) -> None:
    """Its JWT is verified; the token works until it expires, and only as far as it was asked for."""
    key, now = Key(), [time.time()]
    github = start_github(
        repositories={NAME: make_repo(FILES), "acme/other": make_repo(FILES)},
        app=App(public_key=key.public),
        clock=lambda: now[0],
    )
    assert github.api("GET", "/app", token=key.token()).json()["slug"] == "toban"
    (installation,) = github.api("GET", "/app/installations", token=key.token()).json()
    assert github.api("GET", f"{R}/installation", token=key.token()).json()["id"] == installation["id"]
    path = installation["access_tokens_url"]
    made = github.api("POST", path, token=key.token())
    assert made.status_code == 201
    token = made.json()["token"]
    body = {"ref": "main", "inputs": {"what": "it"}}
    assert dispatch(github, body, token=token).status_code == 204
    assert (
        github.api("GET", f"{R}/actions/runs", token=token).json()["workflow_runs"][0]["actor"]["login"]
        == "toban[bot]"
    )
    assert github.api("GET", "/installation/repositories", token=token).json()["total_count"] == 2
    assert github.api("GET", "/user", token=token).status_code == 403
    asked = {"repositories": ["other"], "permissions": {"actions": "read"}}
    small = github.api("POST", path, asked, token=key.token()).json()["token"]
    assert github.api("GET", R, token=small).status_code == 404
    assert github.api("GET", "/repos/acme/other/actions/runs", token=small).status_code == 200
    assert (
        github.api("POST", path, {"permissions": {"members": "read"}}, token=key.token()).status_code == 422
    )
    now[0] += 3_601
    assert github.api("GET", R, token=token).status_code == 401


@pytest.mark.parametrize(
    ("changed", "status", "message"),
    [
        ({"exp": 1}, 401, "'Expiration time' claim ('exp') must be"),
        ({"exp": 4_000_000_000}, 401, "too far in the future"),
        ({"iat": 4_000_000_000}, 401, "'Issued at' claim"),
        ({"iss": "2"}, 404, "Integration not found"),
    ],
)
def test_a_bad_jwt_is_refused(
    start_github: START, make_repo: MAKE, changed: dict[str, Any], status: int, message: str
) -> None:
    """Times, issuer and signature must be right, and a JWT opens no repository."""
    key = Key()
    github = start_github(repositories={NAME: make_repo(FILES)}, app=App(public_key=key.public))
    refused = github.api("GET", "/app", token=key.token(**changed))
    assert (refused.status_code, message in refused.json()["message"]) == (status, True)
    assert github.api("GET", "/app", token=Key().token()).status_code == 401
    assert github.api("GET", R, token=key.token()).status_code == 401
    assert github.api("GET", "/app").status_code == 401


def test_a_job_has_a_token_of_its_own(start_github: START, make_repo: MAKE, tmp_path: Path) -> None:
    """GITHUB_TOKEN asks this GitHub as far as the file's permissions go, and ends with the job."""
    text = """
on: workflow_dispatch
permissions: {actions: read}
jobs:
  one:
    runs-on: x
    steps:
      - env: {GH_TOKEN: "${{ github.token }}"}
        shell: python
        run: |
          import os, urllib.request, urllib.error
          def status(path, data=None):
              request = urllib.request.Request(os.environ["GITHUB_API_URL"] + path, data)
              request.add_header("Authorization", "Bearer " + os.environ["GH_TOKEN"])
              try:
                  return urllib.request.urlopen(request).status
              except urllib.error.HTTPError as error:
                  return error.code
          repo = "/repos/" + os.environ["GITHUB_REPOSITORY"]
          assert status(repo + "/actions/runs") == 200
          assert status(repo + "/issues", b'{"title": "x"}') == 403
          open(os.environ["KEPT"], "w").write(os.environ["GH_TOKEN"])
"""
    kept = tmp_path / "token"
    repository = make_repo({".github/workflows/w.yml": text})
    github = start_github(repositories={NAME: repository}, environ={"KEPT": str(kept)})
    run = github.dispatch(NAME, "w.yml")
    github.wait_for_run(run)
    assert github.api("GET", f"{R}/actions/runs/{run}").json()["conclusion"] == "success"
    assert github.api("GET", R, token=kept.read_text(encoding="utf-8")).status_code == 401


def test_tokens_of_the_settings_have_their_owner(start_github: START, make_repo: MAKE) -> None:
    """The actor of a run is who dispatched it."""
    tokens = (Token(login="operator", token="ghp_" + "operator"),)
    github = start_github(repositories={NAME: make_repo(FILES)}, tokens=tokens)
    run = github.dispatch(NAME, "work.yml", what="it")
    assert github.api("GET", f"{R}/actions/runs/{run}").json()["actor"]["login"] == "operator"
    assert github.api("GET", "/user").json()["login"] == "operator"

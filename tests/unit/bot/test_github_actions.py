"""The connector to GitHub Actions: it starts once, asks little, says what was refused and how runs end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr

from bot.connectors.connector import Connector, JobRequest, Rerunner, RunHandle
from bot.connectors.github_actions import GitHubActionsConnector
from bot.connectors.github_client import GitHubClient
from bot.connectors.github_ends import MOST_ARTIFACT_BYTES, MOST_NOTICE
from bot.errors import GitHubUnreachable, RateLimited, Refused
from bot.settings import GitHubAppSettings, GitHubSettings
from tests.stand_ins.github import REPOSITORY, TOKEN, GitHub

KEY = "c-0123456789abcdef0123"


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def github() -> Iterator[GitHub]:
    """A GitHub by script."""
    made = GitHub()
    yield made
    made.stop()


@pytest.fixture
def clock() -> Clock:
    """The connector's clock."""
    return Clock()


@pytest.fixture
def connector(github: GitHub, clock: Clock) -> GitHubActionsConnector:
    """A connector to it, by token."""
    settings = GitHubSettings(api_url=github.url, token=SecretStr(TOKEN), read_seconds=60)
    return GitHubActionsConnector(GitHubClient(settings, clock))


def job(file: str = "retrain.yml", **more: Any) -> JobRequest:
    """Return a request to start a workflow."""
    fields: dict[str, Any] = {"target": f"{REPOSITORY}/{file}", "who": "U1", "where": "C1", **more}
    return JobRequest(**fields)


def handle(run: dict[str, Any]) -> RunHandle:
    """Return the handle of a run."""
    return RunHandle(connector="github_actions", id=str(run["id"]), scope=REPOSITORY)


def test_it_is_a_connector(connector: GitHubActionsConnector) -> None:
    """It offers what every connector does, and reruns."""
    known: Connector = connector
    assert isinstance(known, Rerunner)


# --- start --------------------------------------------------------------------------------------------------


def test_start_sends_text_and_the_bots_id(github: GitHub, connector: GitHubActionsConnector) -> None:
    """Values go as GitHub takes them; the run's id comes with the answer; the default branch is meant."""
    values = {"kind": "full", "dry": True, "months": 3.5}
    started = connector.start(job(values=values), key=KEY)
    assert started.id == str(github.runs[0]["id"])
    assert github.runs[0]["inputs"] == {"kind": "full", "dry": "true", "months": "3.5", "toban_id": KEY}
    assert github.runs[0]["head_branch"] == "main"


@pytest.mark.parametrize("file", ["retrain.yml", "plain.yml"])
def test_start_whose_answer_was_lost_is_one_run(
    github: GitHub, connector: GitHubActionsConnector, clock: Clock, file: str
) -> None:
    """After a cut the run is found again, by the bot's id or by its workflow, branch and time."""
    began = clock.at
    github.lose = {"/dispatches"}
    with pytest.raises(GitHubUnreachable):
        connector.start(job(file), key=KEY)
    github.lose = set()
    found = connector.start(job(file, began_at=began), key=KEY)
    assert found.id == str(github.runs[0]["id"])
    assert len(github.runs) == 1


def test_run_of_before_is_not_the_one_that_was_begun(
    github: GitHub, connector: GitHubActionsConnector, clock: Clock
) -> None:
    """An older run of the same workflow and branch is not taken for it, also where a server lists that."""
    github.add_run()["created_at"] = "2026-01-01T00:00:00Z"
    github.lists_all = True
    with pytest.raises(GitHubUnreachable, match="not say yet"):
        connector.start(job("plain.yml", began_at=clock.at), key=KEY)


def test_start_that_never_arrived_is_sent_again_when_that_is_sure(
    github: GitHub, connector: GitHubActionsConnector, clock: Clock
) -> None:
    """GitHub shows a run only after a while: until then nothing is started a second time."""
    began = clock.at
    with pytest.raises(GitHubUnreachable, match="not say yet"):
        connector.start(job(began_at=began), key=KEY)
    assert github.runs == []
    clock.at += timedelta(seconds=61)
    connector.start(job(began_at=began), key=KEY)
    assert len(github.runs) == 1


def test_one_of_several_runs_is_not_guessed(
    github: GitHub, connector: GitHubActionsConnector, clock: Clock
) -> None:
    """Where an unmarked run may be one of two, nothing is started and people are asked to look."""
    for _ in range(2):
        github.add_run()
    with pytest.raises(Refused) as said:
        connector.start(job("plain.yml", began_at=clock.at), key=KEY)
    assert said.value.problem.reason_code == "start_uncertain"


def test_runs_of_others_are_left_out(github: GitHub, connector: GitHubActionsConnector, clock: Clock) -> None:
    """Of several unmarked runs the one is taken that no other command has; of those alone none is."""
    mine, other = (str(github.add_run()["id"]) for _ in range(2))
    asked = job("plain.yml", began_at=clock.at, taken=(other,))
    assert connector.start(asked, key=KEY).id == mine
    with pytest.raises(Refused, match="start_uncertain"):
        connector.start(asked.model_copy(update={"taken": (mine, other)}), key=KEY)


def test_server_that_gives_no_id(github: GitHub, connector: GitHubActionsConnector, clock: Clock) -> None:
    """An older server answers 204: the run is found by the bot's id at the next attempt, and is one."""
    github.gives_ids = False
    began = clock.at
    with pytest.raises(GitHubUnreachable, match="which run"):
        connector.start(job(), key=KEY)
    assert connector.start(job(began_at=began), key=KEY).id == str(github.runs[0]["id"])
    assert len(github.runs) == 1


def test_server_that_knows_no_run_details(
    github: GitHub, connector: GitHubActionsConnector, clock: Clock
) -> None:
    """An older server refuses the wish for the run's id: the start goes without it, and so do the next."""
    github.gives_ids = github.knows_details = False
    for starts, refused in ((1, 1), (2, 1)):
        with pytest.raises(GitHubUnreachable, match="which run"):
            connector.start(job(), key=f"{KEY}-{starts}")
        assert len(github.runs) == starts
        posts = [status for method, path, status in github.asked if path.endswith("/dispatches")]
        assert (posts.count(422), posts.count(204)) == (refused, starts)


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (422, 'Unexpected inputs provided: ["x"]', "unexpected_inputs"),
        (422, "Required input 'kind' not provided", "invalid_inputs"),
        (422, "Provided value 'x' for input 'kind' not in the list of allowed values", "invalid_inputs"),
        (422, "No ref found for: nope", "unknown_ref"),
        (422, "Workflow does not have 'workflow_dispatch' trigger", "workflow_not_startable"),
        (422, "Cannot trigger a 'workflow_dispatch' on a disabled workflow", "workflow_disabled"),
        (403, "Repository was archived so is read-only.", "repository_archived"),
        (403, "Resource not accessible by personal access token", "github_forbidden"),
        (401, "Bad credentials", "github_rejected_token"),
        (422, "Something new", "github_refused"),
    ],
)
def test_each_refusal_of_a_start_has_its_code(
    github: GitHub, connector: GitHubActionsConnector, status: int, message: str, code: str
) -> None:
    """What GitHub says no to is told by a code of ours, with GitHub's own sentence."""
    github.refusals = [("/dispatches", (status, {"message": message}, {}))]
    with pytest.raises(Refused) as said:
        connector.start(job(), key=KEY)
    assert said.value.problem.reason_code == code
    assert status == 401 or message in said.value.problem.detail
    assert github.runs == []


@pytest.mark.parametrize(
    ("target", "hidden", "code"),
    [
        ("acme/other/retrain.yml", False, "unknown_repository"),
        (f"{REPOSITORY}/nope.yml", False, "unknown_workflow"),
        (f"{REPOSITORY}/retrain.yml", True, "github_forbidden"),
    ],
)
def test_what_hides_behind_404_is_told_apart(
    github: GitHub, connector: GitHubActionsConnector, target: str, hidden: bool, code: str
) -> None:
    """No repository, no workflow, or no right: told by what GitHub does show."""
    if hidden:
        github.refusals = [("/dispatches", (404, {"message": "Not Found"}, {}))]
    with pytest.raises(Refused) as said:
        connector.start(job(target=target, ref="main"), key=KEY)
    assert said.value.problem.reason_code == code


def test_branch_that_is_gone_is_told_with_the_nearest(
    github: GitHub, connector: GitHubActionsConnector
) -> None:
    """A branch that was deleted meanwhile is refused with the names that are like it."""
    with pytest.raises(Refused) as said:
        connector.start(job(ref="mian"), key=KEY)
    assert (said.value.problem.reason_code, said.value.problem.suggestions) == ("unknown_ref", ("main",))


def test_more_inputs_than_github_takes(github: GitHub, connector: GitHubActionsConnector) -> None:
    """26 inputs are refused here."""
    with pytest.raises(Refused) as said:
        connector.start(job("plain.yml", values={f"i{n}": n for n in range(26)}), key=KEY)
    assert said.value.problem.reason_code == "too_many_inputs"
    assert github.count("POST", "dispatches") == 0


def test_two_readers_of_one_address(connector: GitHubActionsConnector) -> None:
    """An unchanged answer is what this reader made of it before, and not what another one did."""
    path = f"/repos/{REPOSITORY}"
    for _ in range(2):
        assert connector.client.get(path, lambda body: None) is None
        assert connector.catalogue.repository(REPOSITORY).default_branch == "main"
    assert connector.client.unchanged == 2


# --- limits, identity, moves --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        ((403, {"message": "secondary rate limit"}, {"retry-after": "90"}), 90),
        ((429, {"message": "slow down"}, {}), 60),
        ((403, {"message": "You have exceeded a secondary rate limit."}, {}), 60),
        ((403, {"message": "You have triggered an abuse detection mechanism."}, {}), 60),
        ((403, {"message": "API rate limit exceeded"}, {"x-ratelimit-remaining": "0"}), 600),
        ((429, {"message": "slow down"}, {"retry-after": "99999999"}), 7200),
        ((429, {"message": "slow down"}, {"retry-after": "9" * 20}), 60),
    ],
)
def test_limits_are_kept(
    github: GitHub, connector: GitHubActionsConnector, clock: Clock, answer: Any, seconds: int
) -> None:
    """Once GitHub asks for it, nothing is sent until the moment that it named."""
    clock.at = clock.at.replace(microsecond=0)
    if "x-ratelimit-remaining" in answer[2]:
        answer[2]["x-ratelimit-reset"] = str(int((clock.at + timedelta(seconds=600)).timestamp()))
    github.refusals = [(REPOSITORY, answer)]
    with pytest.raises(RateLimited) as said:
        connector.catalogue.repository(REPOSITORY)
    assert said.value.until == clock.at + timedelta(seconds=seconds)
    with pytest.raises(RateLimited):
        connector.catalogue.repository(REPOSITORY)
    assert len(github.asked) == 1
    clock.at += timedelta(seconds=seconds)
    assert connector.catalogue.repository(REPOSITORY).default_branch == "main"


def test_renamed_repository_is_followed(github: GitHub, connector: GitHubActionsConnector) -> None:
    """A repository that moved answers under its new name."""
    github.name = "acme/journeys"
    assert connector.catalogue.repository(REPOSITORY).full_name == "acme/journeys"


def test_renamed_repository_gives_its_files(github: GitHub, connector: GitHubActionsConnector) -> None:
    """Log and report of a run are found where its repository has moved, also where only a path is told."""
    run = github.add_run()
    github.set_job(run, ("fit", "completed", "failure"))
    github.logs[run["id"] * 10] = "2026-11-01T12:00:00.0000000Z ##[error]no rows\n"
    github.add_report(run, b'{"version": "v3"}')
    github.end(run, "failure")
    github.name = "acme/journeys"
    for location in ("{url}{path}", "{path}"):
        github.moved_to = location
        result = connector.result(handle(run))
        assert result.reason is not None
        assert result.report is not None
        assert (result.reason.detail, result.report.version) == ("train › fit: no rows", "v3")


def test_redirect_elsewhere_is_not_followed(github: GitHub, connector: GitHubActionsConnector) -> None:
    """The token goes to no other address, whatever an answer says."""
    github.refusals = [(REPOSITORY, (301, {}, {"location": "http://127.0.0.1:9/repos/x"}))]
    with pytest.raises(GitHubUnreachable, match="another address"):
        connector.catalogue.repository(REPOSITORY)


def app_settings(github: GitHub, key: str) -> GitHubSettings:
    """Return the settings of a GitHub App."""
    app = GitHubAppSettings(app_id="12", private_key=SecretStr(key), installation_id="34")
    return GitHubSettings(api_url=github.url, app=app)


def test_app_signs_in_and_renews_in_time(github: GitHub, clock: Clock) -> None:
    """A GitHub App signs with its key, uses a token for most of its hour, and fetches the next in time."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    connector = GitHubActionsConnector(GitHubClient(app_settings(github, pem), clock))
    connector.catalogue.repository(REPOSITORY)
    connector.catalogue.branches(REPOSITORY)
    assert len(github.app_tokens) == 1
    claims = jwt.decode(github.app_tokens[0], private.public_key(), algorithms=["RS256"])
    assert claims["iss"] == "12"
    assert claims["exp"] - claims["iat"] == 600
    assert github.asked[0][1] == "/app/installations/34/access_tokens"
    clock.at += timedelta(minutes=56)
    connector.catalogue.repository(REPOSITORY)
    assert len(github.app_tokens) == 2
    github.token = "revoked-" + "early"
    connector.catalogue.repository(REPOSITORY)
    assert len(github.app_tokens) == 3


def test_app_with_a_key_that_is_none(github: GitHub, clock: Clock) -> None:
    """A broken private key is told as that."""
    connector = GitHubActionsConnector(GitHubClient(app_settings(github, "no key"), clock))
    with pytest.raises(Refused) as said:
        connector.catalogue.repository(REPOSITORY)
    assert said.value.problem.reason_code == "github_rejected_token"
    assert "no key" not in str(said.value)


# --- watch --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("watched", "requests"), [(1, 1), (100, 1), (1000, 10)])
def test_unchanged_runs_cost_nothing_of_the_limit(
    github: GitHub, connector: GitHubActionsConnector, watched: int, requests: int
) -> None:
    """A hundred watched runs are seen by one list request; while unchanged, GitHub counts none."""
    handles = [handle(github.add_run(state="queued")) for _ in range(watched)]
    assert len(connector.status(handles)) == watched
    github.asked.clear()
    assert len(connector.status(handles)) == watched
    assert [status for _, _, status in github.asked] == [304] * requests


def test_jobs_are_asked_for_runs_that_moved(github: GitHub, connector: GitHubActionsConnector) -> None:
    """Three runs of which one moved take one list, and one request for its jobs."""
    runs = [github.add_run() for _ in range(3)]
    handles = [handle(run) for run in runs]
    connector.status(handles)
    github.set_job(runs[0], ("load", "completed", "success"), ("fit", "in_progress", None))
    github.asked.clear()
    seen = connector.status(handles)[str(runs[0]["id"])]
    assert [(step.name, step.state) for step in seen.jobs[0].steps] == [
        ("load", "succeeded"),
        ("fit", "running"),
    ]
    assert len(github.asked) == 2
    github.asked.clear()
    assert connector.status(handles)[str(runs[0]["id"])] == seen
    assert len(github.asked) == 1


def test_many_runs_that_moved_have_their_turns(github: GitHub, connector: GitHubActionsConnector) -> None:
    """However many runs moved at once, one look asks for the jobs of ten, and the next for others."""
    handles = [handle(github.add_run()) for _ in range(25)]
    for expected in (10, 10, 5, 0):
        github.asked.clear()
        connector.status(handles)
        assert github.count("GET", "/jobs") == expected


@pytest.mark.parametrize(
    ("status", "conclusion", "state"),
    [
        ("requested", None, "queued"),
        ("waiting", None, "waiting"),
        ("in_progress", None, "running"),
        ("something_new", None, "running"),
        ("completed", "success", "succeeded"),
        ("completed", "skipped", "succeeded"),
        ("completed", "cancelled", "cancelled"),
        ("completed", "timed_out", "failed"),
        ("completed", "something_new", "failed"),
    ],
)
def test_states(
    github: GitHub, connector: GitHubActionsConnector, status: str, conclusion: str | None, state: str
) -> None:
    """GitHub's states and conclusions are ours, also those that do not exist yet."""
    run = github.add_run()
    github.change(run, status=status, conclusion=conclusion)
    assert connector.status([handle(run)])[str(run["id"])].state == state


def test_run_that_is_not_shown_yet_is_not_deleted(
    github: GitHub, connector: GitHubActionsConnector, clock: Clock
) -> None:
    """A run that GitHub does not show is left out for a minute, and then was deleted."""
    gone = RunHandle(connector="github_actions", id="77", scope=REPOSITORY)
    assert connector.status([gone]) == {}
    clock.at += timedelta(seconds=59)
    assert connector.status([gone]) == {}
    clock.at += timedelta(seconds=1)
    assert connector.status([gone])["77"].state == "failed"
    result = connector.result(gone)
    assert result.reason is not None
    assert result.reason.code == "run_deleted"


def test_lists_are_read_to_their_last_page(github: GitHub, connector: GitHubActionsConnector) -> None:
    """The next page is where the answer says it is, also where nothing has changed."""
    github.most_entries = 1
    for _ in range(2):
        assert {one.file for one in connector.catalogue.workflows(REPOSITORY)} == set(github.files)
        assert connector.catalogue.refs(REPOSITORY) == ("main", "next", "v1.0")
    assert connector.client.unchanged == len(github.files) + 3
    run = github.add_run()
    github.set_job(run, ("load", "completed", "success"))
    first = github.jobs[run["id"]]
    github.set_job(run, ("fit", "completed", "failure"), name="the last of a matrix")
    github.jobs[run["id"]] = first + github.jobs[run["id"]]
    github.add_report(run, b"{}", name="something-else")
    github.add_report(run, b'{"version": "v3"}')
    github.end(run, "failure")
    result = connector.result(handle(run))
    assert result.reason is not None
    assert result.reason.detail == "the last of a matrix › fit."
    assert result.report is not None
    assert result.report.version == "v3"


def test_next_page_elsewhere_is_not_asked(github: GitHub, connector: GitHubActionsConnector) -> None:
    """The token goes to no other address, whatever a header says."""
    link = {"link": '<http://127.0.0.1:9/repos/x?page=2>; rel="next"'}
    github.refusals = [("/branches", (200, [{"name": "main"}], link))]
    assert connector.catalogue.branches(REPOSITORY) == ("main",)


# --- the end ------------------------------------------------------------------------------------------------


def test_failure_names_step_and_first_error_line(github: GitHub, connector: GitHubActionsConnector) -> None:
    """Of all that a log says, the first error of the failing step is told."""
    run = github.add_run()
    github.set_job(run, ("load", "completed", "success"), ("fit", "completed", "failure"))
    github.logs[run["id"] * 10] = (
        "2026-11-01T12:00:03.0000000Z ##[error]of another step\n"
        "2026-11-01T12:00:11.0000000Z ##[group]Run python train.py\n"
        "2026-11-01T12:00:12.0000000Z \x1b[31mValueError: no rows for 2013-13\x1b[0m\n"
        "2026-11-01T12:00:12.0000000Z bye\n"
        "2026-11-01T12:00:13.0000000Z ##[error]Process completed with exit code 1.\n"
    )
    github.end(run, "failure")
    result = connector.result(handle(run))
    assert result.reason is not None
    assert result.reason.detail == "train › fit: ValueError: no rows for 2013-13"
    assert result.offers == ("rerun", "rerun_failed")


def test_failure_without_a_log_still_names_its_step(
    github: GitHub, connector: GitHubActionsConnector
) -> None:
    """Logs expire; the step is known anyway."""
    run = github.add_run()
    github.set_job(run, ("fit", "completed", "failure"))
    github.end(run, "failure")
    reason = connector.result(handle(run)).reason
    assert reason is not None
    assert reason.detail == "train › fit."


def test_report_of_a_run(github: GitHub, connector: GitHubActionsConnector) -> None:
    """The file in the artifact is read into the run's report."""
    run = github.add_run()
    github.add_report(run, b"{}", name="something-else")
    github.add_report(run, json.dumps({"metrics": {"mae": 14.9}, "version": "v3"}).encode())
    github.end(run)
    report = connector.result(handle(run)).report
    assert report is not None
    assert (report.metrics[0].value, report.version) == (14.9, "v3")


def test_report_by_a_notice(github: GitHub, connector: GitHubActionsConnector) -> None:
    """Without an artifact, a notice of that title is the report; other annotations are not."""
    run = github.add_run()
    github.set_job(run, ("fit", "completed", "success"))
    github.notice(run, '{"version": "v1"}', level="warning")
    github.notice(run, '{"version": "v2"}', title="something else")
    github.notice(run, json.dumps({"metrics": {"mae": 14.9}, "version": "v3"}))
    github.end(run)
    report = connector.result(handle(run)).report
    assert report is not None
    assert (report.metrics[0].value, report.version) == (14.9, "v3")
    github.add_report(run, b'{"version": "v4"}')
    by_artifact = connector.result(handle(run)).report
    assert by_artifact is not None
    assert by_artifact.version == "v4"


def test_notice_that_the_runner_cut(github: GitHub, connector: GitHubActionsConnector) -> None:
    """A message of the greatest length is not whole, and said to be cut."""
    run = github.add_run()
    github.set_job(run, ("fit", "completed", "success"))
    github.notice(run, ('{"note": "' + "x" * MOST_NOTICE)[:MOST_NOTICE])
    github.end(run)
    report = connector.result(handle(run)).report
    assert report is not None
    assert "cut after 4,096 characters" in report.problems[0]


def test_token_that_may_not_see_checks(github: GitHub, connector: GitHubActionsConnector) -> None:
    """Then a run without an artifact has no report, and nothing is said of it."""
    run = github.add_run()
    github.set_job(run, ("fit", "completed", "success"))
    github.end(run)
    github.refusals = [("/check-runs/", (403, {"message": "Resource not accessible"}, {}))]
    assert connector.result(handle(run)).report is None


@pytest.mark.parametrize(
    ("about", "said"),
    [({"size_in_bytes": MOST_ARTIFACT_BYTES + 1}, "larger than"), ({"expired": True}, "expired")],
)
def test_artifact_that_is_not_fetched(
    github: GitHub, connector: GitHubActionsConnector, about: dict[str, Any], said: str
) -> None:
    """One that is too large or gone is said, and not downloaded."""
    run = github.add_run()
    github.add_report(run, b"{}", **about)
    github.end(run)
    report = connector.result(handle(run)).report
    assert report is not None
    assert said in report.problems[0]
    assert github.count("GET", "/zip") == 0


def test_artifact_that_lies_about_its_size(github: GitHub, connector: GitHubActionsConnector) -> None:
    """The limit holds for what really comes."""
    run = github.add_run()
    github.add_artifact(run, b"x" * (MOST_ARTIFACT_BYTES + 1), size_in_bytes=3)
    github.end(run)
    report = connector.result(handle(run)).report
    assert report is not None
    assert "larger than" in report.problems[0]


# --- stop and run again -------------------------------------------------------------------------------------


def test_cancel_twice_is_harmless(github: GitHub, connector: GitHubActionsConnector) -> None:
    """A run that has ended is left alone."""
    run = github.add_run()
    connector.cancel(handle(run))
    connector.cancel(handle(run))
    assert run["conclusion"] == "cancelled"


@pytest.mark.parametrize("failed_only", [True, False])
def test_rerun_keeps_the_handle_and_happens_once(
    github: GitHub, connector: GitHubActionsConnector, failed_only: bool
) -> None:
    """Asked twice for the same attempt, a run runs again once."""
    run = github.add_run()
    github.end(run, "failure")
    for _ in range(2):
        connector.rerun(handle(run), failed_only=failed_only, attempt=1)
    assert run["run_attempt"] == 2
    assert github.count("POST", "rerun-failed-jobs$" if failed_only else "rerun$") == 1


def test_rerun_that_github_refuses(github: GitHub, connector: GitHubActionsConnector) -> None:
    """GitHub's own sentence is told."""
    run = github.add_run()
    github.end(run, "failure")
    github.refusals = [("/rerun", (403, {"message": "Unable to retry this workflow run"}, {}))]
    with pytest.raises(Refused, match="Unable to retry"):
        connector.rerun(handle(run), failed_only=False, attempt=1)


@pytest.mark.parametrize(
    ("conclusion", "code"),
    [("timed_out", "run_timed_out"), ("startup_failure", "workflow_broken"), ("stale", "run_stale")],
)
def test_end_that_no_step_explains(
    github: GitHub, connector: GitHubActionsConnector, conclusion: str, code: str
) -> None:
    """A run that took too long, or could not begin, says so by a code of ours."""
    run = github.add_run()
    github.end(run, conclusion)
    reason = connector.result(handle(run)).reason
    assert reason is not None
    assert reason.code == code


@pytest.mark.parametrize(
    "text",
    [
        "on: [workflow_dispatch\n",
        "on:\n  workflow_dispatch:\n    inputs:\n" + "".join(f"      i{n}: {{}}\n" for n in range(26)),
    ],
)
def test_workflow_file_that_cannot_be_used(
    github: GitHub, connector: GitHubActionsConnector, text: str
) -> None:
    """A file that is no YAML, or declares more inputs than GitHub takes, is refused by its name."""
    github.files["retrain.yml"] = text
    with pytest.raises(Refused) as said:
        connector.catalogue.workflow_file(REPOSITORY, "retrain.yml", "main")
    assert said.value.problem.reason_code == "workflow_broken"
    assert "retrain.yml" in said.value.problem.detail

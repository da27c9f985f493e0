"""Runs of the loopback GitHub really execute their steps; seen through the REST API as a client sees them."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from playground.control_client import PlaygroundError
from playground.github.settings import Environment, Repository
from playground.github.under_test import GitHubUnderTest
from tests.contracts.processes import has_ended

pytest_plugins = ["playground.github.fixtures"]

START = Callable[..., GitHubUnderTest]
MAKE = Callable[..., Repository]
NAME = "acme/models"
R = f"/repos/{NAME}"

RETRAIN = """
name: Retrain
run-name: retrain ${{ inputs.model }} [${{ inputs.correlation_id }}]
on:
  workflow_dispatch:
    inputs:
      model: {required: true}
      rows: {type: number, default: 3}
      correlation_id: {default: none}
env:
  WHERE: ${{ github.repository }}
jobs:
  train:
    name: Train ${{ inputs.model }}
    runs-on: ubuntu-latest
    outputs:
      mae: ${{ steps.fit.outputs.mae }}
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with: {python-version: "3.9"}
      - id: fit
        name: Fit
        env: {KEY: "${{ secrets.KEY }}"}
        run: |
          cat data.txt
          echo "key=$KEY where=$WHERE rows=${{ inputs.rows }}"
          python -c 'print("python runs")'
          mkdir out && echo '{"mae": 12.5}' > out/toban-report.json
          echo "mae=12.5" >> "$GITHUB_OUTPUT"
          echo "SEEN=yes" >> "$GITHUB_ENV"
      - run: test "$SEEN" = yes
      - uses: someone/else@v1
      - uses: actions/upload-artifact@v4
        with: {name: toban-report, path: out/}
  report:
    needs: train
    runs-on: ubuntu-latest
    steps:
      - run: test "${{ needs.train.outputs.mae }}" = 12.5
"""


def one_step(run: str = "true", **extra: str) -> str:
    """A workflow with one job of one step."""
    above = "".join(f"{name}: {value}\n" for name, value in extra.items())
    step = f"      - name: Step\n        run: {run}\n"
    return f"on: [push, workflow_dispatch]\n{above}jobs:\n  one:\n    runs-on: x\n    steps:\n{step}"


def begin(start: START, make: MAKE, files: dict[str, str], **settings: Any) -> GitHubUnderTest:
    """Start a GitHub with one repository."""
    workflows = {f".github/workflows/{name}": text for name, text in files.items() if name.endswith(".yml")}
    rest = {name: text for name, text in files.items() if not name.endswith(".yml")}
    fields = settings.pop("repository", {})
    return start(repositories={NAME: make({**workflows, **rest}, **fields)}, **settings)


def run_of(github: GitHubUnderTest, run: int) -> dict[str, Any]:
    """The run as the API shows it."""
    body: dict[str, Any] = github.api("GET", f"{R}/actions/runs/{run}").json()
    return body


def jobs_of(github: GitHubUnderTest, run: int, query: str = "") -> dict[str, dict[str, Any]]:
    """The run's jobs by their names."""
    return {
        job["name"]: job for job in github.api("GET", f"{R}/actions/runs/{run}/jobs{query}").json()["jobs"]
    }


def steps_of(job: dict[str, Any]) -> dict[str, str]:
    """A job's own steps with their conclusions."""
    return {step["name"]: step["conclusion"] for step in job["steps"][1:-1]}


def log_of(github: GitHubUnderTest, job: dict[str, Any]) -> str:
    """A job's log."""
    reply = github.api("GET", f"{R}/actions/jobs/{job['id']}/logs")
    assert reply.status_code == 200
    return reply.text


def test_a_dispatched_workflow_really_runs(start_github: START, make_repo: MAKE) -> None:
    """Checkout, Python, secrets, outputs, environment files and artifacts work; the name is evaluated."""
    github = begin(
        start_github,
        make_repo,
        {"retrain.yml": RETRAIN, "data.txt": "the data\n"},
        repository={"secrets": {"KEY": "sesame"}},
    )
    run = github.dispatch(NAME, "retrain.yml", model="arrival", correlation_id="c-1")
    github.wait_for_run(run)
    shown = run_of(github, run)
    assert (shown["status"], shown["conclusion"], shown["event"]) == (
        "completed",
        "success",
        "workflow_dispatch",
    )
    assert shown["display_title"] == "retrain arrival [c-1]"
    jobs = jobs_of(github, run)
    assert {name: job["conclusion"] for name, job in jobs.items()} == {
        "Train arrival": "success",
        "report": "success",
    }
    train = jobs["Train arrival"]
    assert steps_of(train)["Run someone/else@v1"] == "skipped"
    log = log_of(github, train)
    for text in (
        "the data",
        "key=*** where=acme/models rows=3",
        "python runs",
        "does not run someone/else@v1",
    ):
        assert text in log
    assert "sesame" not in log
    (artifact,) = github.api("GET", f"{R}/actions/runs/{run}/artifacts").json()["artifacts"]
    packed = github.api("GET", artifact["archive_download_url"]).content
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.read("toban-report.json") == b'{"mae": 12.5}\n'
    with zipfile.ZipFile(io.BytesIO(github.api("GET", f"{R}/actions/runs/{run}/logs").content)) as archive:
        assert "0_Train arrival.txt" in archive.namelist()
        assert b"python runs" in archive.read("Train arrival/4_Fit.txt")


def test_steps_see_nothing_of_this_machines_environment(
    start_github: START, make_repo: MAKE, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable of the loopback's own process is not there for steps; one of the settings is."""
    monkeypatch.setenv("TOBAN_PRIVATE", "mine")
    run = 'test -z "$TOBAN_PRIVATE" && test "$OPEN" = yes && test "$CI" = true && test "$HOME" != ~root'
    github = begin(start_github, make_repo, {"w.yml": one_step(f"'{run}'")}, environ={"OPEN": "yes"})
    started = github.dispatch(NAME, "w.yml")
    github.wait_for_run(started)
    assert run_of(github, started)["conclusion"] == "success"


def test_a_checkout_has_the_links_of_the_settings(
    start_github: START, make_repo: MAKE, tmp_path: Path
) -> None:
    """What takes long to make is found where a step looks for it, and survives the job."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "say").write_text("#!/bin/sh\necho made elsewhere\n")
    (tmp_path / "tools" / "say").chmod(0o755)
    text = """
on: workflow_dispatch
jobs:
  one:
    runs-on: x
    steps: [{uses: actions/checkout@v4}, {run: tools/say}]
"""
    github = begin(start_github, make_repo, {"w.yml": text}, links={"tools": tmp_path / "tools"})
    run = github.dispatch(NAME, "w.yml")
    github.wait_for_run(run)
    assert "Z made elsewhere" in log_of(github, jobs_of(github, run)["one"])
    assert (tmp_path / "tools" / "say").exists()


FAILING = """
on: workflow_dispatch
jobs:
  one:
    runs-on: x
    steps:
      - {name: Breaks, run: "echo before; echo '::error::no rows'; exit 3"}
      - {name: Not reached, run: "true"}
      - {name: On failure, if: failure(), run: "true"}
      - {name: Always, if: always(), run: "true"}
  forgiven:
    runs-on: x
    steps:
      - {name: Breaks, id: b, continue-on-error: true, run: "exit 1"}
      - {name: Knows, run: "test ${{ steps.b.outcome }}-${{ steps.b.conclusion }} = failure-success"}
  after:
    needs: one
    runs-on: x
    steps: [{run: "true"}]
  cleanup:
    needs: [one, forgiven]
    if: always() && needs.one.result == 'failure'
    runs-on: x
    steps: [{run: "true"}]
"""


def test_a_failure_is_told_step_by_step(start_github: START, make_repo: MAKE) -> None:
    """Later steps and jobs are skipped unless they ask for failures; log and check name the error."""
    github = begin(start_github, make_repo, {"w.yml": FAILING})
    run = github.dispatch(NAME, "w.yml")
    github.wait_for_run(run)
    jobs = jobs_of(github, run)
    conclusions = {name: job["conclusion"] for name, job in jobs.items()}
    assert conclusions == {"one": "failure", "forgiven": "success", "after": "skipped", "cleanup": "success"}
    assert steps_of(jobs["one"]) == {
        "Breaks": "failure",
        "Not reached": "skipped",
        "On failure": "success",
        "Always": "success",
    }
    assert run_of(github, run)["conclusion"] == "failure"
    log = log_of(github, jobs["one"])
    assert "##[error]no rows" in log
    assert "##[error]Process completed with exit code 3." in log
    notes = github.api("GET", f"{R}/check-runs/{jobs['one']['id']}/annotations").json()
    assert [note["message"] for note in notes] == ["no rows", "Process completed with exit code 3."]


def test_failed_jobs_are_run_again_as_the_next_attempt(start_github: START, make_repo: MAKE) -> None:
    """The run keeps its number; good jobs keep their results and outputs; old attempts can be asked for."""
    text = """
on: workflow_dispatch
jobs:
  good:
    runs-on: x
    outputs: {word: "${{ steps.say.outputs.word }}"}
    steps: [{id: say, run: "echo word=kept >> $GITHUB_OUTPUT"}]
  shaky:
    needs: good
    runs-on: x
    steps: [{name: Try, run: "test ${{ needs.good.outputs.word }}$GITHUB_RUN_ATTEMPT = kept2"}]
"""
    github = begin(start_github, make_repo, {"w.yml": text})
    run = github.dispatch(NAME, "w.yml")
    github.wait_for_run(run)
    first = jobs_of(github, run)
    assert first["shaky"]["conclusion"] == "failure"
    assert github.api("POST", f"{R}/actions/runs/{run}/rerun-failed-jobs").status_code == 201
    github.wait_for_run(run, attempt=2)
    shown, second = run_of(github, run), jobs_of(github, run)
    assert (shown["id"], shown["run_attempt"], shown["conclusion"]) == (run, 2, "success")
    assert shown["previous_attempt_url"].endswith(f"/runs/{run}/attempts/1")
    assert second["good"]["id"] == first["good"]["id"]
    assert second["shaky"]["id"] != first["shaky"]["id"]
    assert github.api("GET", f"{R}/actions/runs/{run}/attempts/1").json()["conclusion"] == "failure"
    assert len(github.api("GET", f"{R}/actions/runs/{run}/jobs?filter=all").json()["jobs"]) == 3
    again = github.api("POST", f"{R}/actions/runs/{run}/rerun-failed-jobs")
    assert (again.status_code, again.json()["message"]) == (403, "This workflow run cannot be retried")
    assert github.api("POST", f"{R}/actions/runs/{run}/rerun").status_code == 201
    github.wait_for_run(run, attempt=3)
    assert len(github.api("GET", f"{R}/actions/runs/{run}/jobs?filter=all").json()["jobs"]) == 5


def test_cancelling_ends_the_program_and_runs_what_asks_for_it(start_github: START, make_repo: MAKE) -> None:
    """A step that never ends is interrupted; always() runs; a finished run cannot be cancelled again."""
    text = """
on: workflow_dispatch
jobs:
  one:
    runs-on: x
    steps:
      - {name: Endless, run: "echo $$ && sleep 1000"}
      - {name: Later, run: "true"}
      - {name: Cleanup, if: always(), run: "true"}
  two:
    needs: one
    runs-on: x
    steps: [{run: "true"}]
"""
    github = begin(start_github, make_repo, {"w.yml": text})
    run = github.dispatch(NAME, "w.yml")
    github.wait_for_step(run, "Endless")
    busy = github.api("POST", f"{R}/actions/runs/{run}/rerun")
    assert (busy.status_code, busy.json()["message"]) == (403, "This workflow is already running")
    assert github.api("POST", f"{R}/actions/runs/{run}/cancel").status_code == 202
    github.wait_for_run(run)
    jobs = jobs_of(github, run)
    assert steps_of(jobs["one"]) == {"Endless": "cancelled", "Later": "skipped", "Cleanup": "success"}
    assert (jobs["one"]["conclusion"], run_of(github, run)["conclusion"]) == ("cancelled", "cancelled")
    late = github.api("POST", f"{R}/actions/runs/{run}/cancel")
    assert (late.status_code, late.json()["message"]) == (
        409,
        "Cannot cancel a workflow run that is completed.",
    )


@pytest.mark.parametrize("where", ["job", "step"])
def test_time_runs_out(start_github: START, make_repo: MAKE, where: str) -> None:
    """A step's limit fails it; a job's cancels the job and leaves an annotation."""
    limit = "timeout-minutes: 1"
    text = f"""
on: workflow_dispatch
jobs:
  one:
    runs-on: x
    {limit if where == "job" else ""}
    steps:
      - name: Endless
        run: sleep 1000
        {limit if where == "step" else ""}
"""
    github = begin(start_github, make_repo, {"w.yml": text}, minute_seconds=0.1)
    run = github.dispatch(NAME, "w.yml")
    github.wait_for_run(run)
    job = jobs_of(github, run)["one"]
    expected = {"job": ("cancelled", "cancelled"), "step": ("failure", "failure")}[where]
    assert (steps_of(job)["Endless"], job["conclusion"]) == expected
    notes = github.api("GET", f"{R}/check-runs/{job['id']}/annotations").json()
    assert any(
        ("maximum execution time" if where == "job" else "timed out") in note["message"] for note in notes
    )


def test_a_step_is_held_decided_and_released(start_github: START, make_repo: MAKE) -> None:
    """A held step is in progress until it is let go; one that was decided ends so, with its log."""
    github = begin(start_github, make_repo, {"w.yml": one_step("echo really")})
    github.hold(step="Step")
    run = github.dispatch(NAME, "w.yml")
    github.wait_for_step(run, "Step")
    assert run_of(github, run)["status"] == "in_progress"
    job = jobs_of(github, run)["one"]
    assert job["steps"][1]["status"] == "in_progress"
    assert github.api("GET", f"{R}/actions/jobs/{job['id']}/logs").status_code == 404
    assert github.release(run_id=run) == 1
    github.wait_for_run(run)
    assert "really" in log_of(github, job)
    second = github.dispatch(NAME, "w.yml")
    github.wait_for_step(second, "Step")
    assert github.release("failure", "made up", run_id=second) == 1
    github.wait_for_run(second)
    assert run_of(github, second)["conclusion"] == "failure"
    assert "made up" in log_of(github, jobs_of(github, second)["one"])
    github.clear_holds()
    github.outcome("failure", step="Step")
    third, fourth = github.dispatch(NAME, "w.yml"), github.dispatch(NAME, "w.yml")
    github.wait_for_run(third)
    github.wait_for_run(fourth)
    conclusions = {run_of(github, each)["conclusion"] for each in (third, fourth)}
    assert conclusions == {"success", "failure"}


def test_a_run_is_ended_as_somebody_decides(start_github: START, make_repo: MAKE) -> None:
    """finish() ends what runs, whatever it does."""
    github = begin(start_github, make_repo, {"w.yml": one_step("sleep 1000")})
    for conclusion in ("success", "timed_out"):
        run = github.dispatch(NAME, "w.yml")
        github.wait_for_step(run, "Step")
        github.finish(run, conclusion)
        github.wait_for_run(run)
        assert run_of(github, run)["conclusion"] == conclusion


def test_a_concurrency_group_lets_one_run_at_a_time(start_github: START, make_repo: MAKE) -> None:
    """The second is pending; the third takes its place; then the third runs."""
    github = begin(
        start_github, make_repo, {"w.yml": one_step("true", concurrency="deploy-${{ github.ref }}")}
    )
    github.hold()
    first = github.dispatch(NAME, "w.yml")
    github.wait_for_step(first, "Step")
    second = github.dispatch(NAME, "w.yml")
    third = github.dispatch(NAME, "w.yml")
    github.wait_for_run(second)
    assert (run_of(github, second)["conclusion"], run_of(github, third)["status"]) == ("cancelled", "pending")
    github.clear_holds()
    github.release(run_id=first)
    github.wait_for_run(third)
    assert run_of(github, third)["conclusion"] == "success"


PEOPLE = ("owner", "operator", "viewer")
DEPLOY = """
name: Deploy
on: push
jobs:
  deploy:
    runs-on: x
    environment: {name: production}
    steps: [{name: Ship, run: "echo shipped ${{ secrets.KEY }} ${{ vars.SITE }}"}]
"""


def production(**rules: Any) -> dict[str, Any]:
    """Settings of a repository whose production is protected."""
    return {
        "environments": {
            "production": Environment(secrets={"KEY": "sesame"}, variables={"SITE": "here"}, **rules)
        }
    }


def waiting(github: GitHubUnderTest, run: int, token: str | None = None) -> list[dict[str, Any]]:
    """What the run waits for."""
    found: list[dict[str, Any]] = github.api(
        "GET", f"{R}/actions/runs/{run}/pending_deployments", token=token
    ).json()
    return found


def test_a_push_waits_for_approval_and_deploys(start_github: START, make_repo: MAKE) -> None:
    """Only a required reviewer may decide; then the job runs with the environment's secrets."""
    github = begin(
        start_github,
        make_repo,
        {"deploy.yml": DEPLOY},
        repository=production(reviewers=["owner"], prevent_self_review=True),
    )
    pushed = github.push(NAME, "main", {"a.txt": "1"}, "Change a", who="developer")
    (run,) = pushed["runs"]
    github.wait_for(lambda event: event.get("event") == "deployment_review")
    owner = github.token("owner")
    assert run_of(github, run)["status"] == "waiting"
    assert run_of(github, run)["head_sha"] == pushed["sha"]
    (pending,) = waiting(github, run, owner)
    assert pending["current_user_can_approve"]
    assert not waiting(github, run)[0]["current_user_can_approve"]
    path = f"{R}/actions/runs/{run}/pending_deployments"
    decision = {"environment_ids": [pending["environment"]["id"]], "state": "approved", "comment": "go"}
    assert github.api("POST", path, decision).status_code == 403
    assert github.api("POST", path, {**decision, "environment_ids": [1]}, token=owner).status_code == 422
    reply = github.api("POST", path, decision, token=owner)
    assert (reply.status_code, reply.json()[0]["environment"]) == (200, "production")
    github.wait_for_run(run)
    job = jobs_of(github, run)["deploy"]
    assert job["conclusion"] == "success"
    assert "shipped *** here" in log_of(github, job)
    (deployment,) = github.api("GET", f"{R}/deployments?environment=production").json()
    states = [one["state"] for one in github.api("GET", deployment["statuses_url"]).json()]
    assert states == ["success", "in_progress", "pending"]
    (said,) = github.api("GET", f"{R}/actions/runs/{run}/approvals").json()
    assert (said["state"], said["user"]["login"], said["comment"]) == ("approved", "owner", "go")
    github.delete_run(run)
    assert github.api("POST", deployment["statuses_url"], {"state": "inactive"}).status_code == 201


def test_a_rejected_deployment_fails_its_job(start_github: START, make_repo: MAKE) -> None:
    """Nothing of the job runs."""
    github = begin(
        start_github, make_repo, {"deploy.yml": DEPLOY}, repository=production(reviewers=["owner"])
    )
    (run,) = github.push(NAME, "main", {"a.txt": "1"})["runs"]
    github.wait_for(lambda event: event.get("event") == "deployment_review")
    github.review("owner", run, "production", "rejected", "not today")
    github.wait_for_run(run)
    job = jobs_of(github, run)["deploy"]
    assert (job["conclusion"], job["steps"]) == ("failure", [])


def test_nobody_approves_their_own_deployment(start_github: START, make_repo: MAKE) -> None:
    """Where the environment forbids it, the reviewer who pushed may not approve."""
    rules = production(reviewers=["owner", "operator"], prevent_self_review=True)
    github = begin(start_github, make_repo, {"deploy.yml": DEPLOY}, repository=rules)
    (run,) = github.push(NAME, "main", {"a.txt": "1"}, who="owner")["runs"]
    github.wait_for(lambda event: event.get("event") == "deployment_review")
    with pytest.raises(PlaygroundError, match="not a required reviewer"):
        github.review("owner", run, "production", "approved")
    may = {who: waiting(github, run, github.token(who))[0]["current_user_can_approve"] for who in PEOPLE}
    assert may == {"owner": False, "operator": True, "viewer": False}
    github.review("operator", run, "production", "approved")
    github.wait_for_run(run)


def test_each_job_that_waits_later_asks_again(start_github: START, make_repo: MAKE) -> None:
    """A decision is about the jobs that wait at that moment, not about later ones of the same environment."""
    again = "  verify: {needs: deploy, runs-on: x, environment: production, steps: [{run: 'true'}]}\n"
    github = begin(
        start_github, make_repo, {"deploy.yml": DEPLOY + again}, repository=production(reviewers=["owner"])
    )
    (run,) = github.push(NAME, "main", {"a.txt": "1"})["runs"]
    first = github.wait_for(lambda event: event.get("event") == "deployment_review")
    github.review("owner", run, "production", "approved")
    github.wait_for(
        lambda event: event.get("event") == "deployment_review" and event["action"] == "requested",
        after=first["seq"],
    )
    assert jobs_of(github, run)["verify"]["status"] == "waiting"
    github.review("owner", run, "production", "rejected")
    github.wait_for_run(run)
    assert [jobs_of(github, run)[name]["conclusion"] for name in ("deploy", "verify")] == [
        "success",
        "failure",
    ]


def test_a_wait_timer_passes_by_itself(start_github: START, make_repo: MAKE) -> None:
    """After the minutes of the environment the job runs."""
    github = begin(
        start_github,
        make_repo,
        {"deploy.yml": DEPLOY},
        repository=production(wait_minutes=1),
        minute_seconds=0.01,
    )
    (run,) = github.push(NAME, "main", {"a.txt": "1"})["runs"]
    github.wait_for_run(run)
    assert run_of(github, run)["conclusion"] == "success"


def test_what_the_loopback_cannot_run_fails_at_once(start_github: START, make_repo: MAKE) -> None:
    """A matrix is refused when dispatched, and is a failed start when pushed; so is a broken file."""
    matrix = one_step().replace("runs-on: x", "runs-on: x\n    strategy: {matrix: {a: [1]}}")
    github = begin(start_github, make_repo, {"m.yml": matrix, "broken.yml": "on: [push"})
    body = {"ref": "main"}
    reply = github.api("POST", f"{R}/actions/workflows/m.yml/dispatches", body)
    assert reply.status_code == 422
    assert "does not run `strategy` (job one" in reply.json()["message"]
    runs = github.push(NAME, "main", {"a.txt": "1"})["runs"]
    assert [run_of(github, run)["conclusion"] for run in runs] == ["startup_failure"] * 2


def test_a_background_program_lives_until_its_job_ends(start_github: START, make_repo: MAKE) -> None:
    """A server that one step starts is there for the next, and gone afterwards."""
    text = """
on: workflow_dispatch
jobs:
  one:
    runs-on: x
    steps:
      - run: sleep 1000 & echo "PID=$!" >> "$GITHUB_ENV"
      - run: kill -0 "$PID" && echo "left=$PID"
"""
    github = begin(start_github, make_repo, {"w.yml": text})
    run = github.dispatch(NAME, "w.yml")
    github.wait_for_run(run)
    job = jobs_of(github, run)["one"]
    assert job["conclusion"] == "success"
    has_ended(log_of(github, job).rpartition("left=")[2].strip())


def test_numbers_go_on_after_a_restart(start_github: START, make_repo: MAKE) -> None:
    """A loopback that is told where its numbers begin repeats none of an earlier one."""
    first, second = (
        begin(start_github, make_repo, {"w.yml": one_step()}, ids_from=at).dispatch(NAME, "w.yml")
        for at in (0, 1000)
    )
    assert second - first == 1000

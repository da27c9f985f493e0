"""A second opinion: githubkit's models, made from GitHub's own description, take what the loopback says."""

import json
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from playground.github.settings import App, Environment, Repository
from playground.github.under_test import GitHubUnderTest

githubkit = pytest.importorskip("githubkit", reason="githubkit is not installed")
pytest.importorskip(
    "githubkit_schemas.v2022_11_28", reason="githubkit's schemas of 2022-11-28 are not installed"
)

pytest_plugins = ["playground.github.fixtures"]

START = Callable[..., GitHubUnderTest]
MAKE = Callable[..., Repository]
NAME = "acme/models"
R = f"/repos/{NAME}"
MODELS = {
    version: import_module(f"githubkit_schemas.v{version.replace('-', '_')}.models")
    for version in ("2022-11-28", "2026-03-10")
}
WORK = """
name: Work
run-name: work ${{ inputs.id }}
on: {workflow_dispatch: {inputs: {id: {default: one}}}}
jobs:
  one:
    runs-on: [self-hosted, x]
    steps:
      - run: "echo '::warning file=a.py,line=3::careful' && echo 1 > report.json"
      - uses: actions/upload-artifact@v4
        with: {name: report, path: report.json}
  two: {needs: one, if: failure(), runs-on: x, steps: [{run: "true"}]}
"""
DEPLOY = """
on: push
jobs:
  ship: {runs-on: x, environment: production, steps: [{run: "true"}]}
"""


@pytest.fixture
def github(start_github: START, make_repo: MAKE) -> GitHubUnderTest:
    """A GitHub in which everything has happened once: a run, a rerun, a deployment, an issue, a tag."""
    environments = {"production": Environment(reviewers=("toban",), wait_minutes=1), "open": Environment()}
    files = {".github/workflows/work.yml": WORK, ".github/workflows/deploy.yml": DEPLOY, "a/b.txt": "text"}
    github = start_github(
        repositories={NAME: make_repo(files, environments=environments)},
        minute_seconds=0.01,
        app=App(public_key="none"),
    )
    run = github.dispatch(NAME, "work.yml")
    github.wait_for_run(run)
    github.api("POST", f"{R}/actions/runs/{run}/rerun").raise_for_status()
    github.wait_for_run(run, attempt=2)
    pushed = github.push(NAME, "main", {"a/b.txt": None, "a/c.txt": "new"}, "Change\n\nand why")
    github.wait_for(lambda event: event.get("event") == "deployment_review")
    github.review("toban", pushed["runs"][0], "production", "approved", "go")
    github.wait_for_run(pushed["runs"][0])
    issue = {"title": "Experiment", "body": "why", "labels": ["experiment"], "assignees": ["owner"]}
    github.api("POST", f"{R}/issues", issue).raise_for_status()
    github.api("POST", f"{R}/issues/1/comments", {"body": "done"}).raise_for_status()
    github.ping()
    return github


def runs(github: GitHubUnderTest) -> tuple[int, int]:
    """The pushed and the dispatched run."""
    newest, oldest = github.api("GET", f"{R}/actions/runs").json()["workflow_runs"]
    return newest["id"], oldest["id"]


SINGLE = {
    R: "FullRepository",
    "/user": "PublicUser",
    "/rate_limit": "RateLimitOverview",
    f"{R}/actions/workflows": "ReposOwnerRepoActionsWorkflowsGetResponse200",
    f"{R}/actions/workflows/work.yml": "Workflow",
    f"{R}/actions/runs": "ReposOwnerRepoActionsRunsGetResponse200",
    f"{R}/actions/runs/PUSHED": "WorkflowRun",
    f"{R}/actions/runs/DISPATCHED/attempts/1": "WorkflowRun",
    f"{R}/actions/runs/DISPATCHED/jobs?filter=all": "ReposOwnerRepoActionsRunsRunIdJobsGetResponse200",
    f"{R}/actions/jobs/JOB": "Job",
    f"{R}/actions/runs/DISPATCHED/artifacts": "ReposOwnerRepoActionsRunsRunIdArtifactsGetResponse200",
    f"{R}/environments": "ReposOwnerRepoEnvironmentsGetResponse200",
    f"{R}/environments/production": "Environment",
    f"{R}/branches/main": "BranchWithProtection",
    f"{R}/git/ref/heads/main": "GitRef",
    f"{R}/commits/main": "Commit",
    f"{R}/commits/main/check-runs": "ReposOwnerRepoCommitsRefCheckRunsGetResponse200",
    f"{R}/commits/main/status": "CombinedCommitStatus",
    f"{R}/compare/main...main": "CommitComparison",
    f"{R}/check-runs/JOB": "CheckRun",
    f"{R}/contents/.github/workflows/work.yml": "ContentFile",
    f"{R}/issues/1": "Issue",
    f"/search/issues?q=repo:{NAME}": "SearchIssuesGetResponse200",
}
LISTS = {
    "/user/repos": "Repository",
    f"{R}/actions/runs/PUSHED/approvals": "EnvironmentApprovals",
    f"{R}/deployments": "Deployment",
    f"{R}/deployments/DEPLOYMENT/statuses": "DeploymentStatus",
    f"{R}/branches": "ShortBranch",
    f"{R}/git/matching-refs/heads/m": "GitRef",
    f"{R}/commits": "Commit",
    f"{R}/check-runs/JOB/annotations": "CheckAnnotation",
    f"{R}/contents/a": "ContentDirectoryItems",
    f"{R}/issues": "Issue",
    f"{R}/issues/1/comments": "IssueComment",
}


@pytest.mark.parametrize("version", MODELS)
def test_answers_are_what_githubs_description_says(github: GitHubUnderTest, version: str) -> None:
    """Every field that must be there is there, with the right type, in both versions."""
    pushed, dispatched = runs(github)
    job = github.api("GET", f"{R}/actions/runs/{dispatched}/jobs").json()["jobs"][0]["id"]
    deployment = github.api("GET", f"{R}/deployments").json()[0]["id"]
    names = {"PUSHED": pushed, "DISPATCHED": dispatched, "JOB": job, "DEPLOYMENT": deployment}

    def ask(path: str) -> Any:
        for name, number in names.items():
            path = path.replace(name, str(number))
        reply = github.api("GET", path, headers={"x-github-api-version": version})
        assert reply.status_code == 200, f"{path}: {reply.text}"
        return reply.json()

    for path, model in SINGLE.items():
        getattr(MODELS[version], model).model_validate(ask(path))
    for path, model in LISTS.items():
        items = ask(path)
        assert items, path
        for item in items:
            getattr(MODELS[version], model).model_validate(item)


def test_a_waiting_deployment_is_what_githubs_description_says(start_github: START, make_repo: MAKE) -> None:
    """Also while it waits."""
    environments = {"production": Environment(reviewers=("owner",))}
    files = {".github/workflows/deploy.yml": DEPLOY}
    github = start_github(repositories={NAME: make_repo(files, environments=environments)})
    (run,) = github.push(NAME, "main", {"a": "1"})["runs"]
    github.wait_for(lambda event: event.get("event") == "deployment_review")
    for version, models in MODELS.items():
        headers = {"x-github-api-version": version}
        (item,) = github.api("GET", f"{R}/actions/runs/{run}/pending_deployments", headers=headers).json()
        models.PendingDeployment.model_validate(item)
        models.WorkflowRun.model_validate(
            github.api("GET", f"{R}/actions/runs/{run}", headers=headers).json()
        )


def test_events_are_what_githubs_description_says(github: GitHubUnderTest) -> None:
    """Each kind of event, each action, parses as what it claims to be."""
    webhooks = import_module("githubkit.webhooks")
    kinds = set()
    for delivery in github.deliveries():
        payload = github.payload(delivery["guid"])
        webhooks.parse(delivery["event"], json.dumps(payload))
        kinds.add((delivery["event"], delivery["action"]))
    assert kinds == {
        ("push", None),
        ("ping", None),
        ("workflow_run", "requested"),
        ("workflow_run", "in_progress"),
        ("workflow_run", "completed"),
        ("workflow_job", "queued"),
        ("workflow_job", "waiting"),
        ("workflow_job", "in_progress"),
        ("workflow_job", "completed"),
        ("deployment", "created"),
        ("deployment_status", "created"),
        ("deployment_review", "requested"),
        ("deployment_review", "approved"),
    }

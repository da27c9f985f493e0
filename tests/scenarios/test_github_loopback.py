"""The connector against the loopback GitHub, whose runners really execute the steps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from bot.connectors.connector import JobRequest
from bot.connectors.github_actions import GitHubActionsConnector
from bot.connectors.github_client import GitHubClient
from bot.errors import Refused
from bot.settings import GitHubSettings
from playground.github.settings import Repository
from playground.github.under_test import GitHubUnderTest

WORKFLOW = """
name: Retrain
run-name: Retrain ${{ inputs.toban_id }}
on:
  workflow_dispatch:
    inputs:
      fail: {type: boolean, default: false}
      toban_id: {type: string}
permissions: {}
jobs:
  train:
    runs-on: ubuntu-latest
    steps:
      - name: Report
        run: echo '{"metrics":{"mae":14.9},"version":"v3"}' > toban-report.json
      - name: Fit
        run: |
          if [ "${{ inputs.fail }}" = true ]; then echo "ValueError: no rows"; exit 1; fi
      - uses: actions/upload-artifact@v4
        with: {name: toban-report, path: toban-report.json}
"""
NAME = "acme/flights"


@pytest.fixture
def github(
    make_repo: Callable[..., Repository], start_github: Callable[..., GitHubUnderTest]
) -> GitHubUnderTest:
    """A loopback GitHub with one repository."""
    return start_github(repositories={NAME: make_repo({".github/workflows/retrain.yml": WORKFLOW})})


@pytest.fixture
def connector(github: GitHubUnderTest) -> GitHubActionsConnector:
    """A connector to it."""
    settings = GitHubSettings(api_url=github.url, token=SecretStr(github.token_text))
    return GitHubActionsConnector(GitHubClient(settings))


def job(**more: object) -> JobRequest:
    """Return a request to start the workflow."""
    fields = {"target": f"{NAME}/retrain.yml", "who": "U1", "where": "C1", **more}
    return JobRequest.model_validate(fields)


def test_run_is_started_once_and_reports(github: GitHubUnderTest, connector: GitHubActionsConnector) -> None:
    """A start is found again by its id; the real run's report and steps are read."""
    handle = connector.start(job(), key="c-1")
    a_moment_ago = datetime.now(UTC) - timedelta(seconds=2)
    assert connector.start(job(began_at=a_moment_ago), key="c-1") == handle
    github.wait_for_run(int(handle.id))
    result = connector.result(handle)
    assert (result.state, result.name) == ("succeeded", "retrain.yml #1")
    assert result.report is not None
    assert (result.report.metrics[0].value, result.report.version) == (14.9, "v3")
    assert connector.status([handle])[handle.id].state == "succeeded"


def test_failure_is_explained_and_run_again(
    github: GitHubUnderTest, connector: GitHubActionsConnector
) -> None:
    """The failing step and its first error line come from the real log; a rerun raises the attempt once."""
    handle = connector.start(job(values={"fail": True}), key="c-1")
    github.wait_for_run(int(handle.id))
    reason = connector.result(handle).reason
    assert reason is not None
    assert reason.detail == "train › Fit: ValueError: no rows"
    for _ in range(2):
        connector.rerun(handle, failed_only=True, attempt=1)
    assert connector.status([handle])[handle.id].attempt == 2


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"values": {"x": 1}}, "unexpected_inputs"),
        ({"ref": "nope"}, "unknown_ref"),
        ({"target": f"{NAME}/nope.yml"}, "unknown_workflow"),
        ({"target": "acme/other/retrain.yml", "ref": "main"}, "unknown_repository"),
    ],
)
def test_refusals(connector: GitHubActionsConnector, more: dict[str, object], code: str) -> None:
    """What the loopback refuses in GitHub's words has our codes."""
    with pytest.raises(Refused) as said:
        connector.start(job(**more), key="c-1")
    assert said.value.problem.reason_code == code

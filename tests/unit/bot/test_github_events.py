"""GitHub's events as records: what is needed, what may be missing, and when two tell the same."""

from __future__ import annotations

from typing import Any

import pytest

from bot.connectors.github_events import (
    DeploymentReviewEvent,
    Ignored,
    Misread,
    PushEvent,
    WorkflowRunEvent,
    read_event,
    restore_event,
)

REPOSITORY = {"full_name": "acme/flights", "id": 7, "default_branch": "main", "pushed_at": 1_700_000_000}
PUSH: dict[str, Any] = {"ref": "refs/heads/main", "before": "a" * 40, "after": "b" * 40}


def push(**more: Any) -> PushEvent:
    """Return a push as it is read."""
    event = read_event("push", {**PUSH, "repository": REPOSITORY, **more})
    assert isinstance(event, PushEvent)
    return event


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("push", [], "not a JSON object"),
        ("push", {**PUSH}, "repository"),
        ("push", {"repository": REPOSITORY, "ref": "r", "before": "a"}, "after"),
        ("workflow_run", {"repository": REPOSITORY, "workflow_run": {}}, "workflow_run"),
        ("workflow_job", {"repository": REPOSITORY, "workflow_job": {"id": 1, "run_id": "x"}}, "run_id"),
        ("deployment_status", {"repository": REPOSITORY, "deployment": {"id": 1}}, "deployment_status"),
    ],
)
def test_what_cannot_be_such_an_event_is_named(kind: str, body: Any, said: str) -> None:
    """A body without what makes the event is refused by the name of what is missing or wrong."""
    with pytest.raises(Misread, match=said):
        read_event(kind, body)


def test_an_event_of_no_use_is_passed_over_unread() -> None:
    """Whatever its body."""
    assert read_event("issues", None) == Ignored(kind="issues")


def test_what_may_be_missing_or_strange_is_none() -> None:
    """Optional parts of another type than today's, times beyond all years and long texts break nothing."""
    strange = {**REPOSITORY, "id": "x", "pushed_at": 10**40, "default_branch": {}}
    event = push(repository=strange, head_commit=3, pusher={"name": ["x"]}, deleted="maybe")
    assert (event.repository_id, event.pushed_at, event.pusher, event.deleted) == (None,) * 4
    assert len(push(head_commit={"message": "x" * 100_000}).message or "") == 2000


def test_a_record_is_restored_as_it_was() -> None:
    """Kept as plain JSON and read again it is the same, with the same identity."""
    event = push(head_commit={"message": "Fix", "author": {"name": "Dev"}}, pusher={"name": "dev"})
    again = restore_event(event.model_dump(mode="json"))
    assert (again, again.identity) == (event, event.identity)
    assert (event.branch, event.message, event.author, event.pusher) == ("main", "Fix", "Dev", "dev")
    assert push(ref="refs/tags/v1").branch is None
    assert push(deleted=True).branch is None


def test_the_same_thing_has_one_identity() -> None:
    """By another webhook, or under the repository's new name, it is the same; what came later is not."""
    first = push()
    assert push(installation={"id": 1}, sender={"login": "x"}).identity == first.identity
    assert push(repository={**REPOSITORY, "full_name": "acme/journeys"}).identity == first.identity
    assert push(repository={**REPOSITORY, "pushed_at": 1_700_000_001}).identity != first.identity
    assert push(after="c" * 40).identity != first.identity
    assert push(repository={**REPOSITORY, "id": 8}).identity != first.identity


def test_a_run_moves_on() -> None:
    """Each state and attempt of a run is told once."""

    def seen(**values: Any) -> str:
        body = {"action": "completed", "repository": REPOSITORY, "workflow_run": {"id": 1, **values}}
        event = read_event("workflow_run", body)
        assert isinstance(event, WorkflowRunEvent)
        return event.identity

    every = [
        seen(status="in_progress"),
        seen(status="completed", conclusion="failure"),
        seen(status="completed", conclusion="failure", run_attempt=2),
    ]
    assert len(set(every)) == 3


def test_a_review_names_its_environments_once() -> None:
    """Asked for one environment, or decided for several jobs."""
    run = {"id": 5, "run_attempt": 1}
    asked = read_event(
        "deployment_review",
        {
            "action": "requested",
            "environment": "production",
            "workflow_run": run,
            "repository": REPOSITORY,
            "workflow_job_run": {"id": 1, "environment": "production"},
            "reviewers": [
                {"type": "User", "reviewer": {"login": "owner"}},
                {"type": "Team", "reviewer": None},
            ],
        },
    )
    assert isinstance(asked, DeploymentReviewEvent)
    assert asked.environments == ("production",)
    assert [one.login for one in asked.reviewers or ()] == ["owner", None]
    jobs = [{"id": 1, "environment": "staging"}, {"id": 2, "environment": "production"}]
    done = read_event(
        "deployment_review",
        {"action": "approved", "workflow_run": run, "repository": REPOSITORY, "workflow_job_runs": jobs},
    )
    assert isinstance(done, DeploymentReviewEvent)
    assert done.environments == ("staging", "production")

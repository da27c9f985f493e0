"""Every example payload in the npm package `@octokit/webhooks-examples` is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.connectors.github_events import EVENTS, Ignored, read_event, restore_event

HERE = Path(__file__).resolve().parents[1]
FILES = sorted((HERE / "node_modules" / "@octokit" / "webhooks-examples").glob("*/index.json"))
SERVERS = [path.parent.name for path in FILES]


def examples(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the example payloads of one GitHub by the name of their event."""
    return {one["name"]: one["examples"] for one in json.loads(path.read_text(encoding="utf-8"))}


@pytest.mark.skipif(not FILES, reason="@octokit/webhooks-examples was not found (npm ci --prefix tests)")
def test_every_example_is_read() -> None:
    """Each payload of our events gives a record that can be kept as JSON; the others are passed over."""
    seen: dict[str, int] = dict.fromkeys(EVENTS, 0)
    for path in FILES:
        for kind, payloads in examples(path).items():
            for payload in payloads:
                event = read_event(kind, payload)
                if kind not in EVENTS:
                    assert event == Ignored(kind=kind)
                    continue
                assert not isinstance(event, Ignored)
                seen[kind] += 1
                assert restore_event(json.loads(event.model_dump_json())) == event
    assert all(seen.values()), seen
    assert sum(seen.values()) >= 60


@pytest.mark.skipif(not FILES, reason="@octokit/webhooks-examples was not found (npm ci --prefix tests)")
@pytest.mark.parametrize("kind", EVENTS)
def test_what_is_read_of_an_example_is_what_it_says(kind: str) -> None:
    """Numbers and names that flows act on are those of the payload."""
    for payload in examples(FILES[SERVERS.index("api.github.com")])[kind]:
        event = read_event(kind, payload)
        assert not isinstance(event, Ignored)
        assert event.repository == payload.get("repository", {}).get("full_name", "")
        if kind.startswith("workflow_"):
            run = payload[kind]
            assert event.run_id == (run["run_id"] if kind == "workflow_job" else run["id"])  # type: ignore[union-attr]
            assert (event.status, event.conclusion) == (run["status"], run["conclusion"])  # type: ignore[union-attr]


@pytest.mark.skipif(not FILES, reason="@octokit/webhooks-examples was not found (npm ci --prefix tests)")
def test_whatever_may_be_missing_is_missing() -> None:
    """Each field that is not needed may be gone, null or of another type, and unknown ones may come."""
    needed = {
        "workflow_run": {"workflow_run", "repository"},
        "workflow_job": {"workflow_job", "repository"},
        "push": {"ref", "before", "after", "repository"},
        "deployment": {"deployment", "repository"},
        "deployment_status": {"deployment", "deployment_status", "repository"},
        "deployment_review": {"workflow_run", "repository"},
        "ping": set(),
    }
    found = examples(FILES[SERVERS.index("api.github.com")])
    for kind, keys in needed.items():
        payload = found[kind][0]
        for key in payload.keys() - keys:
            for change in ({}, {key: None}, {key: 7}, {key: "other"}, {key: [{}]}, {"of tomorrow": {"a": 1}}):
                read_event(kind, {name: value for name, value in payload.items() if name != key} | change)

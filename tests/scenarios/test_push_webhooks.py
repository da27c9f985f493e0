"""A push that a webhook tells of: deployed at once, once, and only where GitHub itself shows it.

The bot of these tests looks at branches by itself only every ten minutes, longer than any test waits.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from typing import Any

import pytest
import requests

from bot.databases import make_engine
from bot.deployment_records import DeploymentRecords
from bot.github_door import sign
from tests.stand_ins.deploying_team import DeployingTeam
from tests.stand_ins.team import WAIT_SECONDS

LOOK = "GET /repos/{owner}/{repo}/git/ref/{ref:path}"
SELDOM = ("--push-seconds", "600")


def door(deploying: DeployingTeam) -> str:
    """Return where the newest bot takes GitHub's events."""
    return deploying.team.bots[-1].address.replace("/slack/events", "/github/events")


def start(deploying: DeployingTeam) -> None:
    """Start a bot that is told by webhook, and wait until it has noted where the branch is."""
    deploying.start_bot(*SELDOM)
    deploying.github.send_webhooks_to(door(deploying))
    engine = make_engine(deploying.team.database_url)
    pause, deadline = threading.Event(), time.monotonic() + WAIT_SECONDS
    while DeploymentRecords(engine).head("staging") is None:
        assert time.monotonic() < deadline
        pause.wait(0.05)
    engine.dispose()


def post(deploying: DeployingTeam, body: Any, signature: str | None = None) -> tuple[int, dict[str, Any]]:
    """Send a push as GitHub would, under a new delivery id; return status and answer."""
    raw = json.dumps(body).encode()
    headers = {
        "content-type": "application/json",
        "x-github-event": "push",
        "x-github-delivery": str(uuid.uuid4()),
        "x-hub-signature-256": signature or sign(deploying.github.webhook_secret, raw),
    }
    reply = requests.post(door(deploying), data=raw, headers=headers, timeout=WAIT_SECONDS)
    return reply.status_code, reply.json()


def looks(deploying: DeployingTeam) -> int:
    """Return how often GitHub was asked where a branch is."""
    return int(deploying.github.counts()["endpoints"].get(LOOK, {}).get("requests", 0))


def test_a_push_is_deployed_once_however_often_it_is_told(deploying_team: DeployingTeam) -> None:
    """The webhook makes the look come at once; told again, under whichever id, it begins nothing."""
    team, github = deploying_team.team, deploying_team.github
    start(deploying_team)
    before = team.slack.seq()
    sha = deploying_team.push("one")
    done = team.state(before, "done")
    assert f"staging {sha[:7]} → staging is done" in done["plain"]
    (told,) = (one for one in github.deliveries() if one["event"] == "push")
    assert [one["status"] for one in github.redeliver(told["guid"], times=2)] == [200, 200]
    status, said = post(deploying_team, github.payload(told["guid"]))
    assert (status, said["taken_before_as"]) == (200, told["guid"])
    team.told("operator", "/ml deploy")
    assert (len(deploying_team.runs("staging.yml")), len(team.cards())) == (1, 1)


@pytest.mark.postgres
def test_a_push_is_seen_whichever_bot_is_told(deploying_team: DeployingTeam, postgres_url: str) -> None:
    """Of two bots on one database one looks at branches, and the other one leaves word for it."""
    team = deploying_team.team
    team.database_url = postgres_url
    start(deploying_team)
    start(deploying_team)
    before = team.slack.seq()
    sha = deploying_team.push("one")
    assert f"staging {sha[:7]} → staging is done" in team.state(before, "done")["plain"]
    assert (len(deploying_team.runs("staging.yml")), len(team.cards())) == (1, 1)


def test_a_push_that_nobody_made_deploys_nothing(deploying_team: DeployingTeam) -> None:
    """Forged, it is refused unread; well signed and untrue, it is a look at GitHub, where nothing is new."""
    team, github = deploying_team.team, deploying_team.github
    github.pause()
    deploying_team.push("before the bot came")
    (told,) = (one for one in github.deliveries() if one["event"] == "push")
    payload = github.payload(told["guid"])
    github.resume("dropped")
    start(deploying_team)
    known = looks(deploying_team)
    status, said = post(deploying_team, payload, "sha256=" + "0" * 64)
    assert (status, said["reason_code"]) == (401, "bad_signature")
    elsewhere = {**payload, "repository": {**payload["repository"], "full_name": "acme/other"}}
    assert "is not among" in post(deploying_team, elsewhere)[1]["ignored"]
    other_branch = {**payload, "ref": "refs/heads/next"}
    assert post(deploying_team, other_branch)[0] == 202
    assert post(deploying_team, {**payload, "after": "f" * 40})[0] == 202
    pause, deadline = threading.Event(), time.monotonic() + WAIT_SECONDS
    while looks(deploying_team) == known:
        assert time.monotonic() < deadline
        pause.wait(0.05)
    assert "Nothing is deployed there yet." in team.told("operator", "/ml deploy")
    assert (deploying_team.runs("staging.yml"), team.cards()) == ([], [])
    assert looks(deploying_team) == known + 1

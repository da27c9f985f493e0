"""GitHub's webhooks: they make the bot quicker, and whatever goes wrong with them changes nothing else.

The bot of most of these tests looks by itself only every ten minutes, longer than any test waits.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
import requests

from bot.github_door import sign
from tests.stand_ins.actions_team import NAME, ActionsTeam
from tests.stand_ins.team import WAIT_SECONDS, Json


def post(team: ActionsTeam, event: str, body: Any, **headers: str) -> tuple[int, Json]:
    """Send an event to the team's bot as GitHub would; return status and answer."""
    raw = json.dumps(body).encode()
    sent = {
        "content-type": "application/json",
        "x-github-event": event,
        "x-github-delivery": str(uuid.uuid4()),
        "x-hub-signature-256": sign(team.github.webhook_secret, raw),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    reply = requests.post(team.door(team.team.bots[-1]), data=raw, headers=sent, timeout=WAIT_SECONDS)
    return reply.status_code, reply.json()


def start(team: ActionsTeam) -> tuple[int, int]:
    """Let a person start a workflow, until its step is held; return the event before and the run's number."""
    team.github.hold(step="Build")
    after = team.github.seq()
    before = team.team.say("operator", "/ml run deploy")
    began = team.github.wait_for(
        lambda event: event["kind"] == "step" and event["step"] == "Build", after=after
    )
    return before, int(began["run_id"])


def ended(team: ActionsTeam, before: int) -> Json:
    """Return the card of a run once it is done."""
    card = team.team.state(before, "done")
    assert "is done" in card["plain"]
    return card


def delivered(team: ActionsTeam) -> list[Json]:
    """Return all deliveries once each was tried: the one that ended a card may have come before others."""
    while any(not one["attempts"] for one in team.github.deliveries()):
        seen = team.github.seq()
        if any(not one["attempts"] for one in team.github.deliveries()):
            team.github.wait_for(lambda event: event["kind"] == "delivery", after=seen)
    return team.github.deliveries()


def test_a_watched_run_is_followed_as_it_goes(actions_team: ActionsTeam) -> None:
    """Its steps and its end are on the card at once, long before the bot would look by itself."""
    actions_team.start_bot(hooked=True)
    before, _ = start(actions_team)
    actions_team.team.seen(before, "Build")
    actions_team.github.release()
    ended(actions_team, before)
    answers = {one["attempts"][0]["status"] for one in delivered(actions_team)}
    assert answers == {202}


def test_events_turned_round_and_repeated(actions_team: ActionsTeam) -> None:
    """The last one first, then the others, then all of them twice more: one end on one card."""
    actions_team.start_bot(hooked=True)
    before, run = start(actions_team)
    actions_team.team.seen(before, "running")
    actions_team.github.pause()
    actions_team.github.release()
    actions_team.github.wait_for_run(run)
    actions_team.github.resume("reversed")
    card = ended(actions_team, before)
    for one in delivered(actions_team):
        attempts = actions_team.github.redeliver(one["guid"], times=2)
        assert {attempt["status"] for attempt in attempts} == {200}
    actions_team.team.seen(card["seq"], "@operator")
    (shown,) = actions_team.team.cards()
    assert "is done" in shown["plain"]


def test_an_event_may_come_before_the_answer_to_the_start(actions_team: ActionsTeam) -> None:
    """The run ends while the bot does not know its number yet; the poll finds out."""
    actions_team.start_bot(hooked=True, ticks="0.3")
    dispatch = "POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches"
    actions_team.github.fault(dispatch, hang_seconds=6.0, after=True, times=1)
    after = actions_team.github.seq()
    before = actions_team.team.say("operator", "/ml run deploy")
    told = actions_team.github.wait_for(
        lambda event: event["kind"] == "delivery" and event["event"] == "workflow_run", after=after
    )
    assert told["status"] == 202
    assert "starting" in actions_team.team.cards()[0]["plain"]
    ended(actions_team, before)


def test_events_that_are_lost_are_healed_by_the_poll(actions_team: ActionsTeam) -> None:
    """Nothing that was held back ever comes; the card ends all the same."""
    actions_team.start_bot(hooked=True, ticks="0.3")
    before, run = start(actions_team)
    actions_team.github.pause()
    actions_team.github.release()
    actions_team.github.wait_for_run(run)
    actions_team.github.resume("dropped")
    ended(actions_team, before)


def test_a_run_is_followed_under_its_repositorys_new_name(actions_team: ActionsTeam) -> None:
    """The events name the new one, which toban.toml does not know; the run is known by its number."""
    actions_team.start_bot(hooked=True)
    before, _ = start(actions_team)
    actions_team.team.seen(before, "running")
    actions_team.github.rename(NAME, "acme/journeys")
    actions_team.github.release()
    ended(actions_team, before)


@pytest.mark.postgres
def test_an_event_hurries_the_bot_that_watches_whichever_it_reaches(
    actions_team: ActionsTeam, postgres_url: str
) -> None:
    """Of two bots on one database one watches, and the other one, which was told, leaves word for it."""
    actions_team.team.database_url = postgres_url
    actions_team.start_bot(hooked=True)
    before, _ = start(actions_team)
    actions_team.team.seen(before, "running")
    actions_team.start_bot(hooked=True)
    actions_team.github.release()
    ended(actions_team, before)


def test_what_is_forged_replayed_or_not_ours(actions_team: ActionsTeam) -> None:
    """Each is answered by what it is, and only what GitHub said once is taken."""
    actions_team.start_bot(hooked=True)
    run = actions_team.run()
    ids = {
        one["guid"]
        for one in actions_team.github.deliveries()
        if one["event"] == "workflow_run" and one["action"] == "completed"
    }
    arrived = actions_team.github.wait_for(
        lambda event: event["kind"] == "delivery" and event["delivery"] in ids
    )
    payload = actions_team.github.payload(arrived["delivery"])
    known = post(actions_team, "workflow_run", payload)
    assert (known[0], "taken_before_as" in known[1]) == (200, True)
    rerun = {**payload, "workflow_run": {**payload["workflow_run"], "run_attempt": 2}}
    assert post(actions_team, "workflow_run", rerun)[0] == 202
    forged = post(actions_team, "workflow_run", rerun, x_hub_signature_256="sha256=" + "0" * 64)
    assert (forged[0], forged[1]["reason_code"]) == (401, "bad_signature")
    other = {**payload, "repository": {**payload["repository"], "full_name": "acme/other"}}
    assert "acme/other is not among" in post(actions_team, "workflow_run", other)[1]["ignored"]
    assert post(actions_team, "issues", {"action": "opened"})[1]["ignored"]
    assert post(actions_team, "ping", {"zen": "Keep it logically awesome."})[0] == 200
    assert run > 0


def test_without_a_secret_no_event_is_taken(actions_team: ActionsTeam) -> None:
    """A bot that was given none refuses whatever comes, however it is signed."""
    actions_team.start_bot(GITHUB_WEBHOOK_SECRET="")
    status, said = post(actions_team, "ping", {"zen": "x"})
    assert (status, said["reason_code"]) == (503, "not_set_up")

"""Flows that an earlier release left waiting in every place go on under this one, each to its end.

`tests/fixtures/bot-VERSION` holds them as that release kept them; it is never edited. A release adds its own
by `python -m tests.stand_ins.frozen_team tests/fixtures/bot-VERSION`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dbos import StepInfo

from bot.databases import make_engine
from bot.deliveries import Deliveries
from bot.engine import open_client
from playground.slack.views import OpenView
from tests.function_hosts import wait_until
from tests.stand_ins.deploying_team import DeployingTeam
from tests.stand_ins.frozen_team import STORIES, FrozenTeam, moved, thawed_team
from tests.stand_ins.function_app import OTHER_MODEL
from tests.stand_ins.team import ARRIVALS, Team

pytestmark = pytest.mark.faults

MAPPED = 'U01OWNER000 = "octo-owner"\n'
RELEASES = sorted((Path(__file__).parents[1] / "fixtures").glob("bot-*"))


@pytest.fixture(scope="module", params=RELEASES, ids=lambda folder: folder.name)
def thawed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrozenTeam]:
    """What an earlier release left, with a bot of this one at work on it."""
    folder = tmp_path_factory.mktemp("upgrade")
    with thawed_team(request.param, folder) as made:
        made.notes |= {"before": made.team.slack.seq(), "ended": set()}
        made.start_bot()
        yield made


def card(team: Team, ts: str) -> dict[str, Any]:
    """Return a message as people see it now."""
    return next(one for one in team.slack.messages(ARRIVALS, "owner") if one["ts"] == ts)


# --- how each story ends ----------------------------------------------------------------------------------


def prediction(thawed: FrozenTeam) -> None:
    """A prediction asked for under the earlier release is asked for again and answered once."""
    team = thawed.team
    assert "flight=UA7" in team.event(thawed.notes["before"], "message_posted", "about 12 min")["plain"]
    assert team.functions.predictions == 1


def runs(thawed: FrozenTeam) -> None:
    """The watched run ends in a decision on its old card, then the one that waited for its turn begins."""
    team = thawed.team
    cards = len(team.cards())
    team.functions.finish(thawed.notes["run"])
    first = team.seen(thawed.notes["before"], "v2 instead of v1?")
    team.functions.wait_until(lambda: len(team.functions.runs_of()) == 2)
    team.functions.finish(team.functions.runs_of()[1]["run_id"])
    second = team.seen(first["seq"], "v3 instead of v1?")
    then = team.slack.seq()
    team.slack.press("owner", second, "version.promote")
    team.seen(then, "v3 was promoted")
    team.seen(then, "v3 was promoted meanwhile")
    assert len(team.cards()) <= cards + 1  # the prediction's, if it was not there yet


def decision(thawed: FrozenTeam) -> None:
    """The card that waited for its approvers takes the press, and the champion moves once."""
    team = thawed.team
    then = team.slack.seq()
    team.slack.press("owner", card(team, thawed.notes["decision"]), "version.promote")
    done = team.seen(then, "v2 was promoted")
    assert done["message"]["ts"] == thawed.notes["decision"]
    assert [one["version"] for one in team.functions.models[OTHER_MODEL].aliases] == [1, 2]


def confirmation(thawed: FrozenTeam) -> None:
    """A command that waited to be confirmed is started by its old button, and ends on its card."""
    team, github = thawed.team, thawed.github
    known = len(github.runs)
    then = team.slack.seq()
    team.slack.press("owner", card(team, thawed.notes["confirm"]), "work.start")
    github.wait_until(lambda: len(github.runs) > known)
    started = next(one for one in github.runs if one["path"].endswith("plain.yml"))
    github.end(started)
    done = team.seen(then, "Plain in acme/flights is done")
    assert done["message"]["ts"] == thawed.notes["confirm"]


def workflow(thawed: FrozenTeam) -> None:
    """A run on GitHub is followed to its end."""
    thawed.github.end(next(one for one in thawed.github.runs if one["id"] == thawed.notes["workflow"]))
    thawed.team.seen(thawed.notes["before"], "Retrain in acme/flights is done")


def backfill(thawed: FrozenTeam) -> None:
    """A run of an endpoint is followed to its end."""
    thawed.endpoint.end(thawed.notes["backfill"])
    thawed.team.seen(thawed.notes["before"], "backfill is done")


def event(thawed: FrozenTeam) -> None:
    """The delivery that was refused goes on until the receiver listens."""
    engine = make_engine(thawed.team.database_url)
    try:
        ledger = Deliveries(engine)
        wait_until(lambda: all(one["ended_at"] is not None for one in ledger.of("glue")))
        assert {one["state"] for one in ledger.of("glue")} == {"delivered"}
    finally:
        engine.dispose()


def checks(thawed: FrozenTeam) -> None:
    """The checks pass, and the deployment that waited for them starts once and ends."""
    team, github = thawed.team, thawed.github
    github.checked.append("a" * 40)
    github.wait_until(lambda: any(one["path"].endswith("deploy.yml") for one in github.runs))
    (run,) = [one for one in github.runs if one["path"].endswith("deploy.yml")]
    github.end(run)
    team.seen(thawed.notes["before"], "production is done")


def approval(thawed: FrozenTeam) -> None:
    """The approval that a deployment waited for is given by its old button."""
    team, github = thawed.team, thawed.github
    then = team.slack.seq()
    team.slack.press("owner", card(team, thawed.notes["review"]), "work.approve")
    github.wait_until(lambda: thawed.notes["site"] in github.approved)
    github.end(next(one for one in github.runs if one["id"] == thawed.notes["site"]))
    done = team.seen(then, "pages is done")
    assert done["message"]["ts"] == thawed.notes["review"]


def experiment(thawed: FrozenTeam) -> None:
    """The run that the experiment started ends, and its issue says how."""
    github = thawed.github
    github.end(next(one for one in github.runs if one["id"] == thawed.notes["experiment"]))
    thawed.team.seen(thawed.notes["before"], "The result is in the issue: #1")
    assert "**Succeeded**" in str(github.issues[0]["body"])


def incident(thawed: FrozenTeam) -> None:
    """A subscription still hears, and what recovers is told where it had failed."""
    github = thawed.github
    github.end(github.add_run("checks.yml"))
    over = thawed.team.event(thawed.notes["before"], "message_changed", "has recovered")
    assert over["message"]["ts"] == thawed.notes["incident"]


def form(thawed: FrozenTeam) -> None:
    """A form that was opened under the earlier release is judged and does what it says."""
    team, view = thawed.team, thawed.notes["form"]
    team.slack.running._served.views._modals[view["id"]] = OpenView(view, "U01VIEWER00", "C01ARRIVALS")
    then = team.slack.seq()
    assert not team.slack.submit("viewer", {"Flight": "UA9", "Gate": "71"}, view)["ok"]
    assert team.slack.submit("viewer", {"Flight": "UA9", "Gate": "C71"}, view)["ok"]
    assert "about 12 min" in team.event(then, "message_posted", "flight=UA9")["plain"]


ENDINGS: tuple[Callable[[FrozenTeam], None], ...] = (
    *(prediction, runs, decision, confirmation, workflow, backfill, event, checks, approval, experiment),
    *(incident, form),
)


def end(thawed: FrozenTeam, ending: Callable[[FrozenTeam], None]) -> None:
    """Let a story end, once."""
    if ending not in thawed.notes["ended"]:
        thawed.notes["ended"].add(ending)
        ending(thawed)


# --- the tests --------------------------------------------------------------------------------------------


def test_there_is_a_story_for_each_release() -> None:
    """The releases are there, so that the rest of this module looks at something."""
    assert RELEASES
    assert len(STORIES) >= 10


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.__name__)
def test_each_story_ends(thawed: FrozenTeam, ending: Callable[[FrozenTeam], None]) -> None:
    """What waited under the earlier release goes on under this one, as its story says."""
    end(thawed, ending)


def test_nothing_is_left_waiting(thawed: FrozenTeam) -> None:
    """Once all stories have ended, no flow of the earlier release waits, and none ended in an error."""
    for ending in ENDINGS:
        end(thawed, ending)
    client = open_client(thawed.team.database_url)
    try:
        wait_until(lambda: not client.list_workflows(status=["PENDING", "ENQUEUED"]))
        assert client.list_workflows(status=["ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]) == []
    finally:
        client.destroy()
    assert "Traceback" not in thawed.team.bots[-1].said


def waits_after(steps: Sequence[StepInfo], name: str) -> bool:
    """Return whether a flow has done the step *name* and keeps until when it waits for what comes next."""
    return [one["function_name"] for one in steps][-2:] == [name, "DBOS.sleep"]


def as_first_kept(deploying: DeployingTeam, *, mapped: bool) -> str:
    """Let a deployment wait for its approval, kill the bot, and keep that as release 0.1.0 did."""
    team = deploying.team
    if not mapped:
        team.config.write_text(team.config.read_text("utf-8").replace(MAPPED, ""), "utf-8")
    bot = deploying.start_bot()
    before = team.say("operator", "/ml deploy api")
    waits = team.seen(before, "waits for an approval by")
    team.seen(before, "please approve or reject above")
    client = open_client(team.database_url)
    try:
        (flow,) = client.list_workflows(name="work")
        wait_until(lambda: waits_after(client.list_workflow_steps(flow.workflow_id), "call the reviewers"))
    finally:
        client.destroy()
    bot.kill()
    with closing(sqlite3.connect(team.folder / "bot.sqlite3")) as database, database:
        kept = database.execute(
            "UPDATE operation_outputs SET output = json_remove(output, '$.done.called')"
            " WHERE function_name = 'see where the card is' RETURNING output"
        ).fetchall()
        looked = database.execute(
            "SELECT count(*) FROM operation_outputs WHERE function_name = 'look up whom to call'"
        ).fetchone()
    assert "called" not in kept[0][0]
    assert looked == (0 if mapped else 1,)
    return str(waits["message"]["ts"])


@pytest.mark.parametrize(
    "mapped", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["unmapped", "mapped"]
)
def test_a_call_of_reviewers_as_the_first_release_kept_it(
    deploying_team: DeployingTeam, mapped: bool
) -> None:
    """Whether the settings named a reviewer or not, the run that 0.1.0 left waiting comes to its end."""
    team, github = deploying_team.team, deploying_team.github
    ts = as_first_kept(deploying_team, mapped=mapped)
    before = team.slack.seq()
    bot = deploying_team.start_bot()
    run = deploying_team.runs("deploy.yml")[0]
    path = f"/repos/acme/flights/actions/runs/{run['id']}/pending_deployments"
    reviewer = team.more_env["GITHUB_REVIEW_TOKEN"]
    ids = [one["environment"]["id"] for one in github.api("GET", path, token=reviewer).json()]
    review = {"environment_ids": ids, "state": "approved", "comment": ""}
    assert github.api("POST", path, review, token=reviewer).ok
    assert team.state(before, "done")["message"]["ts"] == ts
    assert "could not be called" not in bot.said


def test_a_flow_out_of_step_holds_nobody_up(deploying_team: DeployingTeam) -> None:
    """Where a flow cannot go on as it was kept, the person hears so, and the target takes the next one."""
    team = deploying_team.team
    as_first_kept(deploying_team, mapped=False)
    text = team.config.read_text("utf-8").replace("[github.people]\n", f"[github.people]\n{MAPPED}")
    team.config.write_text(text, "utf-8")
    before = team.slack.seq()
    deploying_team.start_bot()
    team.private(before, "The bot's log says more (DBOSUnexpectedStepError)")
    team.say("operator", "/ml deploy api")
    wait_until(lambda: len(team.cards()) == 2)


def test_times_move_and_names_do_not() -> None:
    """Times near the freezing move with the calendar; Slack's timestamps and the stories' own dates stay."""
    at = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
    text = (
        '"2026-11-21T15:00:00.5+00:00" 2026-11-28 15:00:00 1795273200000 "1795273200.000100" '
        "2013-07-04T05:00:00Z"
    )
    assert moved(text, at, timedelta(days=400)) == (
        '"2027-12-26T15:00:00.500000+00:00" 2028-01-02 15:00:00 1829833200000 "1795273200.000100" '
        "2013-07-04T05:00:00Z"
    )

"""The bot is killed around an incident, or two share it: a channel has one message for it, and one reply."""

from __future__ import annotations

import pytest

from tests.stand_ins.actions_team import ActionsTeam
from tests.stand_ins.mortal_team import MortalTeam

pytestmark = pytest.mark.faults

QUICK = ("--heartbeat-seconds", "0.25", "--stale-seconds", "4")
"""So that what a dead bot had is taken over while the test waits."""


@pytest.mark.parametrize("taken", [False, True], ids=["before Slack has the post", "after it has"])
def test_killed_between_the_claim_and_the_post(actions_team: ActionsTeam, taken: bool) -> None:
    """The incident was taken and its message not kept: the next start posts it, or finds it."""
    team = actions_team
    bot = team.start_bot()
    team.subscribe()
    team.slack.fault("chat.postMessage", after=taken, hang_seconds=600)
    before = team.slack.seq()
    team.run("failure", "ValueError: no rows\n")
    team.team.stored("incident", "take the news")
    if taken:
        team.posted(before, "failed at")
    bot.kill()
    team.slack.clear_faults()
    team.start_bot()
    team.team.stored("incident", "remember its message")
    assert len(team.messages()) == 1
    then = team.slack.seq()
    team.run()
    over = team.edited(then, "has recovered")
    team.posted(over["seq"], "has recovered with")
    assert len(team.messages()) == 1


def test_lost_answers_to_posts_about_runs(actions_team: ActionsTeam) -> None:
    """A post whose answer was cut off is found, whether it is about an incident or about a single run."""
    team = actions_team
    team.start_bot()
    team.subscribe("flights on=failure,success")
    for conclusion, step in (("failure", "remember its message"), ("success", "remember the run's message")):
        team.slack.fault("chat.postMessage", after=True, cut=True)
        team.run(conclusion, file=f"{'deploy' if conclusion == 'failure' else 'checks'}.yml")
        team.team.stored("incident", step)
    assert [text.count("deploy.yml") for text in team.messages()] == [1, 0]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_at_every_moment_of_an_incident(actions_team: ActionsTeam) -> None:
    """Dead at every moment from the first failure to the recovery: one message, one reply."""
    team = actions_team
    bot = team.start_bot()
    team.subscribe()
    bot.kill()
    mortal = MortalTeam(team.team, arguments=("--work-seconds", "0.1"))
    mortal.hear(lambda: team.run("failure", "ValueError: no rows\n"))
    mortal.hear(lambda: team.run("failure", "KeyError: 'gate'\n"))
    mortal.hear(team.run)
    counts = mortal.counts()
    mortal.close()
    (told,) = team.messages()
    assert "has recovered" in told
    card = next(one for one in team.slack.messages("ml-arrivals", "owner") if "has recovered" in one["plain"])
    assert len(team.team.thread(card)) == 1
    assert counts.kills["incident"] >= 25
    assert counts.doubled == ()


@pytest.mark.postgres
def test_two_bots_tell_of_an_incident_once(actions_team: ActionsTeam, postgres_url: str) -> None:
    """On one PostgreSQL each piece of news is told by one of them, also when the one that looks is killed."""
    team = actions_team
    team.team.database_url = postgres_url
    first = team.start_bot(*QUICK)
    team.subscribe()
    team.start_bot(*QUICK)
    before = team.slack.seq()
    run = team.run("failure")
    opened = team.posted(before, "failed at")
    team.rerun(run, 2, "failure")
    team.edited(opened["seq"], "has failed 2 times since")
    first.kill()
    team.rerun(run, 3, "failure")
    again = team.edited(opened["seq"], "has failed 3 times since")
    team.run()
    over = team.edited(again["seq"], "has recovered")
    team.posted(over["seq"], "has recovered with")
    assert len(team.messages()) == 1
    assert len(team.team.thread(opened)) == 1

"""Subscriptions in a channel, on a GitHub whose runs really run: one message for each incident."""

from __future__ import annotations

import re
from datetime import timedelta

from bot.databases import make_engine
from bot.subscriptions import Subscriptions
from tests.stand_ins.actions_team import NAME, ActionsTeam
from tests.stand_ins.team import OVER_ALL, over

pytestmark = over(OVER_ALL)


def test_an_incident_from_first_failure_to_recovery(actions_team: ActionsTeam) -> None:
    """The first failure posts, further ones edit, the recovery edits and replies; the next one is new."""
    team, github = actions_team, actions_team.github
    team.start_bot()
    said = team.subscribe()
    assert "every workflow in acme/flights on every branch" in said["plain"]
    assert "`failure` and `recovery`" in said["plain"]
    before = team.slack.seq()
    first = team.run("failure", "ValueError: no rows\n")
    opened = team.posted(before, "deploy.yml on main in acme/flights failed at")
    assert "ship › Build: ValueError: no rows" in opened["plain"]
    assert "last run #1 by toban" in opened["plain"]

    team.run("failure", "KeyError: 'gate'\n")
    again = team.edited(opened["seq"], "has failed 2 times since")
    assert "KeyError: 'gate'" in again["plain"]
    assert again["message"]["ts"] == opened["message"]["ts"]
    team.rerun(first, 2, "failure")
    team.edited(again["seq"], "has failed 3 times since")
    then = team.slack.seq()
    team.run()
    over = team.edited(then, "deploy.yml on main in acme/flights has recovered")
    reply = team.posted(over["seq"], "has recovered with run #3 by toban")
    assert reply["message"]["thread_ts"] == opened["message"]["ts"]
    assert "It had failed 3 times" in reply["plain"]
    assert len(team.messages()) == 1

    then = team.slack.seq()
    team.run("failure")
    fresh = team.posted(then, "failed at")
    assert fresh["message"]["ts"] != opened["message"]["ts"]
    assert len(team.messages()) == 2
    assert all(one["attempts"] == [] for one in github.deliveries())
    assert "deploy.yml on main in acme/flights" in team.team.told(
        "viewer", f"/ml show {team.team.flow('incident')}"
    )
    assert NAME in team.team.told("viewer", "/ml subscriptions")


def test_what_was_asked_for_and_nothing_else(actions_team: ActionsTeam) -> None:
    """Channels hear of their own workflows, branches and states; each run that is wanted has one message."""
    team, github = actions_team, actions_team.github
    team.start_bot()
    team.subscribe("flights workflow=Deploy branch=main on=failure")
    said = team.subscribe("flights branch=release/* on=success, started", "ml-wine")
    assert "every workflow in acme/flights on branch `release/*`*: `success` and `started`" in said["plain"]
    team.run("failure", file="checks.yml")
    before = team.slack.seq()
    github.hold(step="Build")
    runs = github.push(NAME, "release/1", {"a.txt": "1"})["runs"]
    for run in runs:
        github.wait_for_step(run, "Build")
    began = team.posted(before, "release/1 in acme/flights is running")
    github.release()
    team.edited(began["seq"], "release/1 in acme/flights succeeded")
    team.slack.wait_for(
        lambda event: sum("succeeded" in text for text in team.messages("ml-wine")) == 2, after=before
    )
    assert len(team.messages("ml-wine")) == 2
    assert team.messages() == []

    before = team.slack.seq()
    team.run("failure")
    opened = team.posted(before, "deploy.yml on main")
    team.run()
    team.edited(opened["seq"], "has recovered")
    team.run("failure")
    team.posted(opened["seq"], "failed at")
    assert all("has recovered with" not in text for text in team.team.thread(opened["message"]))
    assert len(team.messages("ml-wine")) == len(runs) == 2


@over(["http"])  # GitHub tells of it
def test_a_rerun_ends_an_incident_and_shows_itself(actions_team: ActionsTeam) -> None:
    """That it is tried again is shown on the incident; its success is the recovery."""
    team, github = actions_team, actions_team.github
    team.start_bot(hooked=True)
    team.subscribe()
    before = team.slack.seq()
    run = team.run("failure")
    opened = team.posted(before, "failed at")
    team.slack.web_client().chat_delete(channel="C01ARRIVALS", ts=opened["message"]["ts"])
    github.hold(step="Build")
    so_far = github.seq()
    assert github.api("POST", f"/repos/{NAME}/actions/runs/{run}/rerun").status_code == 201
    github.wait_for(lambda event: event["kind"] == "step" and event["step"] == "Build", after=so_far)
    anew = team.posted(opened["seq"], "run #1, attempt 2 is running")
    github.release()
    over = team.edited(anew["seq"], "has recovered")
    assert over["message"]["ts"] == anew["message"]["ts"]
    assert "run #1, attempt 2 succeeded" in over["plain"]


def test_listed_changed_and_taken_away(actions_team: ActionsTeam) -> None:
    """Subscribing again changes what is wanted; a number, or what it is about, takes one away."""
    team = actions_team
    team.start_bot()
    assert "has no subscriptions" in team.team.told("viewer", "/ml subscriptions")
    team.subscribe()
    team.subscribe("flights on=failure,success")
    assert "already: `failure` and `success`" in team.team.told(
        "operator", f"/ml subscribe {NAME} on=success,failure"
    )
    team.subscribe("flights workflow=checks.yml on=skipped")
    listed = team.team.told("viewer", "/ml subscriptions")
    numbers = re.findall(r"`(\d+)` ", listed)
    assert len(numbers) == 2
    assert "every workflow in acme/flights on every branch: `failure` and `success` · by @operator" in listed
    assert "Last looked at: acme/flights" in listed
    assert "Did you mean" in team.team.told("operator", "/ml unsubscribe flights workflow=other.yml")
    assert "roles do not cover" in team.team.told("viewer", f"/ml unsubscribe {numbers[0]}")
    before = team.team.say("operator", "/ml unsubscribe flights")
    team.posted(before, "hears no more of every workflow")
    before = team.team.say("operator", f"/ml unsubscribe #{numbers[1]}")
    team.posted(before, "hears no more of `checks.yml`")
    team.run("failure")
    assert "has no subscriptions" in team.team.told("viewer", "/ml subscriptions")
    assert all("failed" not in text for text in team.messages())


def test_slips_of_the_keyboard(actions_team: ActionsTeam) -> None:
    """Each wrong word is named with what it may have meant, and nothing is subscribed."""
    team = actions_team
    team.start_bot()

    def told(text: str, who: str = "operator") -> str:
        return team.team.told(who, f"/ml subscribe {text}")

    wrong = told("flights on=failed,recovry branches=main")
    assert "did you mean failure" in wrong
    assert "did you mean recovery" in wrong
    assert "did you mean branch" in wrong
    assert "`on` cannot be" in told("flights on=")
    assert "stands alone" in told("flights failure")
    assert "Did you mean `acme/flights`" in told("acme/flihgts")
    assert "Did you mean `deploy.yml`" in told("flights workflow=deplyo.yml")
    assert "Did you mean `main`" in told("flights branch=mian")
    assert "a text of 1 to 200 characters" in told(f"flights branch={'x' * 300}*")
    assert "not in toban.toml" in team.team.told("operator", "/ml unsubscribe \u00b2")
    assert "roles do not cover" in told("flights", "viewer")
    assert "/invite" in team.team.told("operator", "/ml subscribe flights", "random")
    assert "has no subscriptions" in team.team.told("viewer", "/ml subscriptions")


def test_after_a_time_away_each_story_is_told_by_its_end(actions_team: ActionsTeam) -> None:
    """What failed and recovered meanwhile is no news; what fails still is one message that names the gap."""
    team, github = actions_team, actions_team.github
    bot = team.start_bot()
    team.subscribe()
    bot.kill()
    _look_back(team, timedelta(hours=1))
    for run in github.push(NAME, "next", {"a.txt": "1"})["runs"]:
        github.wait_for_run(run)
    for conclusion in ("failure", "success"):
        team.run(conclusion, file="checks.yml")
    for _ in range(3):
        team.run("failure", ref="next")
    before = team.slack.seq()
    team.start_bot()
    told = team.posted(before, "deploy.yml on next in acme/flights has failed 3 times")
    assert "I did not look from" in told["plain"]
    then = team.slack.seq()
    team.run(file="checks.yml")
    team.run(ref="next")
    team.edited(then, "has recovered")
    assert len(team.messages()) == 1


def _look_back(team: ActionsTeam, age: timedelta) -> None:
    """Make the bot's last look at the repository so old."""
    engine = make_engine(team.team.database_url)
    kept = Subscriptions(engine)
    seen = kept.seen(NAME)
    assert seen is not None
    kept.see(NAME, seen.model_copy(update={"looked_at": seen.looked_at - age}))
    engine.dispose()

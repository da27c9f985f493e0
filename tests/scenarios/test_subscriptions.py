"""Subscriptions in a channel, on a GitHub whose runs really run: one message for each incident."""

from __future__ import annotations

from tests.stand_ins.actions_team import NAME, ActionsTeam


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
    assert github.counts()  # the loopback is asked by the poll only: no webhook was sent
    assert all(one["attempts"] == [] for one in github.deliveries())
    assert NAME in team.team.told("viewer", "/ml subscriptions")

"""The Home tab: a person's own start page, drawn when they look at it."""

from __future__ import annotations

from collections.abc import Callable

from tests.stand_ins.function_app import MODEL
from tests.stand_ins.team import OVER_BOTH, Team, over

pytest_plugins = ["tests.stand_ins.team"]
pytestmark = over(OVER_BOTH)


def look(team: Team, who: str) -> str:
    """Look at the Home tab; return its text once it is drawn anew."""
    before = team.slack.seq()
    assert team.slack.open_home(who)["ok"]
    return str(team.event(before, "home_published")["plain"])


def test_the_page_is_drawn_and_its_buttons_answer(new_team: Callable[..., Team]) -> None:
    """Models and role are shown; a button answers by direct message; Refresh draws it again."""
    team = new_team()
    team.start_bot()
    page = look(team, "viewer")
    assert "Arrival delay · champion v1" in page.replace("*", "")
    assert "You are viewer" in page.replace("`", "")
    before = team.slack.seq()
    assert team.slack.press("viewer", "home", "home.models")["ok"]
    answer = team.seen(before, "Arrival delay")
    assert answer["channel_name"] == "dm-viewer"
    before = team.slack.seq()
    assert team.slack.press("viewer", "home", "home.help")["ok"]
    team.seen(before, "What you can ask for")
    assert team.slack.press("viewer", "home", "form.open_a")["ok"]
    team.slack.wait_for(lambda event: bool(event.get("view", {}).get("submit")), after=before)
    assert team.slack.submit("viewer", {"Flight": "UA1"})["ok"]
    assert team.seen(before, "for flight UA1: about 12 min")["channel_name"] == "dm-viewer"
    assert team.slack.press("viewer", "home", "home.refresh")["ok"]
    team.event(before, "home_published")


def test_each_sees_only_what_is_theirs(team: Team) -> None:
    """A decision waits for the owner alone; what the operator asked for is on the operator's page only."""
    team.decision()
    assert "Your last results" in look(team, "operator")
    owner = look(team, "owner").replace("*", "")
    assert f"{MODEL}: shall v2 become the champion?" in owner
    assert f"retrain {MODEL}" not in owner
    team.say("operator", f"/ml retrain {MODEL} until=2013-07")
    team.started(2)
    team.stored("run", "watch the run")
    operator = look(team, "operator")
    assert "Running for you" in operator
    assert f"/ml retrain {MODEL} until=2013-06" in operator
    viewer = look(team, "viewer")
    for words in ("What waits for you", "Running for you", "retrain"):
        assert words not in viewer


def test_without_the_function_app_the_page_says_so(team: Team) -> None:
    """The page is drawn all the same."""
    team.functions.down = True
    assert "does not answer just now" in look(team, "viewer")


def test_somebody_without_a_role_reads_how_to_get_one(team: Team) -> None:
    """Nothing of the models is shown to them."""
    team.slack.add_person("guest", channels=["ml-arrivals"])
    page = look(team, "guest")
    assert "You have no role yet" in page
    assert "Arrival delay" not in page

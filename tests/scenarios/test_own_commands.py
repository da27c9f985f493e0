"""A team's own commands: typed, checked, confirmed, called, followed, reported, as if they were built in."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator

import pytest
import requests
from pydantic import ValidationError

from bot.signing import is_callback
from bot.team_file import TobanFile
from tests.stand_ins.endpoint import TeamEndpoint
from tests.stand_ins.function_app import KEY
from tests.stand_ins.github import REPOSITORY, GitHub
from tests.stand_ins.github_team import GitHubTeam
from tests.stand_ins.team import OVER_ALL, WAIT_SECONDS, Team, over

pytestmark = over(OVER_ALL)

START = Callable[..., Team]
SECRET = "a secret of the test's own"
COMMANDS = """
[commands.backfill]
summary = "Fill a day of features again."
connector = "http"
required = ["day"]
example = "day=2013-07-04"
values = {{ date = "inputs.day", limit = "inputs.rows", by = "who" }}

[commands.backfill.inputs]
day = {{ format = "date", description = "the day to fill" }}
rows = {{ type = "integer", minimum = 1, default = 1000 }}

[commands.backfill.http]
url = "{url}/later"
headers_from = {{ Authorization = "BACKFILL_AUTHORIZATION" }}
cancel_url = "stop"

[[commands.backfill.report]]
title = "Rows"
value = "total"

[[commands.backfill.report]]
title = "Days"
show = "table"
value = "days"

[[commands.backfill.report]]
title = "Per day"
show = "chart"
value = "days[].[day, rows]"

[commands.count]
summary = "Count what there is."
connector = "http"
roles = ["viewer"]
private = true
inputs = {{ what = {{ enum = ["days", "rows"] }} }}
http = {{ method = "GET", url = "{url}/now/{{what}}", send = "query" }}
required = ["what"]

[commands.wipe]
summary = "Forget everything."
connector = "http"
roles = ["owner"]
confirm = "Really forget {{what}}?"
inputs = {{ what = {{ type = "string" }} }}
required = ["what"]
http = {{ url = "{url}/now" }}

[commands.ring]
summary = "Work and call back."
connector = "http"
http = {{ url = "{url}/call-back", callback = "callback_url" }}

[commands.score]
summary = "Call a function of the function app."
connector = "azure_functions"
azure_functions = {{ route = "nothing-such" }}
"""


@pytest.fixture
def endpoint() -> Iterator[TeamEndpoint]:
    """The team's endpoint."""
    made = TeamEndpoint()
    yield made
    made.stop()


@pytest.fixture
def own(new_team: START, endpoint: TeamEndpoint) -> Team:
    """A team with commands of its own, whose bot is up."""
    team = new_team(more=COMMANDS.format(url=endpoint.url))
    team.start_bot(
        BACKFILL_AUTHORIZATION="Bearer of-the-test",
        TOBAN_HOOKS_SECRET=SECRET,
        TOBAN_PUBLIC_URL="https://bot.example.com",
    )
    return team


def test_a_command_in_the_settings_works_like_one_of_ours(own: Team, endpoint: TeamEndpoint) -> None:
    """Help, slips, refusals, roles, the call with its secret, the card, the report, the note."""
    team = own
    assert "Fill a day of features again." in team.told("viewer", "/ml help")
    assert "a whole number" in team.told("viewer", "/ml help backfill")
    assert "`backfill`" in team.told("viewer", "/ml backfil")
    assert "`backfill`" in team.told("operator", "/ml whoami")
    assert "for the role operator or owner" in team.told("viewer", "/ml backfill day=2013-07-04")
    assert "There is no such date" in team.told("operator", "/ml backfill day=2013-02-30")
    assert "`day` is missing" in team.told("operator", "/ml backfill rows=many")
    before = team.say("operator", "/ml backfill rows=5")
    form = team.event(before, "view_opened", "Day")["view"]
    assert form["blocks"][2]["element"]["initial_value"] == "5"
    assert endpoint.posts() == []

    before = team.say("operator", "/ml backfill —day 2013/7/4")
    (asked,) = endpoint.wait_for(1)[:1]
    assert asked["headers"]["authorization"] == "Bearer of-the-test"
    assert asked["raw"] == b'{"date": "2013-07-04", "limit": 1000, "by": "U01OPERATOR"}'
    assert "Bearer" not in team.bots[-1].said
    team.seen(before, "running")
    endpoint.end(next(iter(endpoint.runs)))
    done = team.state(before, "done")
    card = done["plain"]
    for words in ("backfill is done", "Rows: 200", "2013-07-05", "per-day.png", "asked by @operator"):
        assert words in card.replace("*", "").replace("`", "")
    team.seen(done["seq"], "@operator backfill is done.")


def test_a_run_is_cancelled_from_its_card(own: Team, endpoint: TeamEndpoint) -> None:
    """Cancel on the card asks the endpoint to stop, and the card says that it has."""
    before = own.say("operator", "/ml backfill day=2013-07-05")
    own.seen(before, "running")
    own.slack.press("operator", own.cards()[-1], "work.cancel")
    assert "was cancelled" in own.state(before, "done")["plain"]


def test_a_private_command_answers_in_the_talk_with_the_bot(own: Team, endpoint: TeamEndpoint) -> None:
    """Nothing of a private command is seen in the channel; its value stands in the address."""
    before = own.say("viewer", "/ml count what=days")
    done = own.state(before, "done")
    assert "total: 200" in done["plain"].replace("*", "")
    assert own.cards() == []
    assert endpoint.wait_for(1)[0]["path"] == "/now/days"


def test_a_command_that_asks_first_starts_on_a_press(own: Team, endpoint: TeamEndpoint) -> None:
    """Only a person with the role can confirm; leaving it starts nothing."""
    before = own.say("owner", "/ml wipe what=days")
    card = own.seen(before, "Really forget days?")
    pressed = own.slack.seq()
    own.slack.press("viewer", card, "work.start")
    assert "for the role owner" in own.private(pressed)["plain"]
    assert endpoint.posts() == []
    own.slack.press("owner", card, "work.start")
    assert "is done" in own.state(before, "done")["plain"]
    assert len(endpoint.posts()) == 1

    before = own.say("owner", "/ml wipe what=all")
    own.slack.press("owner", own.seen(before, "Really forget all?"), "work.dismiss")
    assert "was stopped by" in own.state(before, "done")["plain"]
    assert len(endpoint.posts()) == 1


@over(["http"])
def test_a_callback_ends_the_run_once(own: Team, endpoint: TeamEndpoint) -> None:
    """The address that the endpoint is given takes one callback; another, or a made-up one, is refused."""
    before = own.say("operator", "/ml ring")
    address = json.loads(endpoint.wait_for(1)[0]["raw"])["callback_url"]
    assert address.startswith("https://bot.example.com/callbacks/")
    key, token = address.rsplit("/", 2)[-2:]
    assert is_callback(SECRET, key, token)
    own.seen(before, "running")
    door = own.bots[-1].address.removesuffix("/slack/events")
    made_up = requests.post(f"{door}/callbacks/{key}/{'0' * 64}", json={}, timeout=WAIT_SECONDS)
    assert made_up.status_code == 404
    local = address.replace("https://bot.example.com", door)
    failed = requests.post(local, json={"state": "failed", "message": "no disk"}, timeout=WAIT_SECONDS)
    assert failed.status_code == 200
    assert requests.post(local, json={"state": "done"}, timeout=WAIT_SECONDS).status_code == 409
    done = own.state(before, "done")["plain"]
    assert "failed" in done
    assert "no disk" in done


def test_what_an_endpoint_refuses_is_on_the_card(own: Team) -> None:
    """A function that there is not is told with the function app's own words, on the job's card."""
    before = own.say("operator", "/ml score")
    assert "asked by @operator" in own.state(before, "done")["plain"]
    assert own.functions.calls[-1] == ("POST", "/api/nothing-such")
    assert KEY not in own.bots[-1].said


WORKFLOW = f"""
[commands.months]
summary = "Train on some months."
connector = "github_actions"
inputs = {{ months = {{ type = "integer", minimum = 1 }} }}
values = {{ months = "inputs.months", kind = "'full'" }}
github_actions = {{ repository = "{REPOSITORY}", workflow = "retrain.yml" }}

[[commands.months.report]]
title = "Error"
value = "metrics[0].value"
unit = "min"
"""


def test_a_workflow_is_adopted_as_it_is(github_team: GitHubTeam, github: GitHub) -> None:
    """An existing workflow becomes a command with inputs of its own and a report by template."""
    team = github_team.team
    team.config.write_text(team.config.read_text("utf-8") + WORKFLOW, encoding="utf-8")
    github_team.start_bot()
    before = team.say("operator", "/ml months months=3")
    github.wait_until(lambda: len(github.runs) > 0)
    run = github.runs[0]
    assert {"months": "3", "kind": "full"}.items() <= run["inputs"].items()
    github.add_report(run, b'{"metrics": [{"name": "mae", "value": 14.5, "unit": "min"}]}')
    github.end(run)
    assert "*Error*: 14.5 min" in team.state(before, "done")["plain"]


def test_a_workflow_of_an_unknown_repository_stops_the_start() -> None:
    """A repository that [github] does not name cannot be called."""
    with pytest.raises(ValidationError, match=f"needs {REPOSITORY} in"):
        TobanFile.model_validate(tomllib.loads(WORKFLOW))

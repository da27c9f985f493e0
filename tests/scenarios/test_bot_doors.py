"""The command line: both modes of `up`, `say`, `digest`, `manifest`, and why it could not start."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import requests

from bot.databases import make_engine
from bot.flows.digest import FIRST_SEEN
from bot.manifest import SCOPES
from bot.records import Records
from tests.stand_ins.bot_process import ROOT, run_bot
from tests.stand_ins.function_app import MODEL
from tests.stand_ins.team import WAIT_SECONDS, Team

START = Callable[..., Team]


def hourly() -> str:
    """Return a digest that is due half an hour away from now, so that it falls not due while a test runs."""
    return f"""
[[digests]]
name = "hourly"
cron = "{(datetime.now(UTC).minute + 30) % 60} * * * *"
time_zone = "Asia/Tokyo"
channel = "C01ARRIVALS"
"""


@pytest.mark.parametrize("http", [True, False], ids=["http", "socket"])
def test_both_modes_start_and_answer(new_team: START, http: bool) -> None:
    """Over HTTP and over Socket Mode a command is acked and answered, a button works, and SIGTERM ends it."""
    team = new_team()
    bot = team.start_bot(http=http)
    assert bot.ready["workspace"] == "Loopback"
    assert ("http://" in bot.address) == http
    assert "Arrival delay" in team.told("viewer", "/ml models")
    card = team.decision()
    before = team.slack.seq()
    team.slack.press("owner", card, "version.promote")
    assert "v2 was promoted" in team.state(before, "done")["plain"]
    assert bot.terminate() == 0
    assert "WARNING" not in bot.said


def test_unsigned_requests_are_refused(new_team: START) -> None:
    """A request without Slack's signature does nothing."""
    address = new_team().start_bot().address
    form = {"command": "/ml", "text": "models", "team_id": "T01LOOPBACK", "user_id": "U01OWNER000"}
    assert requests.post(address, data=form, timeout=WAIT_SECONDS).status_code == 401


def test_socket_mode_comes_back(new_team: START) -> None:
    """After Slack closes the socket the bot connects again and answers."""
    team = new_team()
    team.start_bot(http=False)
    team.told("viewer", "/ml whoami")
    before = team.slack.seq()
    assert team.slack.disconnect() == 1
    team.event(before, "socket_connected")
    assert "Arrival delay" in team.told("viewer", "/ml models")


def test_all_settings_at_fault_are_named_at_once(new_team: START) -> None:
    """A start without settings names each that is missing or wrong, and where it was looked for."""
    team = new_team(more='\n[[digests]]\ncron = "whenever"\nchannel = "C1"\n[nonsense]\n')
    env = {"TOBAN_CONFIG": str(team.config), "TOBAN_DATABASE_URL": "mysql://x", "SLACK_API_URL": "slack"}
    done = run_bot(["up", "--http", "127.0.0.1:0"], env)
    assert done.returncode == 2
    wanted = ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "TOBAN_FUNCTIONS_URL", "mysql", "SLACK_API_URL"]
    wanted += ["digests.0.cron", "'whenever'", "nonsense", str(team.config), "looked in"]
    assert [word for word in wanted if word not in done.stderr] == []
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "arguments"),
    [
        ("SLACK_BOT_TOKEN", "xoxb-" + "nobody", ("up", "--http", "127.0.0.1:0")),
        ("SLACK_APP_TOKEN", "xapp-" + "nobody", ("up",)),
        ("SLACK_APP_TOKEN", "xoxb-" + "mixed-up", ("up",)),
    ],
)
def test_token_that_slack_refuses_is_named(
    new_team: START, name: str, value: str, arguments: tuple[str, ...]
) -> None:
    """A token that is wrong or of another kind ends the start with its name, and without its value."""
    done = run_bot(arguments, new_team().env | {name: value})
    assert done.returncode == 2
    assert name in done.stderr
    assert value not in done.stderr


def test_address_that_cannot_be_is_named(new_team: START) -> None:
    """`--http` wants HOST:PORT."""
    done = run_bot(["up", "--http", "here"], new_team().env)
    assert (done.returncode, "HOST:PORT" in done.stderr) == (2, True)


def test_say_speaks_and_prints_what_people_see(new_team: START) -> None:
    """`toban say` prints the command and the answers that the speaker sees."""
    team = new_team()
    team.start_bot()
    text = f"/ml predict {MODEL} flight=UA1"
    done = run_bot(["say", "--as", "viewer", "--at", team.slack.url, text], {})
    assert done.returncode == 0
    assert done.stdout.startswith(f"viewer> {text}\n")
    assert "about 12 min" in done.stdout


def test_say_without_a_playground_says_what_to_do(new_team: START) -> None:
    """Without a running playground the answer names the command that starts one."""
    done = run_bot(["say", "/ml models"], {"TOBAN_PLAYGROUND_URL": "http://127.0.0.1:9"})
    assert (done.returncode, "make demo" in done.stderr, "Traceback" in done.stderr) == (1, True, False)


def test_speaking_does_not_wait_for_the_engine() -> None:
    """`say` and `manifest` do not import what only the running bot needs."""
    imports = "import sys, bot.__main__, bot.speaking, bot.manifest"
    code = f"{imports}; print({{'dbos', 'slack_bolt'}} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_digest_is_sent_now_by_command(new_team: START) -> None:
    """`toban digest` posts one digest without a running bot; an unknown name is refused."""
    team = new_team(more=hourly())
    done = run_bot(["digest"], team.env)
    assert done.returncode == 0, done.stderr
    assert "Digest hourly" in team.seen(0, "Digest hourly")["plain"]
    refused = run_bot(["digest", "weekly"], team.env)
    assert (refused.returncode, "known are: hourly" in refused.stderr) == (2, True)


def test_digest_that_fell_due_while_the_bot_was_down(new_team: START) -> None:
    """After downtime one digest goes out for the latest due time, naming the gap, and never a second one."""
    team = new_team(more=hourly())
    records = Records(make_engine(team.database_url))
    records.migrate()
    records.claim_digest("hourly", datetime.now(UTC) - timedelta(hours=5), FIRST_SEEN, FIRST_SEEN)
    records.engine.dispose()
    bot = team.start_bot()
    sent = team.seen(0, "Digest hourly")
    assert re.search(r"[45] earlier digests could not be sent", sent["plain"])
    team.stored("digest", "post the digest")
    bot.kill()
    team.start_bot()
    team.told("viewer", "/ml whoami")
    shown = [message["plain"] for message in team.slack.messages("ml-arrivals", "owner")]
    assert sum("Digest hourly" in text for text in shown) == 1


@pytest.mark.slow
def test_new_digest_is_not_sent_for_an_earlier_time(new_team: START) -> None:
    """A digest that is new in the settings waits for its first due time."""
    team = new_team(more=hourly())
    team.start_bot().kill()
    team.start_bot()
    team.told("viewer", "/ml whoami")
    shown = [message["plain"] for message in team.slack.messages("ml-arrivals", "owner")]
    assert not [text for text in shown if "Digest hourly" in text]


@pytest.mark.parametrize("arguments", [(), ("--http", "https://bot.example/")])
def test_manifest_fits_the_mode(new_team: START, arguments: tuple[str, ...]) -> None:
    """`toban manifest` prints an app for Socket Mode, or for HTTP with its address, with the least scopes."""
    done = run_bot(["manifest", *arguments], {"TOBAN_CONFIG": str(new_team().config)})
    manifest = json.loads(done.stdout)
    command = manifest["features"]["slash_commands"][0]
    assert manifest["settings"]["socket_mode_enabled"] == (not arguments)
    assert command.get("url") == ("https://bot.example/slack/events" if arguments else None)
    scopes = set(manifest["oauth_config"]["scopes"]["bot"])
    assert scopes == SCOPES.keys()


@pytest.mark.slow
def test_scopes_of_the_manifest_suffice(new_team: START) -> None:
    """With the manifest's scopes and no others, a whole retrain and a private answer work."""
    team = new_team(scopes=tuple(SCOPES))
    team.start_bot()
    card = team.decision()
    assert any("how far off" in reply for reply in team.thread(card))
    assert "role `owner`" in team.told("owner", "/ml whoami")

"""`toban check` against a whole team on loopback: all is well, and then each hop broken in turn."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.hops.check import check
from bot.hops.functions import key_fix
from bot.hops.report import as_json, as_text
from bot.manifest import OPTIONAL_SCOPES, SCOPES
from playground.slack.server import start
from playground.slack.settings import Settings
from playground.slack.under_test import SlackUnderTest
from tests.stand_ins.bot_process import run_bot
from tests.stand_ins.function_app import KEY, MODEL
from tests.stand_ins.github import REPOSITORY, TOKEN, GitHub
from tests.stand_ins.mlflow import MlflowStandIn
from tests.stand_ins.ports import DeadPort
from tests.stand_ins.team import Team

Json = dict[str, Any]
HEX = "0123456789abcdef" * 2
TOML = """
[[digests]]
name = "morning"
cron = "0 9 * * 1-5"
channel = "C01ARRIVALS"

[github]
repositories = ["{repository}"]

[mlflow]
address = "{mlflow}"
"""


@dataclass
class Whole:
    """A team with everything that can be checked; what a test breaks is put right by `mend`."""

    team: Team
    github: GitHub
    mlflow: MlflowStandIn
    shift_seconds: float = 0.0
    dead_ports: list[DeadPort] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._toml = self.team.config.read_text("utf-8")
        self._workspace = self.team.workspace.model_copy(deep=True)

    def mend(self) -> None:
        """Put everything back as it was."""
        self.team.config.write_text(self._toml, "utf-8")
        for name, value in self._workspace.model_copy(deep=True):
            setattr(self.team.workspace, name, value)
        self.team.slack.clear_faults()
        self.team.functions.forget()
        self.mlflow.token, self.shift_seconds = None, 0.0
        self.scopes(*SCOPES)
        (self.team.folder / "bot.sqlite3").unlink(missing_ok=True)
        while self.dead_ports:
            self.dead_ports.pop().close()

    def dead_port(self) -> int:
        """Return a port on which nobody listens before the test is over."""
        self.dead_ports.append(DeadPort())
        return self.dead_ports[-1].number

    def env(self, **changes: str) -> dict[str, str]:
        """Return the bot's environment with *changes*; an empty value takes a variable away."""
        more = {"GITHUB_API_URL": self.github.url, "GITHUB_TOKEN": TOKEN, "SLACK_SIGNING_SECRET": HEX}
        return {name: value for name, value in (self.team.env | more | changes).items() if value}

    def write(self, old: str, new: str) -> None:
        """Change the settings file."""
        text = self.team.config.read_text("utf-8")
        assert old in text
        self.team.config.write_text(text.replace(old, new), "utf-8")

    def channel(self, name: str, **changes: Any) -> None:
        """Change a channel of the workspace."""
        channel = self.team.workspace.channel(name)
        for name_of_field, value in changes.items():
            setattr(channel, name_of_field, value)

    def scopes(self, *granted: str) -> None:
        """Give the bot's token other scopes; the settings of a running Slack are frozen for all but us."""
        object.__setattr__(self.team.slack.running.settings, "scopes", granted)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """One team for the module, whose token has exactly the scopes of the manifest."""
    with ExitStack() as stack:
        mlflow, github = MlflowStandIn(), GitHub()
        stack.callback(mlflow.stop)
        stack.callback(github.stop)
        running = start(Settings(scopes=tuple(SCOPES), signing_secret=SecretStr(HEX)))
        stack.callback(running.stop)
        slack = stack.enter_context(SlackUnderTest(running))
        more = TOML.format(repository=REPOSITORY, mlflow=mlflow.url)
        team = Team(tmp_path_factory.mktemp("team"), slack, more=more)
        stack.callback(team.close)
        yield Whole(team, github, mlflow)


@pytest.fixture
def whole(shared: Whole) -> Iterator[Whole]:
    """The module's team, put right again after the test."""
    yield shared
    shared.mend()


def levels(findings: list[Json]) -> dict[str, str]:
    """Return each finding's level by hop and subject."""
    return {f"{one['hop']}: {one['about']}": one["level"] for one in findings}


def test_a_set_up_that_is_right_passes(whole: Whole) -> None:
    """Every hop is asked and is ok, nothing is left behind in Slack, and it took some time to find out."""
    findings = check(whole.env())
    assert [one for one in findings if one["level"] != "ok"] == []
    assert set(levels(findings)) >= {
        *("Slack: token", "Slack: scopes", "Slack: clock", "Slack: channel C01ARRIVALS"),
        *("Slack: user group @ml-owners", "Slack: user group @ml-operators"),
        *("Slack's way in: app token", "Slack's way in: signing secret", "database: writing"),
        *("function app: answer", "function app: key", "function app: store", f"function app: model {MODEL}"),
        *("function app: clock", f"GitHub: {REPOSITORY}", "MLflow: registry"),
    }
    served = whole.team.slack.running._served
    assert served.scheduled == {}  # type: ignore[union-attr]
    assert whole.team.slack.messages("ml-arrivals", "owner") == []
    assert all(one["seconds"] >= 0 for one in findings)


def test_optional_scopes_spare_the_planned_message(whole: Whole) -> None:
    """With the scopes to read channels membership is looked up, by id, without planning a message."""
    whole.scopes(*SCOPES, *OPTIONAL_SCOPES["channels"])
    before = whole.team.slack.counts().get("chat.scheduleMessage", 0)
    assert levels(check(whole.env()))["Slack: channel C01ARRIVALS"] == "ok"
    assert whole.team.slack.counts().get("chat.scheduleMessage", 0) == before


Break = Callable[[Whole], dict[str, str] | None]


def _set(**changes: str) -> Break:
    return lambda whole: changes


def _do(action: Callable[[Whole], Any]) -> Break:
    def act(whole: Whole) -> None:
        action(whole)

    return act


def _fault(method: str, **fault: Any) -> Break:
    return _do(lambda whole: whole.team.slack.fault(method=method, times=9, **fault))


def _without(scope: str) -> Break:
    return _do(lambda whole: whole.scopes(*(one for one in SCOPES if one != scope)))


BROKEN: dict[str, tuple[Break, str, str, str]] = {
    # what is broken: how, which finding says so, its level, a word of the fix
    "settings file": (
        _set(TOBAN_CONFIG="/nowhere/toban.toml"),
        "settings: settings",
        "fail",
        "docs/settings",
    ),
    "unknown key": (
        _do(lambda whole: whole.write("[mlflow]", "[mlflow]\ncolour = 1")),
        "settings: mlflow.colour",
        "fail",
        "docs/settings.md",
    ),
    "functions url": (_set(TOBAN_FUNCTIONS_URL=""), "settings: TOBAN_FUNCTIONS_URL", "fail", "toban init"),
    "bot token": (_set(SLACK_BOT_TOKEN="xoxb-" + "old"), "Slack: token", "fail", "OAuth & Permissions"),
    "person's token": (
        _do(lambda whole: setattr(whole.team.workspace.bot, "bot_id", "")),
        "Slack: token",
        "fail",
        "Bot User OAuth Token",
    ),
    "Slack away": (
        lambda whole: {"SLACK_API_URL": f"http://127.0.0.1:{whole.dead_port()}/api/"},
        "Slack: token",
        "fail",
        "HTTPS_PROXY",
    ),
    "Slack's sockets away": (
        _fault("apps.connections.open", cut=True),
        "Slack's way in: app token",
        "fail",
        "HTTPS_PROXY",
    ),
    "scope files:write": (
        _without("files:write"),
        "Slack: scope files:write",
        "fail",
        "install the app again",
    ),
    "scope usergroups:read": (_without("usergroups:read"), "Slack: user groups", "fail", "Bot Token Scopes"),
    "app token": (
        _set(SLACK_APP_TOKEN="xapp-" + "old"),
        "Slack's way in: app token",
        "fail",
        "connections:write",
    ),
    "no way in": (
        _set(SLACK_APP_TOKEN="", SLACK_SIGNING_SECRET=""),
        "Slack's way in: way in",
        "fail",
        "Signing Secret",
    ),
    "odd signing secret": (
        _set(SLACK_SIGNING_SECRET="not-of-slack"),
        "Slack's way in: signing secret",
        "warn",
        "Basic Information",
    ),
    "no bot there": (
        lambda whole: {"TOBAN_PUBLIC_URL": f"http://127.0.0.1:{whole.dead_port()}"},
        "Slack's way in: public address",
        "warn",
        "toban up --http",
    ),
    "something else there": (
        lambda whole: {"TOBAN_PUBLIC_URL": whole.team.slack.url},
        "Slack's way in: public address",
        "fail",
        "toban up --http",
    ),
    "not in the channel": (
        _do(lambda whole: whole.channel("ml-arrivals", members=["U01OWNER000"])),
        "Slack: channel C01ARRIVALS",
        "fail",
        "/invite @Toban",
    ),
    "no such channel": (
        _do(lambda whole: whole.write("C01ARRIVALS", "C0NOWHERE00")),
        "Slack: channel C0NOWHERE00",
        "fail",
        "channel's id",
    ),
    "channels cannot be asked": (
        _fault("chat.scheduleMessage", error="unknown_method"),
        "Slack: channel C01ARRIVALS",
        "warn",
        "/invite @Toban",
    ),
    "no such user group": (
        _do(lambda whole: whole.write("@ml-owners", "@ml-bosses")),
        "Slack: user group @ml-bosses",
        "fail",
        "User groups",
    ),
    "empty user group": (
        _do(lambda whole: whole.team.workspace.group("ml-owners").users.clear()),
        "Slack: user group @ml-owners",
        "warn",
        "Add people",
    ),
    "no owner": (
        _do(lambda whole: whole.write('owner = ["@ml-owners"]', "owner = []")),
        "Slack: owners",
        "warn",
        "[roles] owner",
    ),
    "clock": (
        _do(lambda whole: setattr(whole, "shift_seconds", 400.0)),
        "Slack: clock",
        "fail",
        "NTP",
    ),
    "function app away": (
        _do(lambda whole: setattr(whole.team.functions, "down", True)),
        "function app: answer",
        "fail",
        "functions.local",
    ),
    "not a function app": (
        lambda whole: {"TOBAN_FUNCTIONS_URL": whole.team.slack.url},
        "function app: answer",
        "fail",
        "TOBAN_FUNCTIONS_URL",
    ),
    "functions key": (_set(TOBAN_FUNCTIONS_KEY="another"), "function app: key", "fail", "functions.local"),
    "store away": (
        _do(lambda whole: whole.team.functions.store.update(reachable=False, detail="StoreUnavailable")),
        "function app: store",
        "fail",
        "TOBAN_STORE_URL",
    ),
    "store overwrites": (
        _do(lambda whole: whole.team.functions.store.update(refuses_second_create=False)),
        "function app: store",
        "fail",
        "Take another store",
    ),
    "older function app": (
        _do(lambda whole: whole.team.functions.store.pop("refuses_second_create")),
        "function app: store",
        "warn",
        "Deploy",
    ),
    "model not deployed": (
        _do(lambda whole: whole.team.functions.models.pop(MODEL)),
        f"function app: model {MODEL}",
        "fail",
        "Deploy the function app",
    ),
    "database on nothing": (
        lambda whole: {
            "TOBAN_DATABASE_URL": f"postgresql://bot:hush-hush@127.0.0.1:{whole.dead_port()}/toban"
        },
        "database: reaching it",
        "fail",
        "TOBAN_DATABASE_URL",
    ),
    "database damaged": (
        _do(lambda whole: (whole.team.folder / "bot.sqlite3").write_bytes(b"no database" * 999)),
        "database: writing",
        "fail",
        "local disk",
    ),
    "GitHub token": (
        _set(GITHUB_TOKEN="ghp_" + "old"),
        f"GitHub: {REPOSITORY}",
        "fail",
        "fine-grained token",
    ),
    "GitHub away": (
        lambda whole: {"GITHUB_API_URL": f"http://127.0.0.1:{whole.dead_port()}"},
        f"GitHub: {REPOSITORY}",
        "fail",
        "GITHUB_API_URL",
    ),
    "no such repository": (
        _do(lambda whole: whole.write(REPOSITORY, "acme/nothing")),
        "GitHub: acme/nothing",
        "fail",
        "[github] repositories",
    ),
    "webhook untried": (
        _set(GITHUB_WEBHOOK_SECRET="a-secret-of-webhooks"),
        "GitHub: webhook",
        "warn",
        "TOBAN_PUBLIC_URL",
    ),
    "MLflow token": (
        _do(lambda whole: setattr(whole.mlflow, "token", "wanted")),
        "MLflow: registry",
        "fail",
        "MLFLOW_TRACKING_TOKEN",
    ),
    "MLflow away": (
        _do(lambda whole: whole.write(whole.mlflow.url, f"http://127.0.0.1:{whole.dead_port()}")),
        "MLflow: registry",
        "fail",
        "[mlflow] address",
    ),
}


UNASKED = {
    "settings file": {"GitHub", "MLflow"},
    "unknown key": {"MLflow"},
    "functions url": {"function app"},
}
"""What cannot be asked, because where it is stood in what is broken."""


@pytest.mark.parametrize("what", BROKEN)
def test_each_broken_hop_says_so_and_hides_no_other(
    whole: Whole, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is broken is named with the sentence that mends it; every other hop still gives its findings."""
    breaking, expected, level, word = BROKEN[what]
    changes = breaking(whole)
    if whole.shift_seconds:
        monkeypatch.setattr("bot.hops.clocks.now", lambda: time.time() + whole.shift_seconds)
    findings = check(whole.env(**(changes or {})))
    assert levels(findings).get(expected) == level, as_text(findings)
    said = next(one for one in findings if f"{one['hop']}: {one['about']}" == expected)
    assert word in said["fix"]
    asked = {one["hop"] for one in findings}
    unasked = UNASKED.get(what, set())
    everything = {"settings", "Slack", "Slack's way in", "database", "function app", "GitHub", "MLflow"}
    assert asked == everything - unasked
    assert "hush" not in as_text(findings) + as_json(findings)


def test_no_secret_is_shown(whole: Whole) -> None:
    """Not one of the secrets stands in what is printed, also where the other side repeats it."""
    env = whole.env(
        TOBAN_HOOKS_SECRET="hooks-secret-of-the-test", TOBAN_FUNCTIONS_KEY="wrong-key-of-the-test"
    )
    whole.team.slack.fault(method="auth.test", times=9, error=f"bad {env['SLACK_BOT_TOKEN']}")
    findings = check(env)
    shown = as_text(findings) + as_json(findings)
    secrets = (
        "SLACK_BOT_TOKEN",
        "SLACK_APP_TOKEN",
        "SLACK_SIGNING_SECRET",
        "TOBAN_FUNCTIONS_KEY",
        "GITHUB_TOKEN",
    )
    assert [name for name in secrets if env[name] in shown] == []
    assert "bad [secret]" in shown


def test_the_running_bot_proves_its_address(whole: Whole) -> None:
    """Beside a bot over HTTP, its public address shows that both know one secret, and no forgery gets in."""
    env = {"SLACK_SIGNING_SECRET": HEX, "GITHUB_WEBHOOK_SECRET": "a-secret-of-webhooks"}
    bot = whole.team.start_bot(**env, GITHUB_API_URL=whole.github.url, GITHUB_TOKEN=TOKEN)
    public = bot.address.removesuffix("/slack/events")
    findings = check(whole.env(**env, TOBAN_PUBLIC_URL=public))
    assert [one for one in findings if one["level"] != "ok"] == [], as_text(findings)
    assert {"Slack's way in: public address", "GitHub: webhook"} <= levels(findings).keys()
    other = check(whole.env(SLACK_SIGNING_SECRET="f" * 32, TOBAN_PUBLIC_URL=public))
    assert levels(other)["Slack's way in: public address"] == "fail"
    wrong = check(whole.env(GITHUB_WEBHOOK_SECRET="another-secret-than-that", TOBAN_PUBLIC_URL=public))
    assert levels(wrong)["GitHub: webhook"] == "fail"
    assert bot.terminate() == 0


def test_on_the_command_line(whole: Whole, tmp_path: Path) -> None:
    """Exit status and JSON for programs, a table with what to mend for people; `--env-file` is read."""
    done = run_bot(["check", "--json"], whole.env())
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (0, True), done.stdout + done.stderr
    path = tmp_path / "team.env"
    env = whole.env()
    key = env.pop("TOBAN_FUNCTIONS_KEY")
    assert key == KEY
    path.write_text("TOBAN_FUNCTIONS_KEY=wrong-key-of-the-test\n")
    failed = run_bot(["check", "--env-file", str(path)], env)
    assert failed.returncode == 1
    assert "FAIL  function app: key\n      End what listens there, then: `set -a; . ./.env;" in failed.stdout
    assert "1 of " in failed.stdout
    assert "Traceback" not in failed.stderr


def test_the_report_alone_is_shown(whole: Whole, tmp_path: Path) -> None:
    """What libraries say of a part that is away stays unsaid, unless the environment file asks for it."""
    env = whole.env(SLACK_API_URL="http://127.0.0.1:9/api/")
    env.pop("TOBAN_LOG", None)
    away = run_bot(["check"], env)
    assert "reach 127.0.0.1 on port 9," in away.stdout
    assert away.stderr == ""
    path = tmp_path / "team.env"
    path.write_text("TOBAN_LOG=WARNING\n")
    assert "ERROR" in run_bot(["check", "--env-file", str(path)], env).stderr


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_said(whole: Whole, tmp_path: Path) -> None:
    """A database that the bot's user could not make is named with the user."""
    (tmp_path / "locked").mkdir(mode=0o500)
    found = check(whole.env(TOBAN_DATABASE_URL=f"sqlite:///{tmp_path}/locked/bot.sqlite3"))
    assert levels(found)["database: writing"] == "fail"


def test_a_network_file_system_is_refused(whole: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite on a share is named with the kind of file system and what to take instead."""
    monkeypatch.setattr("bot.hops.database.file_system_of", lambda _: "cifs")
    found = check(whole.env())
    assert levels(found)["database: file system"] == "fail"


@pytest.mark.postgres
def test_postgresql_is_reached_and_its_rights_are_tried(whole: Whole, postgres_url: str) -> None:
    """A database that takes tables is ok and stays empty; one whose user may make none says the GRANT."""
    import psycopg

    found = check(whole.env(TOBAN_DATABASE_URL=postgres_url))
    assert levels(found)["database: writing"] == "ok"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        left = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'toban_check'").fetchall()
        connection.execute("CREATE ROLE reader LOGIN PASSWORD 'hush-hush'")
    assert left == []
    place = postgres_url.partition("@")[2]
    refused = check(whole.env(TOBAN_DATABASE_URL=f"postgresql://reader:hush-hush@{place}"))
    fix = next(one["fix"] for one in refused if one["hop"] == "database" and one["level"] == "fail")
    assert "GRANT CREATE ON DATABASE" in fix
    assert "hush" not in as_text(refused)


def test_what_init_writes_passes_the_check(whole: Whole, tmp_path: Path) -> None:
    """From `toban init` in a script to a check without a complaint, in a folder of its own."""
    answers = ["--owner", "@ml-owners", "--operator", "@ml-operators", "--channel", "C01ARRIVALS"]
    team = whole.env()
    names = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "TOBAN_FUNCTIONS_URL", "TOBAN_FUNCTIONS_KEY")
    given = {name: team[name] for name in names}
    made = run_bot(["init", "--yes", "--folder", str(tmp_path), *answers], given)
    assert made.returncode == 0, made.stderr
    assert [value for name, value in given.items() if "URL" not in name and value in made.stdout] == []
    here = {
        "TOBAN_CONFIG": str(tmp_path / "toban.toml"),
        "TOBAN_DATABASE_URL": f"sqlite:///{tmp_path}/bot.sqlite3",
        "SLACK_API_URL": team["SLACK_API_URL"],
    }
    done = run_bot(["check", "--json", "--env-file", str(tmp_path / ".env")], here)
    findings = json.loads(done.stdout)["findings"]
    assert done.returncode == 0, done.stdout
    assert {one["level"] for one in findings} == {"ok"}
    assert {"Slack: channel C01ARRIVALS", f"function app: model {MODEL}"} <= levels(findings).keys()


def test_the_key_is_mended_where_the_function_app_is() -> None:
    """In Azure the key is copied from the portal; here the program is started with the bot's own."""
    assert "Azure portal" in key_fix("https://toban.azurewebsites.net")
    assert "functions.local" in key_fix("http://localhost:7071")

"""Canaries: every secret has a value that would be known anywhere, and after a busy day it is found nowhere.

Looked through are what the programs print and log at their most talkative, their databases, stores and
queues, and everything that Slack was sent.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from bot.settings import SECRETS
from ml.contract import FINAL_STATES
from playground.slack.under_test import SlackUnderTest
from tests.function_hosts import CALLER, ROOT, WAIT_SECONDS, FunctionHost, Home, wait_until
from tests.stand_ins.endpoint import TeamEndpoint
from tests.stand_ins.function_app import MODEL, problem
from tests.stand_ins.github import REPOSITORY, GitHub
from tests.stand_ins.team import PATIENT_SECONDS, Team

CANARY = "canary-5up3r-53cr37-"
TOML = """
[github]
repositories = ["{repository}"]

[hooks]
channel = "C01ARRIVALS"

[mlflow]
address = "{url}/mlflow"

[commands.backfill]
summary = "Fill a day of features again."
connector = "http"
http = {{ url = "{url}/now", headers_from = {{ authorization = "BACKFILL_KEY" }} }}

[commands.routed]
summary = "Call a function of the function app."
connector = "azure_functions"
azure_functions = {{ route = "routed" }}

[[webhooks]]
name = "glue"
url = "{url}/now"
events = ["run.finished", "version.promoted"]
secret_from = "GLUE_SECRET"
"""


def found(secrets: Mapping[str, str], told: Mapping[str, bytes]) -> list[str]:
    """Return which secrets stand where in what was told."""
    return [
        f"{name} in {where}"
        for where, text in told.items()
        for name, value in secrets.items()
        if value.encode() in text
    ]


def files_below(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file below *folder*, but the settings file."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "toban.toml"
    }


@pytest.fixture
def endpoint() -> Iterator[TeamEndpoint]:
    """An endpoint of the team, which also stands where MLflow should."""
    made = TeamEndpoint()
    yield made
    made.stop()


@pytest.fixture
def github() -> Iterator[GitHub]:
    """A GitHub that does not know the bot's token."""
    made = GitHub()
    yield made
    made.stop()


def test_the_bot_tells_no_secret(
    tmp_path: Path, start_slack: Callable[..., SlackUnderTest], endpoint: TeamEndpoint, github: GitHub
) -> None:
    """Through answers, refusals, faults and echoes of its own headers, no secret of the bot gets out."""
    slack = start_slack(ack_seconds=PATIENT_SECONDS, trigger_seconds=PATIENT_SECONDS)
    team = Team(tmp_path, slack, more=TOML.format(url=endpoint.url, repository=REPOSITORY))
    own = {name: f"{CANARY}{name.lower()}" for name in ("BACKFILL_KEY", "GLUE_SECRET", *SECRETS)}
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"):
        own[name] = team.env[name]
    for name in ("GITHUB_APP_PRIVATE_KEY", "TOBAN_DATABASE_URL"):  # a token is used, and no password
        del own[name]
    team.functions.key = own["TOBAN_FUNCTIONS_KEY"]
    team.more_env = {**own, "GITHUB_API_URL": github.url, "TOBAN_ENGINE_LOG": "DEBUG"}
    try:
        bot = team.start_bot(TOBAN_LOG="DEBUG")
        _be_busy(team, endpoint, own)
        assert bot.terminate() == 0
        slack_knows = {name: value for name, value in own.items() if not name.startswith("SLACK_")}
        seen = json.dumps(slack.feed(0)).encode()
        told = {**files_below(team.folder), "what it printed": json.dumps(bot.ready).encode()}
        assert len(told) >= 3
        assert len(seen) > 10_000
        assert found(own, told) == []
        assert found(slack_knows, {"Slack": seen}) == []
        assert slack.bot_token.encode() not in seen
    finally:
        team.close()


def _be_busy(team: Team, endpoint: TeamEndpoint, own: Mapping[str, str]) -> None:
    """Use everything that carries a secret, and let each of it fail once, saying back what it was sent."""
    team.told("owner", "/ml models")
    team.state(team.say("viewer", f"/ml predict {MODEL} flight=UA1545"), "done")
    card = team.decision()
    before = team.slack.seq()
    team.slack.press("owner", card, "version.promote")
    team.state(before, "done")
    team.state(team.say("owner", "/ml backfill"), "done")
    sent = [one["headers"].get("authorization") for one in endpoint.posts()]
    assert own["BACKFILL_KEY"] in sent
    echo = " ".join(own.values())
    endpoint.refuse = (400, {"message": f"bad header authorization: Bearer {own['BACKFILL_KEY']}"})
    said = team.state(team.say("owner", "/ml backfill"), "done")
    assert "bad header" in said["plain"]
    endpoint.refuse = (500, {"detail": echo})
    key = own["TOBAN_FUNCTIONS_KEY"]
    team.functions.refuse_next = [(422, problem(422, "no_rows", f"You sent x-functions-key: {key}."))]
    assert "You sent" in team.state(team.say("operator", f"/ml retrain {MODEL}"), "done")["plain"]
    for text in ("status", "run", f"run {REPOSITORY} plain.yml", "versions", "whoami"):
        team.told("owner", f"/ml {text}")
    team.state(team.say("owner", "/ml routed"), "done")
    team.functions.key = "another"
    assert "does not accept the bot's key" in team.told("owner", "/ml models")
    team.functions.down = True
    team.told("owner", f"/ml models {MODEL}")


# --- the function app -------------------------------------------------------------------------------------

GIVEN = (
    *("AzureWebJobsStorage", "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_CLIENT_SECRET", "AWS_SECRET_ACCESS_KEY"),
    *("GOOGLE_SERVICE_ACCOUNT_KEY", "GITHUB_TOKEN", "SLACK_BOT_TOKEN", "TOBAN_HOOKS_SECRET"),
)


def test_the_function_app_tells_no_secret(tmp_path: Path) -> None:
    """Predictions, a training, a failed one, faults and refusals leave no secret in store, queue or log."""
    secrets = {name: f"{CANARY}{name.lower()}" for name in (*GIVEN, "TOBAN_FUNCTIONS_KEY")}
    home = Home(tmp_path, secrets)
    log = tmp_path / "log"
    arguments = ["-m", "functions.local", "--port", "0", "--queue-dir", str(tmp_path / "queues")]
    with (
        log.open("wb") as written,
        subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**os.environ, **home.environment},
            stdout=subprocess.PIPE,
            stderr=written,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            host = FunctionHost(json.loads(ready)["listening"], process)
            answers = _use(host, secrets["TOBAN_FUNCTIONS_KEY"])
        finally:
            process.terminate()
            process.wait(WAIT_SECONDS)
    told = {**files_below(tmp_path), "answers": answers, "what it printed": ready.encode()}
    assert any(where.startswith("store/models/") for where in told)
    assert found(secrets, told) == []


def _use(host: FunctionHost, key: str) -> bytes:
    """Use every kind of address with *key*; return all answers."""
    host.session.headers["x-functions-key"] = key
    answers: list[bytes] = []

    def ask(method: str, path: str, body: object = None) -> bytes:
        answer = host.session.request(method, f"{host.url}/api/{path}", json=body, timeout=WAIT_SECONDS)
        answers.append(answer.content)
        return answer.content

    def train(behaviour: str) -> None:
        body = {"params": {"rows": 50, "behaviour": behaviour}, "caller": CALLER}
        run_id = json.loads(ask("POST", "models/sums/retrain", body))["run_id"]
        wait_until(lambda: json.loads(ask("GET", f"runs/{run_id}"))["state"] in FINAL_STATES)

    train("train")
    train("raise")
    row = {"first": 1.0, "second": "x"}
    ask("POST", "models/sums/predict", {"rows": [row, {"first": 1, "second": 2}], "caller": CALLER})
    for path in (
        "health",
        "models",
        "models/sums",
        "models/sums/versions/1",
        "runs",
        "nowhere",
        "openapi.json",
    ):
        ask("GET", path)
    ask("POST", "models/broken/retrain", {})
    ask("GET", f"models/{key[:5]}")
    return b"\n".join(answers)

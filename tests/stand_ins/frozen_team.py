"""A team whose flows wait in every place where a flow can wait: frozen by one release, thawed by the next.

`python -m tests.stand_ins.frozen_team tests/fixtures/bot-0.1.0` tells the stories, kills the bot and keeps
its database as SQL, what Slack shows, and what the systems around it know. Addresses are kept as names of the
systems, so that a thawed database speaks to new ports; all times are kept as they were, and move with the
calendar when it is thawed: a decision that had seven days then has seven days now.
"""

from __future__ import annotations

import json
import re
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.stand_ins.bot_process import BotProcess
from tests.stand_ins.endpoint import TeamEndpoint
from tests.stand_ins.function_app import MODEL, OTHER_MODEL, Model
from tests.stand_ins.github import REPOSITORY, TOKEN, Answer, GitHub, Json
from tests.stand_ins.team import WAIT_SECONDS, Team, team_in

SHA = {"main": "a" * 40, "next": "b" * 40}
TOML = f"""
[hooks]
channel = "C01ARRIVALS"

[github]
repositories = ["{REPOSITORY}"]
experiments = "{REPOSITORY}"

[github.people]
U01OWNER000 = "octo-owner"

[[github.workflows]]
file = "plain.yml"
roles = ["owner"]
confirm = true

[github.deployments.api]
repository = "{REPOSITORY}"
environment = "production"
workflow = "deploy.yml"

[github.deployments.site]
repository = "{REPOSITORY}"
environment = "pages"
workflow = "site.yml"
checks = "none"

[commands.backfill]
summary = "Fill a day of features again."
connector = "http"
inputs = {{ day = {{ format = "date" }} }}
http = {{ url = "{{endpoint}}/later", cancel_url = "stop", repeatable = true }}

[[webhooks]]
name = "glue"
url = "{{endpoint}}/now/told"
events = ["run.finished"]
secret_from = "GLUE_SECRET"
"""
DEPLOY = """
name: Deploy
on:
  workflow_dispatch:
    inputs:
      sha: {{type: string}}
jobs:
  ship:
    runs-on: ubuntu-latest
    environment: {environment}
    steps: [{{name: Roll out, run: "true"}}]
"""
QUICK = ("--work-seconds", "0.1", "--push-seconds", "60")
NEAR = timedelta(days=10)
"""Times that lie further from the freezing belong to the stories, not to the clock."""

DATABASE, SLACK, WORLD = "bot.sql", "journal.jsonl", "world.json"


class Deployed(GitHub):
    """The scripted GitHub, whose commits have checks and whose environments ask for approval."""

    def __init__(self) -> None:
        super().__init__()
        self.files |= {
            "deploy.yml": DEPLOY.format(environment="production"),
            "site.yml": DEPLOY.format(environment="pages"),
        }
        self.checked: list[str] = []
        self.approved: list[int] = []

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> Answer:
        """Answer what deployments ask, and leave the rest to the other one."""
        rest = path.removeprefix(f"/repos/{REPOSITORY}")
        if rest.endswith("/runs") and "head_sha" in query:
            return 200, {"workflow_runs": []}, {}
        if rest == "/tags":
            return 200, [], {}
        if rest == "/branches":
            return 200, [{"name": name, "commit": {"sha": sha}} for name, sha in SHA.items()], {}
        if rest == "/deployments":
            return 200, [], {}
        if found := re.fullmatch(r"/commits/([^/]+)(/check-runs|/status)?", rest):
            return self._commit(found[1], found[2])
        if found := re.fullmatch(r"/environments/(.+)", rest):
            rules = [_ask()] if found[1] == "pages" else []
            return 200, {"name": found[1], "protection_rules": rules}, {}
        if found := re.fullmatch(r"/actions/runs/(\d+)/(pending_deployments|approvals)", rest):
            return self._review(method, int(found[1]), found[2])
        return super().answer(method, path, query, body)

    def _commit(self, ref: str, what: str | None) -> Answer:
        if what == "/status":
            return 200, {"state": "success", "statuses": []}, {}
        sha = SHA.get(ref, ref)
        if what == "/check-runs":
            ended = sha in self.checked
            check = {"id": 1, "name": "test", "status": "completed" if ended else "in_progress"}
            check |= {"conclusion": "success" if ended else None, "started_at": "2026-11-01T12:00:00Z"}
            return 200, {"total_count": 1, "check_runs": [check]}, {}
        signed = {"name": "octo", "date": "2026-11-01T12:00:00Z"}
        inner = {"message": "Change", "author": signed, "committer": signed}
        return 200, {"sha": sha, "commit": inner, "html_url": "https://github.example/c"}, {}

    def _review(self, method: str, run_id: int, what: str) -> Answer:
        waits = [one for one in self.runs if one["id"] == run_id and one["status"] == "waiting"]
        environment = {"id": 7, "name": "pages"}
        if what == "approvals":
            said = {"environments": [environment], "state": "approved", "user": {"login": "octo-owner"}}
            return 200, [said | {"comment": ""}] if run_id in self.approved else [], {}
        if method == "POST":
            self.approved.append(run_id)
            self.change(waits[0], status="in_progress")
            return 200, [], {}
        asks = {"environment": environment, "wait_timer": 0, "current_user_can_approve": True}
        return 200, [asks | {"reviewers": _ask()["reviewers"]} for _ in waits], {}


def _ask() -> Json:
    owner = {"type": "User", "reviewer": {"login": "octo-owner", "id": 1}}
    return {"type": "required_reviewers", "reviewers": [owner]}


class DeafEndpoint(TeamEndpoint):
    """The team's endpoint, which does not listen to events while it is *deaf*."""

    deaf = False

    def answer(self, asked: Json) -> tuple[int, dict[str, str], Any]:
        """Refuse events for a while."""
        if self.deaf and asked["path"].startswith("/now/told"):
            return 503, {}, None
        return super().answer(asked)


class FrozenTeam:
    """A team with all its systems; what it waits for is in `notes`."""

    def __init__(self, team: Team) -> None:
        self.team = team
        self.github = Deployed()
        self.endpoint = DeafEndpoint()
        self.notes: dict[str, Any] = {}
        text = team.config.read_text("utf-8").replace("{endpoint}", self.endpoint.url)
        team.config.write_text(text, encoding="utf-8")
        team.more_env = {
            "GITHUB_API_URL": self.github.url,
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_REVIEW_TOKEN": TOKEN,
            "GLUE_SECRET": "a secret of the test's own",
        }

    def close(self) -> None:
        """End the systems around the bot."""
        self.github.stop()
        self.endpoint.stop()

    def start_bot(self) -> BotProcess:
        """Start a bot that looks often."""
        return self.team.start_bot(*QUICK)

    @property
    def addresses(self) -> dict[str, str]:
        """Where the systems listen now, by the names that stand for them in what is kept."""
        urls = {
            "functions": self.team.functions.url,
            "github": self.github.url,
            "endpoint": self.endpoint.url,
            "slack": self.team.slack.api_url.removesuffix("/api/"),
        }
        return {name: url.removeprefix("http://") for name, url in urls.items()}

    # --- the world around the bot -------------------------------------------------------------------------

    def world(self) -> Json:
        """Return what the systems know."""
        functions, github = self.team.functions, self.github
        models = {name: [one.versions, one.aliases] for name, one in functions.models.items()}
        return {
            "functions": {"by_key": functions.by_key, "runs": functions.runs, "models": models},
            "github": {"runs": github.runs, "issues": github.issues, "comments": github.comments},
            "endpoint": {"by_key": self.endpoint.by_key, "runs": self.endpoint.runs},
            "notes": self.notes,
        }

    def know(self, world: Json) -> None:
        """Let the systems know what they knew."""
        functions, github = self.team.functions, self.github
        functions.by_key, functions.runs = world["functions"]["by_key"], world["functions"]["runs"]
        functions.models = {name: Model(*known) for name, known in world["functions"]["models"].items()}
        github.runs, github.issues = world["github"]["runs"], world["github"]["issues"]
        github.start_from(len(github.runs) + 1)
        self.endpoint.by_key, self.endpoint.runs = world["endpoint"]["by_key"], world["endpoint"]["runs"]
        self.notes = world["notes"]


# --- freezing ---------------------------------------------------------------------------------------------


@contextmanager
def frozen_team(folder: Path) -> Iterator[FrozenTeam]:
    """Make the team, with a Slack that keeps what it shows in *folder*."""
    with team_in(folder, more=TOML, state=folder / "slack") as team, closing(FrozenTeam(team)) as made:
        yield made


def freeze(target: Path) -> None:
    """Tell every story up to where it waits, kill the bot, and keep everything in *target*."""
    with tempfile.TemporaryDirectory(prefix="toban-freeze-") as name, frozen_team(Path(name)) as made:
        bot = made.start_bot()
        for story in STORIES:
            story(made)
        bot.kill()
        target.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(Path(name) / "bot.sqlite3")) as database:
            (target / DATABASE).write_text(_named("\n".join(database.iterdump()), made), "utf-8")
        journal = (Path(name) / "slack" / SLACK).read_text("utf-8")
        (target / SLACK).write_text(_named(journal, made), "utf-8")
        world = json.dumps({"frozen_at": datetime.now(UTC).isoformat(), **made.world()}, indent=1)
        (target / WORLD).write_text(_named(world, made) + "\n", "utf-8")


def _named(text: str, made: FrozenTeam) -> str:
    for name, address in made.addresses.items():
        text = text.replace(address, f"<<{name}>>")
    return text


def _predicting(made: FrozenTeam) -> None:
    """A prediction waits for the function app."""
    made.team.functions.hold("/predict$")
    made.team.say("viewer", f"/ml predict {MODEL} flight=UA7")
    made.team.functions.wait_until(lambda: made.team.functions.count("POST", "/predict$") == 1)


def _training(made: FrozenTeam) -> None:
    """A run is watched, and another one waits behind it."""
    before, run = made.team.retrain()
    made.team.stored("run", "watch the run")
    made.team.functions.progress(run["run_id"], "fit", 0.5)
    made.team.seen(before, "50 %")
    made.team.say("operator", f"/ml retrain {MODEL} until=2013-07")
    made.team.stored("retrain", "remember the card")
    made.notes["run"] = run["run_id"]


def _deciding(made: FrozenTeam) -> None:
    """People decide on a candidate."""
    before = made.team.say("operator", f"/ml retrain {OTHER_MODEL}")
    made.team.functions.finish(made.team.started(model=OTHER_MODEL)["run_id"])
    made.notes["decision"] = made.team.state(before, "decision")["message"]["ts"]
    made.team.stored("decide", "call the approvers")


def _confirming(made: FrozenTeam) -> None:
    """A command waits to be confirmed."""
    before = made.team.say("owner", "/ml run plain")
    made.notes["confirm"] = made.team.state(before, "decision")["message"]["ts"]


def _working(made: FrozenTeam) -> None:
    """A workflow's run and an endpoint's run are watched."""
    before = made.team.say("operator", "/ml run retrain kind=full")
    made.team.seen(before, "running")
    made.notes["workflow"] = made.github.runs[0]["id"]
    before = made.team.say("operator", "/ml backfill day=2013-07-04")
    made.team.seen(before, "running")
    made.notes["backfill"] = "r1"


def _telling(made: FrozenTeam) -> None:
    """A service outside does not take an event."""
    made.endpoint.deaf = True
    before = made.team.say("operator", "/ml backfill day=2013-07-05")
    made.team.seen(before, "running")
    made.endpoint.end("r2")
    made.team.state(before, "done")
    made.team.stored("deliver", "note the delivery")


def _deploying(made: FrozenTeam) -> None:
    """One deployment waits for its checks, another one for an approval."""
    before = made.team.say("owner", "/ml deploy api main")
    made.team.seen(before, "It waits for 1 of 1 checks")
    before = made.team.say("owner", "/ml deploy site next")
    made.github.wait_until(lambda: made.github.runs[0]["path"].endswith("site.yml"))
    made.github.change(made.github.runs[0], status="waiting")
    made.notes["review"] = made.team.seen(before, "waits for an approval by")["message"]["ts"]
    made.notes["site"] = made.github.runs[0]["id"]
    made.team.stored("work", "call the reviewers")


def _experimenting(made: FrozenTeam) -> None:
    """An experiment waits for the end of its run."""
    known = len(made.github.runs)
    made.team.say("operator", '/ml experiment start run retrain kind=quick purpose="Is quick enough?"')
    made.github.wait_until(lambda: len(made.github.runs) > known)
    made.team.stored("experiment_record", "remember the issue")
    made.notes["experiment"] = made.github.runs[0]["id"]


def _subscribing(made: FrozenTeam) -> None:
    """A channel hears of failing workflows, and one of them fails."""
    before = made.team.say("operator", f"/ml subscribe {REPOSITORY} workflow=checks.yml", "ml-wine")
    made.team.seen(before, "This channel hears of")
    made.team.stored("subscribe", "remember the subscription")
    made.github.end(made.github.add_run("checks.yml"), "failure")
    made.notes["incident"] = made.team.seen(before, "failed at")["message"]["ts"]
    made.team.stored("incident", "remember its message")


def _asking(made: FrozenTeam) -> None:
    """Somebody has a form open."""
    before = made.team.say("viewer", f"/ml predict {MODEL}")
    opened = made.team.slack.wait_for(lambda event: event["kind"] == "view_opened", WAIT_SECONDS, before)
    made.notes["form"] = opened["view"]


STORIES: tuple[Callable[[FrozenTeam], None], ...] = (
    *(_training, _deciding, _confirming, _working, _telling, _deploying, _experimenting, _subscribing),
    *(_asking, _predicting),
)


# --- thawing ----------------------------------------------------------------------------------------------


@contextmanager
def thawed_team(source: Path, folder: Path) -> Iterator[FrozenTeam]:
    """Yield the team as it was frozen in *source*, at new addresses and with its times moved to now."""
    (folder / "slack").mkdir(parents=True)
    world = json.loads((source / WORLD).read_text("utf-8"))
    frozen_at = datetime.fromisoformat(world["frozen_at"])
    by = datetime.now(UTC) - frozen_at
    (folder / "slack" / SLACK).write_text((source / SLACK).read_text("utf-8"), "utf-8")
    with frozen_team(folder) as made:

        def fresh(text: str) -> str:
            for name, address in made.addresses.items():
                text = text.replace(f"<<{name}>>", address)
            return moved(text, frozen_at, by)

        made.know(json.loads(fresh(json.dumps(world))))
        with closing(sqlite3.connect(folder / "bot.sqlite3")) as database:
            database.executescript(fresh((source / DATABASE).read_text("utf-8")))
            _move_sleeps(database, by.total_seconds())
            database.commit()
        yield made


def moved(text: str, frozen_at: datetime, by: timedelta) -> str:
    """Return *text* with every time near *frozen_at* moved by *by*; Slack's timestamps are names and stay."""

    def move_iso(found: re.Match[str]) -> str:
        at = datetime.fromisoformat(found[0])
        if abs(at.replace(tzinfo=at.tzinfo or UTC) - frozen_at) > NEAR:
            return found[0]
        separator = found[0][10]
        later = (at + by).isoformat(separator)
        return later.replace("+00:00", "Z") if found[0].endswith("Z") else later

    def move_milliseconds(found: re.Match[str]) -> str:
        milliseconds = int(found[0])
        near = abs(milliseconds / 1000 - frozen_at.timestamp()) < NEAR.total_seconds()
        return str(milliseconds + int(by.total_seconds() * 1000)) if near else found[0]

    iso = r"20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)?"
    return re.sub(r"(?<![\d.])\d{13}(?![\d.])", move_milliseconds, re.sub(iso, move_iso, text))


def _move_sleeps(database: sqlite3.Connection, by_seconds: float) -> None:
    """Move the moments until which flows wait, which the engine keeps as seconds since 1970."""
    kept = "SELECT rowid, output FROM operation_outputs WHERE function_name = 'DBOS.sleep'"
    for row, output in database.execute(kept).fetchall():
        with suppress(TypeError, ValueError):
            until = json.dumps(float(output) + by_seconds)
            database.execute("UPDATE operation_outputs SET output = ? WHERE rowid = ?", (until, row))


if __name__ == "__main__":
    freeze(Path(sys.argv[1]))

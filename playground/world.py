"""The whole thing on one machine: a loopback Slack and GitHub, the function app on a folder, the real bot."""

from __future__ import annotations

import fcntl
import json
import secrets
import shlex
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from bot.commands import all_commands
from bot.manifest import build_manifest
from bot.team_file import TobanFile, load_team
from playground.completions import CompletionKeeper, ModelList, Repository, read_workflows
from playground.github.git import make_repository
from playground.programs import Program, ProgramFailed, free_port
from playground.slack.client import Playground
from playground.slack.workspace import default_workspace

ROOT = Path(__file__).resolve().parent.parent
PORTS = {"slack": 4100, "github": 4200, "functions": 7071, "bot": 3000}
REPOSITORY = "playground/models"
ENVIRONMENT = "production"
LOGINS = {"owner": "octo-owner", "operator": "octo-operator"}
REVIEWER = "octo-toban"
"""The GitHub user by whom the bot passes approvals on; people do it as themselves."""
TEAMS_REPOSITORY = ROOT / "playground" / "repository"
ON_GITHUB = """
# What the playground adds to the team's own settings: a repository, a model that is trained there, something
# that each push deploys from there, and whose login on GitHub is whose user in Slack.
[github]
repositories = ["{repository}"]

[github.people]
{people}

[github.deployments.board]
repository = "{repository}"
environment = "{environment}"
workflow = "deploy.yml"
branch = "main"
on_push = true
channel = "#ml-arrivals"
checks = ["board"]
check_minutes = 5

[models.wine-class.retrain]
repository = "{repository}"
workflow = "retrain.yml"
"""

# Git runs this after each commit: https://git-scm.com/docs/githooks#_post_commit
POST_COMMIT = """#!/bin/sh
# Tells the loopback GitHub of a commit that was made here, as a push would.
BRANCH=$(git branch --show-current) exec {python} -c '
import json, os, urllib.request

body = json.dumps({{"repository": "{repository}", "ref": os.environ["BRANCH"]}}).encode()
asked = urllib.request.Request("{url}/playground/push", body, {{"content-type": "application/json"}})
try:
    urllib.request.build_opener(urllib.request.ProxyHandler({{}})).open(asked, timeout=60).close()
except OSError as error:
    print(f"the playground did not take the push: {{error}}")
'
"""

CLAIM = "playground.lock"
"""The file that the playground at work in a folder holds locked; it says where the page is."""
Say = Callable[[str], None]


def post_commit(github_url: str) -> str:
    """Return the hook by which each commit in the team's repository is a push for the loopback GitHub."""
    return POST_COMMIT.format(python=shlex.quote(sys.executable), repository=REPOSITORY, url=github_url)


def _on_github() -> str:
    ids = {person.name: person.id for person in default_workspace().people}
    people = "\n".join(f'{ids[name]} = "{login}"' for name, login in LOGINS.items())
    return ON_GITHUB.format(repository=REPOSITORY, environment=ENVIRONMENT, people=people)


class World:
    """Four programs and their data in one folder. Make it, `start` it, use it, `stop` it."""

    def __init__(self, home: Path, say: Say = print) -> None:
        self.home = home
        self._say = say
        self.ports: dict[str, int] = {}
        self.programs: dict[str, Program] = {}
        self.secrets: dict[str, str] = {}
        self._claim: IO[str] | None = None

    @property
    def _secrets_file(self) -> Path:
        return self.home / "secrets.json"

    @property
    def store(self) -> Path:
        """The folder that stands for the object store."""
        return self.home / "store"

    @property
    def repository(self) -> Path:
        """The folder with the team's git repository."""
        return self.home / "repository"

    @property
    def board(self) -> Path:
        """What is deployed, as it is in production."""
        return self.home / ENVIRONMENT / "board.toml"

    @property
    def env(self) -> dict[str, str]:
        """The settings of function app and bot, as a team would put them into the environment."""
        return {
            "TOBAN_CONFIG": str(self.home / "toban.toml"),
            "TOBAN_DATABASE_URL": f"sqlite:///{self.home / 'bot.sqlite3'}",
            "TOBAN_STORE_URL": self.store.as_uri(),
            "TOBAN_FUNCTIONS_URL": f"http://127.0.0.1:{self.ports['functions']}",
            "TOBAN_FUNCTIONS_KEY": self.secrets["functions_key"],
            "SLACK_BOT_TOKEN": self.secrets["bot_token"],
            "SLACK_SIGNING_SECRET": self.secrets["signing_secret"],
            "SLACK_API_URL": f"http://127.0.0.1:{self.ports['slack']}/api/",
            "GITHUB_API_URL": f"http://127.0.0.1:{self.ports['github']}",
            "GITHUB_TOKEN": self.secrets["github_token"],
            "GITHUB_REVIEW_TOKEN": self.secrets["github_review_token"],
            "GITHUB_WEBHOOK_SECRET": self.secrets["github_webhook_secret"],
            "NO_PROXY": "127.0.0.1,localhost",
        }

    @property
    def addresses(self) -> dict[str, str]:
        """Where the programs listen."""
        return {name: f"http://127.0.0.1:{port}" for name, port in self.ports.items()}

    def claim(self) -> None:
        """Take the folder for this playground alone until `stop`: a second one would rewrite what it uses.

        Raises:
            ProgramFailed: the folder is not a playground's, or another playground is at work in it.
        """
        claimed = self.home / CLAIM
        mine = self._secrets_file.exists() or claimed.exists()
        if self.home.exists() and any(self.home.iterdir()) and not mine:
            raise ProgramFailed(f"{self.home} is not a playground's folder; choose an empty one with --home")
        self.home.mkdir(parents=True, exist_ok=True)
        claim = claimed.open("a+", encoding="utf-8")
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            with claim:
                claim.seek(0)
                where = claim.read()
            raise ProgramFailed(
                f"a playground is at work in {self.home} already{where and f', at {where}'}; "
                "use that one, end it there with `quit`, or choose another folder with --home"
            ) from error
        claim.truncate(0)
        self._claim = claim

    def start(self) -> Playground:
        """Start everything and return people's side of the loopback Slack."""
        if self._claim is None:
            self.claim()
        (self.home / "logs").mkdir(parents=True, exist_ok=True)
        self.store.mkdir(exist_ok=True)
        self.secrets = self._secrets()
        self._write_settings()
        for name, preferred in PORTS.items():
            self.ports[name] = free_port(preferred)
            if self.ports[name] != preferred:
                self._say(f"port {preferred} is busy; {name} takes {self.ports[name]}")
        print(self.addresses["slack"], end="", file=self._claim, flush=True)
        self._start("slack", "playground.slack", "--port", str(self.ports["slack"]), *self._slack_arguments())
        self._start("github", "playground.github", *self._github_arguments())
        self._announce_commits()
        self.start_functions()
        self._start("bot", "bot", "up", "--http", f"127.0.0.1:{self.ports['bot']}")
        return Playground(self.addresses["slack"])

    def keep_completions(self) -> None:
        """Let the page's box complete the bot's commands, models and inputs, as they stand from now on."""
        team = self._team
        models = ModelList(self.addresses["functions"], self.secrets["functions_key"])
        commands = all_commands(team.commands)
        slack = self.addresses["slack"]
        CompletionKeeper(slack, team.bot.command, commands, models, self._named_on_github).start()

    def _named_on_github(self) -> Repository:
        """Return what the team's settings and its repository let people name at this moment."""
        github = load_team(self.home / "toban.toml").github
        targets = {name: f"to {table.environment}" for name, table in github.deployments.items()}
        return Repository(github.repositories, read_workflows(self.repository), targets)

    def start_functions(self) -> None:
        """Start the function host; also again after it was stopped."""
        queues = str(self.home / "queues")
        self._start(
            "functions", "functions.local", "--port", str(self.ports["functions"]), "--queue-dir", queues
        )

    def restart_functions(self) -> None:
        """Stop and start the function host, as a serverless platform does all the time."""
        self.programs["functions"].stop()
        self.start_functions()

    def stop(self) -> None:
        """Stop everything, the last one started first."""
        for program in reversed(self.programs.values()):
            program.stop()
        if self._claim is not None:
            self._claim.close()
            self._claim = None

    def forget(self) -> None:
        """Delete all data of this playground, which has claimed the folder."""
        for path in self.home.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != CLAIM:
                path.unlink()

    @property
    def _team(self) -> TobanFile:
        return load_team(ROOT / "toban.toml")

    def _slack_arguments(self) -> list[str]:
        manifest = self.home / "manifest.json"
        manifest.write_text(json.dumps(build_manifest(self._team.bot, None)), encoding="utf-8")
        return [
            *("--manifest", str(manifest)),
            *("--app", f"http://127.0.0.1:{self.ports['bot']}/slack/events"),
            *("--state", str(self.home / "slack")),
            *("--signing-secret", self.secrets["signing_secret"]),
            *("--bot-token", self.secrets["bot_token"]),
        ]

    def _write_settings(self) -> None:
        """Write the settings file, and make the team's repository where there is none yet."""
        own = (ROOT / "toban.toml").read_text(encoding="utf-8")
        (self.home / "toban.toml").write_text(own + _on_github(), encoding="utf-8")
        if not (self.repository / ".git").exists():
            files = [one for one in TEAMS_REPOSITORY.rglob("*") if one.is_file()]
            texts = {str(one.relative_to(TEAMS_REPOSITORY)): one.read_text(encoding="utf-8") for one in files}
            make_repository(self.repository, texts)

    def _announce_commits(self) -> None:
        """Let each commit that somebody makes in the team's repository be a push."""
        hook = self.repository / ".git" / "hooks" / "post-commit"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(post_commit(self.addresses["github"]), encoding="utf-8")
        hook.chmod(0o755)

    def _github_arguments(self) -> list[str]:
        functions = f"http://127.0.0.1:{self.ports['functions']}"
        # The steps run the very code of this checkout, on the settings and the store of this playground.
        environ = {"PYTHONPATH": str(ROOT), "TOBAN_CONFIG": self.env["TOBAN_CONFIG"]}
        variables = {
            "TOBAN_FUNCTIONS_URL": functions,
            "TOBAN_STORE_URL": self.env["TOBAN_STORE_URL"],
            "BOARD_FOLDER": str(self.board.parent),
        }
        named = [("--environ", environ), ("--variable", variables)]
        return [
            *("--port", str(self.ports["github"])),
            *("--repo", f"{REPOSITORY}={self.repository}"),
            *("--token", self.secrets["github_token"]),
            *("--person", f"{REVIEWER}={self.secrets['github_review_token']}"),
            *("--environment", f"{ENVIRONMENT}={LOGINS['owner']},{REVIEWER}"),
            *("--webhook", f"http://127.0.0.1:{self.ports['bot']}/github/events"),
            *("--webhook-secret", self.secrets["github_webhook_secret"]),
            *("--secret", f"TOBAN_FUNCTIONS_KEY={self.secrets['functions_key']}"),
            *(word for option, pairs in named for pair in pairs.items() for word in (option, "=".join(pair))),
            # It forgets its runs when it ends, and the bot does not: no number may come again.
            *("--ids-from", str(int(time.time()))),
        ]

    def _start(self, name: str, module: str, *arguments: str) -> dict[str, Any]:
        log = self.home / "logs" / f"{name}.log"
        program = Program(name, ["-m", module, *arguments], self.env, ROOT, log)
        ready = program.start()
        self.programs[name] = program
        return ready

    def _secrets(self) -> dict[str, str]:
        """Return this playground's own secrets, made at its first start."""
        path = self._secrets_file
        made = {
            "bot_token": f"xoxb-{secrets.token_hex(12)}",
            "signing_secret": secrets.token_hex(16),
            "functions_key": secrets.token_urlsafe(24),
            "github_token": f"ghp_{secrets.token_hex(12)}",
            "github_review_token": f"ghp_{secrets.token_hex(12)}",
            "github_webhook_secret": secrets.token_hex(16),
        }
        known: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        if made.keys() - known.keys():  # a folder that an earlier version made lacks the newer ones
            path.touch(mode=0o600)
            path.write_text(json.dumps(made | known), encoding="utf-8")
        return made | known

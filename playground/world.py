"""The whole thing on one machine: a loopback Slack and GitHub, the function app on a folder, the real bot."""

from __future__ import annotations

import json
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playground.github.git import make_repository
from playground.programs import Program, ProgramFailed, free_port
from playground.slack.client import Playground

ROOT = Path(__file__).resolve().parent.parent
PORTS = {"slack": 4100, "github": 4200, "functions": 7071, "bot": 3000}
REPOSITORY = "playground/models"
TEAMS_REPOSITORY = ROOT / "playground" / "repository"
ON_GITHUB = f"""
# What the playground adds to the team's own settings: a repository, and a model that is trained there.
[github]
repositories = ["{REPOSITORY}"]

[models.wine-class.retrain]
repository = "{REPOSITORY}"
workflow = "retrain.yml"
"""

Say = Callable[[str], None]


class World:
    """Four programs and their data in one folder. Make it, `start` it, use it, `stop` it."""

    def __init__(self, home: Path, say: Say = print) -> None:
        self.home = home
        self._say = say
        self.ports: dict[str, int] = {}
        self.programs: dict[str, Program] = {}
        self.secrets: dict[str, str] = {}

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
            "GITHUB_WEBHOOK_SECRET": self.secrets["github_webhook_secret"],
            "NO_PROXY": "127.0.0.1,localhost",
        }

    @property
    def addresses(self) -> dict[str, str]:
        """Where the programs listen."""
        return {name: f"http://127.0.0.1:{port}" for name, port in self.ports.items()}

    def start(self) -> Playground:
        """Start everything and return people's side of the loopback Slack."""
        (self.home / "logs").mkdir(parents=True, exist_ok=True)
        self.store.mkdir(exist_ok=True)
        self.secrets = self._secrets()
        self._write_settings()
        for name, preferred in PORTS.items():
            self.ports[name] = free_port(preferred)
            if self.ports[name] != preferred:
                self._say(f"port {preferred} is busy; {name} takes {self.ports[name]}")
        self._start("slack", "playground.slack", "--port", str(self.ports["slack"]), *self._slack_arguments())
        self._start("github", "playground.github", *self._github_arguments())
        self.start_functions()
        self._start("bot", "bot", "up", "--http", f"127.0.0.1:{self.ports['bot']}")
        return Playground(self.addresses["slack"])

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

    def forget(self) -> None:
        """Delete all data of this playground; a folder with anything else in it is left alone.

        Raises:
            ProgramFailed: the folder is not a playground's.
        """
        if self.home.exists() and any(self.home.iterdir()) and not self._secrets_file.exists():
            raise ProgramFailed(f"{self.home} is not a playground's folder; choose an empty one with --home")
        shutil.rmtree(self.home, ignore_errors=True)

    def _slack_arguments(self) -> list[str]:
        return [
            *("--app", f"http://127.0.0.1:{self.ports['bot']}/slack/events"),
            *("--state", str(self.home / "slack")),
            *("--signing-secret", self.secrets["signing_secret"]),
            *("--bot-token", self.secrets["bot_token"]),
        ]

    def _write_settings(self) -> None:
        """Write the settings file, and make the team's repository where there is none yet."""
        own = (ROOT / "toban.toml").read_text(encoding="utf-8")
        (self.home / "toban.toml").write_text(own + ON_GITHUB, encoding="utf-8")
        if not (self.repository / ".git").exists():
            files = [one for one in TEAMS_REPOSITORY.rglob("*") if one.is_file()]
            texts = {str(one.relative_to(TEAMS_REPOSITORY)): one.read_text(encoding="utf-8") for one in files}
            make_repository(self.repository, texts)

    def _github_arguments(self) -> list[str]:
        functions = f"http://127.0.0.1:{self.ports['functions']}"
        # The steps run the very code of this checkout, on the settings and the store of this playground.
        environ = {"PYTHONPATH": str(ROOT), "TOBAN_CONFIG": self.env["TOBAN_CONFIG"]}
        variables = {"TOBAN_FUNCTIONS_URL": functions, "TOBAN_STORE_URL": self.env["TOBAN_STORE_URL"]}
        named = [("--environ", environ), ("--variable", variables)]
        return [
            *("--port", str(self.ports["github"])),
            *("--repo", f"{REPOSITORY}={self.repository}"),
            *("--token", self.secrets["github_token"]),
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
            "github_webhook_secret": secrets.token_hex(16),
        }
        known: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        if made.keys() - known.keys():  # a folder that an earlier version made lacks the newer ones
            path.touch(mode=0o600)
            path.write_text(json.dumps(made | known), encoding="utf-8")
        return made | known

"""All hops of `toban check`, from the environment.

A part that is not set up is no hop. What is wrong with the settings themselves is the first finding, and does
not keep the other parts from being asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bot.hops.database import DatabaseHop
from bot.hops.functions import FunctionsHop
from bot.hops.hop import Hop, Said, fail, ok, run_hops, warn, without_secrets
from bot.hops.services import GitHubHop, MlflowHop
from bot.hops.slack import SlackHop
from bot.hops.slack_doors import DoorsHop
from bot.settings import SECRETS, FoundSettings, find_settings
from bot.team_file import DEFAULT_CONFIG, TobanFile

ENV_FILE = Path(".env")
VARIABLE = re.compile(r"[A-Z][A-Z0-9_]+ ")
"""How a sentence on a variable of the environment begins; all others are on the file."""


def check(env: Mapping[str, str]) -> list[dict[str, Any]]:
    """Ask everything that *env* and `toban.toml` name; return the findings, without secrets, in order."""
    found = find_settings(env)
    named = found.team.variables() if found.team else {}
    secrets = [env.get(name, "") for name in (*SECRETS, *named) if name != "TOBAN_DATABASE_URL"]
    return without_secrets(run_hops(hops(found, env)), secrets)


def hops(found: FoundSettings, env: Mapping[str, str]) -> list[Hop]:
    """Return a hop for each part that is set up."""
    config = env.get("TOBAN_CONFIG") or DEFAULT_CONFIG
    public_url = found.hooks.get("public_url")
    made = [Hop("settings", lambda: _settings(found, config))]
    if found.slack is not None:
        slack = found.slack
        made.append(Hop("Slack", SlackHop(slack, found.team).ask))
        made.append(Hop("Slack's way in", DoorsHop(slack, public_url).ask))
    if found.database_url is not None:
        made.append(Hop("database", DatabaseHop(found.database_url).ask))
    if found.functions is not None:
        made.append(Hop("function app", FunctionsHop(found.functions, found.team).ask))
    if found.github is not None and found.team is not None:
        github = GitHubHop(found.github, found.team.github, public_url)
        made.append(Hop("GitHub", github.ask))
    if found.mlflow is not None:
        made.append(Hop("MLflow", MlflowHop(found.mlflow).ask))
    return made


def _settings(found: FoundSettings, config: str) -> Iterator[Said]:
    for problem in found.problems:
        yield fail(problem.partition(" ")[0], problem, _fix(problem))
    if found.team is not None:
        yield from _team(found, found.team, config)


def _team(found: FoundSettings, team: TobanFile, config: str) -> Iterator[Said]:
    if not found.problems:
        counted = {"model": team.models, "digest": team.digests, "command": team.commands}
        said = ", ".join(f"{len(of)} {name}{'' if len(of) == 1 else 's'}" for name, of in counted.items())
        yield ok(Path(config).name, said)
    if not team.models:
        yield warn(
            "models", "no model is named", "Name one in toban.toml, under [models.NAME] (docs/recipes.md)."
        )
    if team.hooks is not None and found.hooks.get("hooks_secret") is None:
        fix = "Set TOBAN_HOOKS_SECRET to 16 characters or more, for instance from `openssl rand -hex 32`."
        yield warn("webhooks", "[hooks] is set, but without TOBAN_HOOKS_SECRET no webhook is taken", fix)


def _fix(problem: str) -> str:
    if not VARIABLE.match(problem):
        return "Correct toban.toml, or let `toban init` write one; docs/settings.md lists what keys take."
    if ENV_FILE.exists():
        return "Correct it in .env; `toban check --env-file .env` reads that file."
    return "Run `toban init`, which asks for it, or set it in the environment (.env.example explains it)."

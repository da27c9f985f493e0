"""`toban init`: from a few answers to a `toban.toml` and a `.env` that load, and what to do next."""

from __future__ import annotations

import getpass
import json
import os
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit

from bot.env_file import env_line, read_env_file
from bot.errors import BotError, ConfigurationError
from bot.questions import ENV, QUESTIONS, TOML, Question
from bot.settings import Mode, load_settings

MODES = {"socket": "SLACK_APP_TOKEN", "http": "SLACK_SIGNING_SECRET"}
"""Each mode with the secret that it needs."""
FILE_MODES = {TOML: 0o644, ENV: 0o600}
LOCAL_STORE = ".toban/store"
"""Where a function app on this machine keeps what it makes."""
SECRET_BYTES = 32
TRIES = 3


class NotATerminal(BotError):
    """Nobody can be asked, and answers are missing; the message names the options that give them."""


@dataclass(frozen=True)
class Person:
    """Who answers: at a terminal, or in lines that are piped in, one for each question."""

    stdin: TextIO
    stdout: TextIO

    @property
    def is_present(self) -> bool:
        """Whether somebody sits there and can be asked again."""
        return self.stdin.isatty()

    def ask(self, question: Question, known: str = "") -> str:
        """Return the answer to *question*, empty for what is *known*; one that is needed is asked again."""
        default = "as it is" if known and question.secret else known or question.default
        prompt = question.text[0].upper() + question.text[1:] + (f" [{default}]: " if default else ": ")
        answer = ""
        for _ in range(TRIES):
            answer = self._unseen(prompt) if question.secret else self._line(prompt)
            text = answer.strip()
            if not answer or (question.takes(text) if text else known or not question.needed):
                return answer
        return answer

    def confirm(self, text: str) -> bool:
        """Return whether the person said yes to *text*."""
        return self._line(f"{text} [y/N] ").strip().casefold() in ("y", "yes")

    def _unseen(self, prompt: str) -> str:
        """As `_line`, and not shown while it is typed."""
        return f"{getpass.getpass(prompt)}\n" if self.is_present else self._line(prompt)

    def _line(self, prompt: str) -> str:
        """Return a line with its end, empty where a pipe ends; raise EOFError where somebody leaves."""
        self.stdout.write(prompt)
        self.stdout.flush()
        line = self.stdin.readline()
        if not self.is_present:
            self.stdout.write("\n")
        elif not line:
            raise EOFError
        return line


def init(options: Mapping[str, Any], env: Mapping[str, str], stdin: TextIO, stdout: TextIO) -> int:
    """Ask what *options* and *env* do not say, write the files, say what is next; return the exit status."""
    person = None if options["yes"] else Person(stdin, stdout)
    folder = Path(options["folder"])
    files = wanted_files(folder, bool(options["force"]), person)
    kept = read_env_file(folder / ENV) if (folder / ENV).exists() else {}
    given = {question.name: _given(question, options, env) for question in QUESTIONS}
    answers = _answers_that_load(folder, files, given, kept, person)
    for name in FILE_MODES:
        said = "wrote" if name in files else "kept, as it was (--force writes it anew):"
        stdout.write(f"{said} {folder / name}\n")
    stdout.write(next_steps(answers, folder))
    return 0


def _answers_that_load(
    folder: Path,
    files: Sequence[str],
    given: Mapping[str, str | None],
    kept: Mapping[str, str],
    person: Person | None,
) -> dict[str, str]:
    """Write the files and return the answers; who sits at a terminal may mend those that cannot be used."""
    known, tries = dict(kept), TRIES
    while True:
        answers = gather(given, known, files, person)
        try:
            write(folder, files, answers, kept)
        except ConfigurationError as error:
            tries -= 1
            if person is None or not person.is_present or not tries:
                raise
            person.stdout.write(f"\n{error}\nOnce more; an empty answer takes what stands in brackets.\n\n")
            known |= {name: value for name, value in answers.items() if value}
            given = {}
        else:
            return answers


def wanted_files(folder: Path, force: bool, person: Person | None) -> tuple[str, ...]:
    """Return the names of the files to write: those that are not there, and those that may be overwritten."""

    def wanted(name: str) -> bool:
        if force or not (folder / name).exists():
            return True
        if person is None or not person.is_present:
            return False
        return person.confirm(f"{folder / name} is there already. Write it anew?")

    return tuple(name for name in FILE_MODES if wanted(name))


def gather(
    given: Mapping[str, str | None], kept: Mapping[str, str], files: Sequence[str], person: Person | None
) -> dict[str, str]:
    """Return an answer for each question that *files* need: given, else asked, else as *kept*, else
    the default. What is piped in is read only where something is needed that is neither given nor kept.

    Raises NotATerminal, naming every option that is missing, where there is nobody to ask.
    """
    answers: dict[str, str] = {}
    missing: list[Question] = []
    if person is not None and not person.is_present and not _lacks(given, kept, files):
        person = None
    for question in QUESTIONS:
        if question.file not in files or question.mode not in (None, answers.get("mode")):
            continue
        value = given.get(question.name)
        if value is None and person is not None:
            value = person.ask(question, kept.get(question.name, ""))
        answers[question.name] = (value or "").strip() or kept.get(question.name, "") or question.default
        if question.needed and not answers[question.name]:
            missing.append(question)
        if not question.takes(answers[question.name]):
            allowed = " and ".join(question.choices)
            raise ConfigurationError(
                [f"{question.option} is {answers[question.name]!r}; allowed are {allowed}"]
            )
    if missing:
        lines = [f"  {one.option} {one.metavar}{_or_variable(one)}: {one.text}" for one in missing]
        raise NotATerminal("\n".join(["these answers are missing, and nobody can be asked here:", *lines]))
    return answers


def _lacks(given: Mapping[str, str | None], kept: Mapping[str, str], files: Sequence[str]) -> bool:
    mode = given.get("mode") or "socket"
    needed = (one for one in QUESTIONS if one.needed and one.file in files and one.mode in (None, mode))
    return any(not (given.get(one.name) or kept.get(one.name)) for one in needed)


def write(folder: Path, files: Sequence[str], answers: Mapping[str, str], kept: Mapping[str, str]) -> None:
    """Write *files* into *folder*, or nothing and raise ConfigurationError: the answers cannot be used.

    What `.env` said beside the answers is *kept* there.
    """
    made = {}
    if TOML in files:
        made[TOML] = toml_text(answers)
    if ENV in files:
        made[ENV] = env_text(env_settings(answers, kept))
    _prove(folder, made)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        _replace(folder / name, text, FILE_MODES[name])


def toml_text(answers: Mapping[str, str]) -> str:
    """Return `toban.toml`: the roles and the command as answered, and the demo's model to begin with."""
    channel = [f"channel = {_toml(answers['channel'])}"] if answers["channel"] else []
    digest = ["", "[[digests]]", 'name = "daily"', 'cron = "0 9 * * 1-5"', 'time_zone = "UTC"', *channel]
    lines = [
        "# What your team decides. Unknown keys are refused; docs/settings.md explains each.",
        "",
        "[bot]",
        f"command = {_toml(answers['command'])}",
        "",
        '# Slack user ids (U…), user group ids (S…), @handles of user groups, or "*" for everybody.',
        "[roles]",
        'viewer = ["*"]',
        f"operator = {_toml_list(answers['operator'])}",
        f"owner = {_toml_list(answers['owner'])}",
        "",
        "# The demo's model, to begin with; docs/recipes.md says how to add yours.",
        "[models.arrival-delay]",
        'recipe = "recipes.arrival_delay:ArrivalDelay"',
        *channel,
        *(digest if channel else []),
    ]
    return "\n".join(lines) + "\n"


def env_settings(answers: Mapping[str, str], kept: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of `.env`; secrets that are nobody's but ours are made here, once."""
    variables = [question.name for question in QUESTIONS if question.is_variable]
    found = {name: answers[name] for name in variables if answers.get(name)} | {
        name: value for name, value in kept.items() if name not in answers
    }
    if _is_here(found.get("TOBAN_FUNCTIONS_URL", "")):
        found.setdefault("TOBAN_STORE_URL", LOCAL_STORE)
    found.setdefault("TOBAN_FUNCTIONS_KEY", secrets.token_urlsafe(SECRET_BYTES))
    found.setdefault("TOBAN_HOOKS_SECRET", secrets.token_hex(SECRET_BYTES))
    return found


def env_text(env: Mapping[str, str]) -> str:
    """Return the lines of `.env`."""
    head = "# Secrets and addresses of this machine; .env.example explains each. Keep it out of git."
    return "\n".join([head, *(env_line(name, value) for name, value in env.items())]) + "\n"


def next_steps(answers: Mapping[str, str], folder: Path) -> str:
    """Return what to do now."""
    env = ENV if folder == Path() else str(folder / ENV)
    steps = [f"toban check --env-file {env}", f"toban up --env-file {env}"]
    if answers.get("mode") == "http":
        steps[1] += " --http 127.0.0.1:3000"
    if _is_here(answers.get("TOBAN_FUNCTIONS_URL", "")):
        source = env if env.startswith("/") else f"./{env}"
        steps.insert(0, f"set -a; . {source}; set +a; python -m functions.local")
    return "\n".join(["", "Next:", *(f"  {step}" for step in steps), ""])


def _is_here(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "localhost")


def _prove(folder: Path, made: Mapping[str, str]) -> None:
    """Let the bot's own rules judge the files together with what is there; raise ConfigurationError."""
    with tempfile.TemporaryDirectory() as scratch:
        for name in FILE_MODES:
            text = made.get(name)
            target = Path(scratch) / name
            target.write_text(text if text is not None else (folder / name).read_text("utf-8"), "utf-8")
        env = read_env_file(Path(scratch) / ENV)
        mode: Mode = "http" if env.get(MODES["http"]) and not env.get(MODES["socket"]) else "socket"
        try:
            load_settings({**env, "TOBAN_CONFIG": str(Path(scratch) / TOML)}, mode)
        except ConfigurationError as error:
            said = [problem.replace(f"{scratch}{os.sep}", "") for problem in error.problems]
            raise ConfigurationError(said) from None


def _replace(path: Path, text: str, mode: int) -> None:
    """Write *path* whole or not at all; a secret file is readable by nobody else at any moment."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)


def _toml(value: str) -> str:
    """Return *value* as a basic string of TOML, whose escapes are those of JSON."""
    return json.dumps(value, ensure_ascii=False)


def _toml_list(value: str) -> str:
    return f"[{', '.join(_toml(part.strip()) for part in value.split(',') if part.strip())}]"


def _given(question: Question, options: Mapping[str, Any], env: Mapping[str, str]) -> str | None:
    """Return the answer that needs no asking: by the option, or by the environment for its variable."""
    option = options.get(question.option.removeprefix("--").replace("-", "_"))
    return option or (env.get(question.name) if question.is_variable else None)


def _or_variable(question: Question) -> str:
    return f" (or {question.name} in the environment)" if question.is_variable else ""

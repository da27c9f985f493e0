"""The `toban` command line. It decides nothing: each command reads its settings and calls one thing.

Imports inside the functions are meant: speaking and printing must not wait a second for the flow engine.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from bot.errors import BotError, ConfigurationError
from bot.logs import set_up_logging
from bot.timing import Timing

DEFAULT_BIND = "127.0.0.1:3000"
GRACE_SECONDS = 8.0
"""So long after SIGTERM the process is gone, whatever is under way."""
STOPS = (signal.SIGINT, signal.SIGTERM)
"""The signals that end the bot. They are waited for, not handled: a handler runs in the main thread only,
which nothing wakes where the system gave the signal to another thread, or a moment before it went to sleep
(https://docs.python.org/3/library/signal.html#signals-and-threads)."""
INTERRUPTED = 130
"""The exit status of what Ctrl and C ended, as shells give it; Ctrl and D at a question is meant the same."""

ABOUT = "Toban, a Slack bot with which small machine-learning teams run and watch their models."
FIRST_STEPS = """\
first steps:
  toban manifest                what to paste at api.slack.com/apps for a new app
  toban init                    asks for tokens and addresses, then writes toban.toml and .env
  toban check --env-file .env   asks each part whether it works, and says how to mend what does not
  toban up --env-file .env      runs the bot

Settings are toban.toml and the environment; docs/settings.md and .env.example explain each.
Exit status: 0 done, 1 it could not be done, 2 wrong usage or settings."""


class Parser(argparse.ArgumentParser):
    """A parser that names the nearest command where there is none of that name."""

    def error(self, message: str) -> NoReturn:
        """End with status 2; never with a list of all there is where one word was mistyped."""
        action = next((one for one in self._actions if isinstance(one, argparse._SubParsersAction)), None)  # noqa: SLF001 - argparse has no public door to it
        typed = getattr(self, "typed", ())
        word = next((one for one in typed if not one.startswith("-")), None)
        if action is None or word is None or word in action.choices:
            super().error(message)
        near = difflib.get_close_matches(word.casefold(), action.choices, n=1, cutoff=0.5)
        hint = f"did you mean `{self.prog} {near[0]}`?" if near else f"`{self.prog} --help` lists them."
        self.exit(2, f"{self.prog}: there is no command {word!r}; {hint}\n")

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse *args*, remembering what was typed for `error`."""
        self.typed = sys.argv[1:] if args is None else list(args)
        return super().parse_args(args, namespace)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status: 0 done, 1 it could not be done, 2 wrong usage or settings."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["playground"]:
        # A program of its own: the bot knows nothing of the playground.
        os.execv(sys.executable, [sys.executable, "-m", "playground", *given[1:]])  # noqa: S606
    options = _parser().parse_args(given)
    # What `check` finds wrong stands in its report; libraries that say so, too, only hide it.
    level = "CRITICAL" if options.command == "check" else "WARNING"
    try:
        if getattr(options, "env_file", None):
            from bot.env_file import take_env_file

            take_env_file(Path(options.env_file), os.environ)
        set_up_logging(os.environ.get("TOBAN_LOG") or level)
        return int(options.run(options))
    except ConfigurationError as error:
        print(f"toban cannot start:\n{error}", file=sys.stderr)
        return 2
    except BotError as error:
        print(f"toban: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, EOFError):
        print(file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="toban",
        description=ABOUT,
        epilog=FIRST_STEPS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")
    for add in (_add_up, _add_check, _add_init, _add_manifest, _add_health, _add_digest, _add_say):
        add(commands)
    commands.add_parser(
        "playground",
        help="a workspace on this machine to try the bot in; with --app ADDRESS in front of any Bolt app",
        description="A program of its own; `toban playground --help` asks it.",
    )
    return parser


def _command(commands: Any, name: str, run: Any, summary: str, more: str = "") -> argparse.ArgumentParser:
    """Add a command and return its parser."""
    text = f"{summary[0].upper()}{summary[1:]}.{' ' if more else ''}{more}"
    made: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=text)
    made.set_defaults(run=run)
    return made


def _takes_env_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--env-file",
        metavar="FILE",
        help="read settings from this file of NAME=value lines, too; the environment goes before it",
    )


def _add_up(commands: Any) -> None:
    up = _command(
        commands,
        "up",
        _up,
        "run the bot, by Socket Mode unless --http is given",
        "It prints one line of JSON once it is ready, and ends in order at SIGTERM: what is under way goes "
        "on at the next start.",
    )
    up.add_argument(
        "--http",
        nargs="?",
        const=DEFAULT_BIND,
        metavar="HOST:PORT",
        help=f"take Slack's requests over HTTP here (default {DEFAULT_BIND}; port 0 takes a free one)",
    )
    up.add_argument(
        "--health",
        metavar="HOST:PORT",
        help="answer GET /healthz here, for what watches the process; with --http it is there anyway",
    )
    _takes_env_file(up)
    for name in (
        "heartbeat",
        "stale",
        "silence",
        "work",
        "unseen",
        "away",
        "push",
        "settle",
        "socket",
        "ack",
    ):
        up.add_argument(f"--{name}-seconds", type=float, help=argparse.SUPPRESS)  # for tests that cannot wait


def _add_check(commands: Any) -> None:
    check = _command(
        commands,
        "check",
        _check,
        "ask each part of the set-up whether it works, and say how to mend what does not",
        "Slack, its scopes and channels, the clock, the database, the function app and its store, GitHub and "
        "MLflow are asked side by side. It may run beside the bot. Exit status 1 where a part does not work.",
    )
    check.add_argument("--json", action="store_true", help="print the findings as JSON")
    _takes_env_file(check)


def _add_init(commands: Any) -> None:
    init = _command(
        commands,
        "init",
        _init,
        "ask for tokens and addresses, then write toban.toml and .env",
        "An empty answer takes what stands in brackets. Nothing is overwritten without asking. In a "
        "script, give the answers as options (secrets rather by the environment), with --yes for the rest; "
        "or pipe them in, one a line in the order of these options.",
    )
    from bot.questions import QUESTIONS

    for question in QUESTIONS:
        init.add_argument(question.option, metavar=question.metavar, help=question.text)
    init.add_argument("--folder", default=".", metavar="DIR", help="where to write (default: here)")
    init.add_argument("--yes", action="store_true", help="ask nothing: take the options and the defaults")
    init.add_argument("--force", action="store_true", help="overwrite files that are there")


def _add_manifest(commands: Any) -> None:
    manifest = _command(
        commands,
        "manifest",
        _manifest,
        "print the manifest of the Slack app, with the least scopes",
        "Paste it at api.slack.com/apps, Create New App, From a manifest. --explain says what each scope "
        "and event is for.",
    )
    manifest.add_argument(
        "--http", metavar="ADDRESS", help="public https address of the bot; without: Socket Mode"
    )
    manifest.add_argument("--slash", metavar="/NAME", help="slash command (default: toban.toml's)")
    manifest.add_argument(
        "--suffix", metavar="NAME", help="environment, for instance staging: /ml-staging beside /ml"
    )
    manifest.add_argument(
        "--with",
        dest="extras",
        metavar="WORD",
        action="append",
        default=[],
        help="also ask for these optional scopes (see --explain); may be given more than once",
    )
    shown = manifest.add_mutually_exclusive_group()
    shown.add_argument("--explain", action="store_true", help="list the scopes and events with their reasons")
    shown.add_argument(
        "--url", action="store_true", help="print an address that opens Slack's form, filled in"
    )


def _add_health(commands: Any) -> None:
    health = _command(
        commands,
        "health",
        _health,
        "ask a running bot whether it is well (exit status 0 or 1)",
        "For a container's health check; the bot must have been started with --health or --http.",
    )
    health.add_argument(
        "address", nargs="?", default=DEFAULT_BIND, metavar="HOST:PORT", help=f"default {DEFAULT_BIND}"
    )


def _add_digest(commands: Any) -> None:
    digest = _command(commands, "digest", _digest, "post a digest now, without a running bot")
    digest.add_argument("name", nargs="?", help="which [[digests]] table (default: the first)")
    _takes_env_file(digest)


def _add_say(commands: Any) -> None:
    say = _command(commands, "say", _say, "speak in a running playground and print what people see")
    say.add_argument("text", help='what to say, for instance "/ml models"')
    say.add_argument("--as", dest="person", default="operator", help="who speaks (default operator)")
    say.add_argument(
        "--in", dest="channel", default="ml-arrivals", help="in which channel (default ml-arrivals)"
    )
    say.add_argument("--at", dest="address", default=None, help="the playground's address")
    say.add_argument(
        "--wait", type=float, default=120.0, help="how many seconds to follow a job (default 120)"
    )


def _up(options: argparse.Namespace) -> int:
    # First of all, so that every thread has it, and as process 1 of a container it would be ignored.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    from bot.app import build_bot
    from bot.settings import SECRETS, load_settings
    from bot.ways_in import HealthDoor, HttpDoor, SocketDoor

    address = _bind("--http", options.http) if options.http else None
    health = _bind("--health", options.health) if options.health else None
    settings = load_settings(os.environ, "http" if address else "socket")
    for name in (*SECRETS, *settings.secrets):
        os.environ.pop(name, None)  # read once: nothing else in this process is to find them
    bot = build_bot(settings, _timing(options))
    bot.start()
    try:
        door = HttpDoor(bot, *address) if address else SocketDoor(bot)
        door.start()
        if health:
            HealthDoor(bot, *health).start()
        ready = {"ready": True, "address": door.address, "workspace": bot.desk.identity.team}
        print(json.dumps(ready), flush=True)
        signal.sigwait(STOPS)
        _exit_within(GRACE_SECONDS)
        door.stop()
        bot.leave()
    except (BotError, OSError) as error:
        print(f"toban cannot start:\n{error}", file=sys.stderr, flush=True)
        os._exit(2)
    # Flows that wait are threads; they go on at the next start and must not hold this process back.
    os._exit(0)


def _exit_within(seconds: float) -> None:
    """End the process after *seconds* in any case: whoever asked it to stop is waiting."""
    limit = threading.Timer(seconds, os._exit, [0])
    limit.daemon = True
    limit.start()


def _timing(options: argparse.Namespace) -> Timing:
    given = {name: value for name, value in vars(options).items() if name.endswith("_seconds") and value}
    return Timing(**given)


def _bind(option: str, text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ConfigurationError([f"{option} is {text!r}; allowed is HOST:PORT, for instance {DEFAULT_BIND}"])
    return host, int(port)


def _check(options: argparse.Namespace) -> int:
    from bot.hops.check import check
    from bot.hops.report import as_json, as_text

    findings = check(os.environ)
    print(as_json(findings) if options.json else as_text(findings, sys.stdout.isatty()))
    return 1 if any(one["level"] == "fail" for one in findings) else 0


def _init(options: argparse.Namespace) -> int:
    from bot.first_settings import init

    return init(vars(options), os.environ, sys.stdin, sys.stdout)


def _say(options: argparse.Namespace) -> int:
    from bot.speaking import Speaker, find_playground

    speaker = Speaker(find_playground(options.address, os.environ))
    return speaker.say(options.person, options.channel, options.text, options.wait, sys.stdout)


def _digest(options: argparse.Namespace) -> int:
    from bot.connectors.azure_functions import AzureFunctionsConnector
    from bot.flows.digest import gather, latest_due
    from bot.messages.digests import digest
    from bot.settings import load_settings
    from bot.slack import SlackDesk

    settings = load_settings(os.environ)
    tables = {table.name: table for table in settings.team.digests}
    name = options.name or next(iter(tables), "")
    if name not in tables:
        raise ConfigurationError(
            [f"digest {name!r} is not in the settings; known are: {', '.join(tables) or 'none'}"]
        )
    now = datetime.now(UTC)
    facts = gather(
        AzureFunctionsConnector(settings.functions), tables[name], latest_due(tables[name], now), now
    )
    place = SlackDesk(settings.slack).post(tables[name].channel, digest(facts))
    print(json.dumps(place))
    return 0


def _manifest(options: argparse.Namespace) -> int:
    from bot.manifest import build_manifest, explain, named_bot, new_app_address, read_extras
    from bot.team_file import DEFAULT_CONFIG, load_team

    team = load_team(Path(os.environ.get("TOBAN_CONFIG") or DEFAULT_CONFIG))
    bot, extras = named_bot(team.bot, options.slash, options.suffix), read_extras(options.extras)
    manifest = build_manifest(bot, options.http, extras)
    if options.explain:
        print(explain(extras))
    elif options.url:
        print(new_app_address(json.dumps(manifest, separators=(",", ":"))))
    else:
        print(json.dumps(manifest, indent=2, ensure_ascii=False))
    return 0


def _health(options: argparse.Namespace) -> int:
    from bot.health import ask_health

    host, port = _bind("the address", options.address)
    well, text = ask_health(host, port)
    print(text)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())

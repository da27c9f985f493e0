"""The `toban` command line: run the bot, speak in a playground, send a digest, print the Slack manifest.

Imports inside the functions are meant: speaking and printing must not wait a second for the flow engine.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bot.errors import BotError, ConfigurationError
from bot.logs import set_up_logging
from bot.timing import Timing

DEFAULT_BIND = "127.0.0.1:3000"
GRACE_SECONDS = 8.0
"""So long after SIGTERM the process is gone, whatever is under way."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status: 0 done, 1 it could not be done, 2 wrong usage or settings."""
    options = _parser().parse_args(arguments)
    set_up_logging(os.environ.get("TOBAN_LOG", "WARNING"))
    try:
        return int(options.run(options))
    except ConfigurationError as error:
        print(f"toban cannot start:\n{error}", file=sys.stderr)
        return 2
    except BotError as error:
        print(f"toban: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="toban", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    up = commands.add_parser("up", help="run the bot, by Socket Mode unless --http is given")
    up.add_argument(
        "--http",
        nargs="?",
        const=DEFAULT_BIND,
        metavar="HOST:PORT",
        help=f"take Slack's requests over HTTP here (default {DEFAULT_BIND}; port 0 takes a free one)",
    )
    for name in ("heartbeat", "stale", "silence", "work", "push", "settle"):
        up.add_argument(f"--{name}-seconds", type=float, help=argparse.SUPPRESS)  # for tests that cannot wait
    up.set_defaults(run=_up)

    say = commands.add_parser("say", help="speak in a running playground and print what people see")
    say.add_argument("text", help='what to say, for instance "/ml models"')
    say.add_argument("--as", dest="person", default="operator", help="who speaks (default operator)")
    say.add_argument(
        "--in", dest="channel", default="ml-arrivals", help="in which channel (default ml-arrivals)"
    )
    say.add_argument("--at", dest="address", default=None, help="the playground's address")
    say.add_argument(
        "--wait", type=float, default=120.0, help="how many seconds to follow a job (default 120)"
    )
    say.set_defaults(run=_say)

    digest = commands.add_parser("digest", help="post a digest now, without a running bot")
    digest.add_argument("name", nargs="?", help="which [[digests]] table (default: the first)")
    digest.set_defaults(run=_digest)

    manifest = commands.add_parser("manifest", help="print the manifest of the Slack app")
    manifest.add_argument(
        "--http", metavar="ADDRESS", help="public https address of the bot; without: Socket Mode"
    )
    manifest.set_defaults(run=_manifest)
    return parser


def _up(options: argparse.Namespace) -> int:
    from bot.app import HttpDoor, SocketDoor, build_bot
    from bot.settings import SECRETS, load_settings

    address = _bind(options.http) if options.http else None
    settings = load_settings(os.environ, "http" if address else "socket")
    for name in (*SECRETS, *settings.secrets):
        os.environ.pop(name, None)  # read once: nothing else in this process is to find them
    bot = build_bot(settings, _timing(options))
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    bot.start()
    try:
        door = HttpDoor(bot, *address) if address else SocketDoor(bot)
        door.start()
        ready = {"ready": True, "address": door.address, "workspace": bot.desk.identity.team}
        print(json.dumps(ready), flush=True)
        stop.wait()
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


def _bind(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ConfigurationError([f"--http is {text!r}; allowed is HOST:PORT, for instance {DEFAULT_BIND}"])
    return host, int(port)


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
    from bot.manifest import build_manifest
    from bot.settings import DEFAULT_CONFIG, load_team

    team = load_team(Path(os.environ.get("TOBAN_CONFIG") or DEFAULT_CONFIG))
    print(json.dumps(build_manifest(team.bot, options.http), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())

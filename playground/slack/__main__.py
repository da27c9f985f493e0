"""``python -m playground.slack``: run a loopback Slack until it is interrupted."""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr

from playground.slack.manifest import read_manifest
from playground.slack.server import start
from playground.slack.settings import Settings

MOST_PORT = 65_535
# Where Bolt listens in every language unless told otherwise: https://docs.slack.dev/tools/bolt-python/
BOLT_PATH = "/slack/events"
SOCKET = "socket"
EXAMPLE = f"http://127.0.0.1:3000{BOLT_PATH}"


def read_settings(arguments: Sequence[str]) -> Settings:
    """Return the settings that a command line asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m playground.slack", description="A Slack on this machine only."
    )
    parser.add_argument("--port", type=_port, default=0, help="0 takes a free one")
    parser.add_argument(
        "--app",
        dest="app_url",
        metavar="ADDRESS",
        type=_address,
        help=f"the app's address (path: {BOLT_PATH}, as Bolt has it, where none is given), or {SOCKET!r} "
        "for Socket Mode, which is used without it, too",
    )
    parser.add_argument("--state", type=Path, help="folder that keeps channels and messages")
    parser.add_argument("--signing-secret", type=SecretStr)
    parser.add_argument("--bot-token", type=SecretStr)
    parser.add_argument("--app-token", type=SecretStr)
    parser.add_argument(
        "--manifest", type=Path, help="the app's manifest (JSON): commands, shortcuts, events, scopes"
    )
    parser.add_argument("--scopes", type=_words, help="scopes of the bot token, with commas; all by default")
    parser.add_argument("--commands", type=_commands, help="registered commands, with commas; any by default")
    parser.add_argument("--events", type=_words, help="subscribed events, with commas: app_mention,message")
    parser.add_argument(
        "--enforce-tiers", action="store_true", default=None, help="answer 429 beyond a method's tier"
    )
    given: dict[str, Any] = vars(parser.parse_args(arguments))
    manifest = given.pop("manifest")
    try:
        stated = read_manifest(manifest) if manifest else {}
    except (OSError, ValueError) as error:
        parser.error(str(error))
    return Settings(**{**stated, **{name: value for name, value in given.items() if value is not None}})


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > MOST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; allowed is 0 to {MOST_PORT}")
    return int(text)


def _address(text: str) -> str | None:
    """Return the address of an app, whose host and port are enough; None for Socket Mode."""
    if text == SOCKET:
        return None
    whole = "://" in text
    with suppress(ValueError):  # what stands for the port may be no number
        asked = urlsplit(text if whole else f"http://{text}")
        if asked.scheme in ("http", "https") and asked.hostname and (asked.port or whole):
            return urlunsplit(asked._replace(path=asked.path or BOLT_PATH))
    raise argparse.ArgumentTypeError(f"{text!r} is no address; allowed is one like {EXAMPLE}, or {SOCKET}")


def _commands(text: str) -> tuple[str, ...]:
    return tuple(f"/{word.removeprefix('/')}" for word in _words(text))


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def main(arguments: Sequence[str]) -> int:
    """Run until SIGINT or SIGTERM; print one JSON line with the address when ready."""
    settings = read_settings(arguments)
    try:
        running = start(settings)
    except OSError as error:
        print(f"cannot listen on port {settings.port}: {error.strerror}", file=sys.stderr)
        return 1
    print(json.dumps({"listening": running.url, "api_url": running.api_url}), flush=True)
    if sys.stdout.isatty():
        print(welcome(settings, running.url, running.api_url), file=sys.stderr)
    signal.sigwait({signal.SIGINT, signal.SIGTERM})
    running.stop()
    return 0


def welcome(settings: Settings, url: str, api_url: str) -> str:
    """Return what to do next, for people; of tokens and secrets only those that everybody knows are shown."""
    own = {name: Settings.model_fields[name].default for name in ("bot_token", "signing_secret", "app_token")}
    named = {
        name: known.get_secret_value() if getattr(settings, name) == known else "the one that you gave"
        for name, known in own.items()
    }
    way = (
        f"signing_secret={named['signing_secret']}, listening at {settings.app_url}"
        if settings.app_url
        else f"app_token={named['app_token']}, over Socket Mode"
    )
    return (
        f"In a browser: {url}\n"
        f"Your app: base_url={api_url}, token={named['bot_token']}, {way}\n"
        "Ctrl and C ends it. docs/playground.md says what can be done here."
    )


def front(arguments: Sequence[str]) -> int:
    """Run as a program: signals wait for main() from the first thread on."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    return main(arguments)


if __name__ == "__main__":
    sys.exit(front(sys.argv[1:]))

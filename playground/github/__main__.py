"""``python -m playground.github``: run a loopback GitHub until it is interrupted."""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from playground.github.server import start
from playground.github.settings import DEFAULT_TOKEN, App, Environment, Repository, Settings, Token
from playground.refusals import NotPossible


def read_settings(arguments: Sequence[str]) -> Settings:
    """Return the settings that a command line asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m playground.github", description="A GitHub on this machine only."
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument(
        "--repo",
        action="append",
        default=[],
        type=_pair,
        metavar="OWNER/NAME=PATH",
        help="a git repository; again for more",
    )
    parser.add_argument(
        "--webhook", dest="webhook_url", help="where events are delivered; otherwise only recorded"
    )
    parser.add_argument("--webhook-secret", type=SecretStr)
    parser.add_argument("--login", default="toban", help="whose the token is (default %(default)s)")
    parser.add_argument(
        "--token", type=SecretStr, default=DEFAULT_TOKEN, help="the token that clients must send"
    )
    parser.add_argument(
        "--person",
        action="append",
        default=[],
        type=_pair,
        metavar="LOGIN=TOKEN",
        help="somebody else's token, such as a reviewer's; again for more",
    )
    parser.add_argument(
        "--app-key", type=Path, metavar="FILE", help="PEM with the public key of a GitHub App (id 1)"
    )
    parser.add_argument(
        "--secret", action="append", default=[], type=_pair, metavar="NAME=VALUE", help="for every repository"
    )
    parser.add_argument(
        "--variable",
        action="append",
        default=[],
        type=_pair,
        metavar="NAME=VALUE",
        help="for every repository",
    )
    parser.add_argument(
        "--environment",
        action="append",
        default=[],
        type=_pair,
        metavar="NAME=LOGIN,LOGIN",
        help="an environment and its reviewers",
    )
    parser.add_argument(
        "--environ",
        action="append",
        default=[],
        type=_pair,
        metavar="NAME=VALUE",
        help="a variable that every step sees",
    )
    parser.add_argument(
        "--link",
        action="append",
        default=[],
        type=_pair,
        metavar="NAME=PATH",
        help="a name in every checkout that leads to PATH",
    )
    parser.add_argument(
        "--ids-from", type=int, help="added to every first number, so that none comes again after a restart"
    )
    parser.add_argument("--runners", type=int, help="jobs that run at once")
    parser.add_argument(
        "--enforce-secondary", action="store_true", default=None, help="enforce the secondary limit"
    )
    return _settings(parser.parse_args(arguments))


def _settings(given: argparse.Namespace) -> Settings:
    secrets = {name: SecretStr(value) for name, value in given.secret}
    environments = {
        name: Environment(reviewers=tuple(login for login in logins.split(",") if login))
        for name, logins in given.environment
    }
    repositories = {
        name: Repository(
            path=Path(path), secrets=secrets, variables=dict(given.variable), environments=environments
        )
        for name, path in given.repo
    }
    people = [Token(login=login, token=SecretStr(token)) for login, token in given.person]
    chosen: dict[str, Any] = {
        "port": given.port,
        "repositories": repositories,
        "environ": dict(given.environ),
        "links": {name: Path(path) for name, path in given.link},
        "webhook_url": given.webhook_url,
        "webhook_secret": given.webhook_secret,
        "tokens": (Token(login=given.login, token=given.token), *people),
        "app": App(public_key=given.app_key.read_text(encoding="utf-8")) if given.app_key else None,
        "ids_from": given.ids_from,
        "runners": given.runners,
        "enforce_secondary": given.enforce_secondary,
    }
    return Settings(**{name: value for name, value in chosen.items() if value is not None})


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def main(arguments: Sequence[str]) -> int:
    """Run until SIGINT or SIGTERM; print one JSON line with the address when ready."""
    settings = read_settings(arguments)
    try:
        running = start(settings)
    except OSError as error:
        print(f"cannot listen on port {settings.port}: {error.strerror}", file=sys.stderr)
        return 1
    except NotPossible as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps({"listening": running.url, "api_url": running.url}), flush=True)
    signal.sigwait({signal.SIGINT, signal.SIGTERM})
    running.stop()
    return 0


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    sys.exit(main(sys.argv[1:]))

"""Serve the function app on this machine: HTTP, queues and timers, where Azure's own host is not at hand.

    python -m functions.local --port 7071 --queue-dir .toban/queues --key SECRET

It serves the very FunctionApp object of `function_app.py`, reading routes, queues and schedules from the
app's own bindings. When it is ready it prints one JSON line: `{"listening": "http://127.0.0.1:7071", …}`.
SIGTERM and SIGINT end it within bounded time; a training run that is interrupted goes on at the next start.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from function_app import app
from functions.loopback.host import HostSettings, LocalHost, Plan
from functions.loopback.logs import log_to_stderr
from functions.loopback.ports import CannotBind, is_loopback, listen
from functions.loopback.queues import Queues, QueuesInUse, QueuesUnusable
from functions.state import state
from ml.errors import StoreMisconfigured

ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 20.0
LOOK_SECONDS = 0.5
"""How often it is looked for a signal: nothing wakes the main thread, in which alone Python takes one, where
the system gave it to another (https://docs.python.org/3/library/signal.html#signals-and-threads)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal; return 0 after an orderly end, 2 where the host could not start."""
    options = _options(arguments)
    log_to_stderr("WARNING")
    signals: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: signals.append(number))
    try:
        host = open_host(options, os.environ)
    except (CannotBind, QueuesInUse, QueuesUnusable) as error:
        _say(str(error))
        return 2
    host.start()
    sys.stdout.write(json.dumps({"listening": host.url, "pid": os.getpid(), "functions": host.names}) + "\n")
    sys.stdout.flush()
    while not signals:
        time.sleep(LOOK_SECONDS)
    if not host.stop(STOP_SECONDS):
        _say("some work did not end in time and is left behind")
        os._exit(0)  # its message is still in the queue; waiting for its thread would not be bounded
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m functions.local", description="Serve the function app.")
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (default: this machine only)")
    parser.add_argument("--port", type=int, default=7071, help="port, 0 for any free one (default 7071)")
    parser.add_argument("--port-search", action="store_true", help="take the next free port if it is busy")
    parser.add_argument(
        "--queue-dir", type=Path, default=Path(".toban/queues"), help="where queue messages are kept"
    )
    parser.add_argument("--key", help="function key asked of every caller (default: TOBAN_FUNCTIONS_KEY)")
    parser.add_argument("--threads", type=int, default=16, help="threads for functions that are not async")
    return parser.parse_args(arguments)


def open_host(options: argparse.Namespace, environment: Mapping[str, str]) -> LocalHost:
    """Return a host for `function_app.app`, not started yet.

    Raises:
        CannotBind: the port is busy, or the address is open to others and there is no key.
        QueuesInUse: another host uses the same queue folder.
        QueuesUnusable: that folder's file is damaged, or cannot be written.
    """
    key = options.key or environment.get("TOBAN_FUNCTIONS_KEY") or None
    if key is None and not is_loopback(options.host):
        raise CannotBind("give --key or TOBAN_FUNCTIONS_KEY to bind an address that others can reach")
    listener = listen(options.host, options.port, search=options.port_search)
    _open_store()
    queues = Queues(options.queue_dir)
    # The queue's folder has one living owner, so its name is a worker's name that lives once.
    os.environ.setdefault("TOBAN_WORKER_ID", queues.worker_id)
    plan = Plan(
        app,
        dict(environment),
        HostSettings.model_validate_json((ROOT / "host.json").read_bytes()),
        key,
        options.threads,
        state.stop,
    )
    return LocalHost(plan, listener, queues)


def _open_store() -> None:
    """Open the store now: a folder that goes away before the first request is then missed, not made anew."""
    try:
        state.store  # noqa: B018 - made on first use
    except StoreMisconfigured as error:
        _say(str(error))  # every request that needs it will say so too


def _say(text: str) -> None:
    sys.stderr.write(f"functions.local: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())

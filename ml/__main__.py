"""The command line of `ml`: train a model, train a version again, or fetch a version's rows again.

    python -m ml train MODEL [--since … --until …] [--report FILE]    record a run and work on it here
    python -m ml reproduce MODEL VERSION      train again from the manifest; exit 1 if the metrics differ
    python -m ml requery MODEL VERSION        run the query again; exit 1 if rows changed
    python -m ml compact                      tidy up the prediction log once (docs/predictions.md)

The store is TOBAN_STORE_URL; the models are those of `--config` (TOBAN_CONFIG, else toban.toml here).
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from ml.catalog import Catalog, load_catalog
from ml.compaction import Compactor, kept_for
from ml.contract import RunView
from ml.errors import Refused, TobanError
from ml.objects import open_store
from ml.registry import Registry
from ml.report import write_report
from ml.reproduction import reproduce, requery
from ml.runs import Runs
from ml.training import execute

EXIT_OK, EXIT_DIFFERS, EXIT_REFUSED = 0, 1, 2
CONFIG_SETTING = "TOBAN_CONFIG"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit status."""
    options, rest = _parser().parse_known_args(arguments)
    if rest and options.command != "train":
        print(f"unknown arguments: {' '.join(rest)}", file=sys.stderr)
        return EXIT_REFUSED
    try:
        if options.command == "compact":
            return _compact()
        catalog = load_catalog(Path(options.config))
        registry = Registry(open_store())
        if options.command == "train":
            return _train(catalog, registry, options, rest)
        check = reproduce if options.command == "reproduce" else requery
        report = check(registry, catalog, options.model, options.version)
    except Refused as error:
        print(error.detail, file=sys.stderr)
        return EXIT_REFUSED
    except TobanError as error:
        print(error, file=sys.stderr)
        return EXIT_REFUSED
    print("\n".join(report.lines))
    return EXIT_OK if report.same else EXIT_DIFFERS


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml", description=__doc__.split("\n")[0])
    parser.add_argument("--config", default=os.environ.get(CONFIG_SETTING) or "toban.toml")
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser(
        "train",
        help="record a run and work on it here; --name value sets a parameter",
        allow_abbrev=False,  # what is not spelt out is a parameter of the recipe
    )
    train.add_argument("model")
    train.add_argument("--key", help="the same key never makes a second run")
    train.add_argument("--report", type=Path, help="write what came of it to this file, as JSON")
    commands.add_parser("compact", help="archive closed hours of the prediction log, delete what is too old")
    for name, text in (
        ("reproduce", "train a version again from its manifest and compare the metrics"),
        ("requery", "run a version's query again and compare the rows"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("model")
        command.add_argument("version", type=int)
    return parser


def _compact() -> int:
    """Do what is due in the prediction log; print what that was."""
    done = Compactor(open_store(), kept_for()).run()
    print(f"{done.rows:,} predictions of {done.hours} hours archived, {done.deleted} objects deleted")
    if done.failed:
        print(f"{done.failed} hours are damaged and stay as they are; the log names them", file=sys.stderr)
    return EXIT_DIFFERS if done.failed else EXIT_OK


def _train(catalog: Catalog, registry: Registry, options: argparse.Namespace, rest: Sequence[str]) -> int:
    runs = Runs(open_store())
    params = catalog.recipe(options.model).read_params(read_pairs(rest))
    run = runs.create(options.model, "retrain", params, key=options.key)
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    ending = execute(
        run.run_id,
        runs=runs,
        registry=registry,
        catalog=catalog,
        worker=f"{socket.gethostname()}-{os.getpid()}",
        stopping=stopping,
    )
    ended = runs.view(run.run_id)
    if options.report is not None:
        write_report(options.report, ended, registry)
    return _tell(ended, ending)


def _tell(run: RunView, ending: str) -> int:
    """Print how a run ended; return the exit status."""
    if run.result is None or run.result.comparison is None:
        print(f"run {run.run_id} {ending}: {run.reason.detail if run.reason else run.state}", file=sys.stderr)
        return EXIT_DIFFERS
    seconds = timedelta(0) if run.finished_at is None else run.finished_at - run.created_at
    print(f"run {run.run_id}: {run.model} version {run.result.version} in {seconds.total_seconds():.1f} s")
    for metric in run.result.comparison.metrics:
        champion = "–" if metric.champion is None else f"{metric.champion:.4g}"
        rule = "–" if metric.rule is None else f"{metric.rule:.4g}"
        print(f"  {metric.name}: {metric.candidate:.4g} {metric.unit} (champion {champion}, rule {rule})")
    return EXIT_OK


def read_pairs(words: Sequence[str]) -> dict[str, str]:
    """Return `--name value` and `--name=value` as parameters.

    Raises:
        Refused: A word is neither.
    """
    pairs: dict[str, str] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or not (equals or rest):
            raise Refused("invalid_params", f"expected --name value, found {word!r}")
        pairs[name.replace("-", "_")] = value if equals else rest.pop(0)
    return pairs


if __name__ == "__main__":
    sys.exit(main())

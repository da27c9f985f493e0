"""Predictions with Azure Blob Storage under them, as far as its emulator stands for it."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.predictions import BARE, ONE_SENDERS, Server, compare, host
from benchmarks.trained import Trained, ask
from benchmarks.workbench import CannotMeasure, Workbench
from ml.objects import ObjectStore, open_store
from tests import parts

DISTINCT = 256
WHERE = "Toban, logged in Azurite"


def measure(bench: Workbench, trained: Trained) -> Iterator[Figure]:
    """Yield predictions of one row, each group of them an object in Azurite."""
    program = parts.find_azurite()
    if program is None:
        raise CannotMeasure("Azurite is not installed (npm ci --prefix tests)")
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    process = parts.start(program, key)
    try:
        blobs, queues, tables = parts._addresses(process)
        azurite = parts.Azurite(blobs, queues, tables, key)
        url = azurite.create_container()
        _copy(trained.store, open_store(url, azurite.environment))
        env = {"TOBAN_STORE_URL": url, **azurite.environment}
        bare = bench.program("-m", "benchmarks.programs.bare_onnx", str(trained.model_file))
        with bare as ready, host(bench, trained, WHERE, "functions.local", b'"logged":true', env) as ours:
            bodies = {
                Server(BARE, ready["listening"], b'"values"'): [
                    ask([row]) for row in trained.graph_rows(DISTINCT)
                ],
                ours: [ask([row]) for row in trained.rows(DISTINCT)],
            }
            yield from compare(
                bench, bodies, ONE_SENDERS, f"one row, {ONE_SENDERS} senders, on Azurite", 0.15, 1
            )
    finally:
        process.terminate()
        process.communicate(timeout=parts.START_SECONDS)


def _copy(folder: Path, store: ObjectStore) -> None:
    """Put everything of a folder into *store*."""
    for path in folder.rglob("*"):
        if path.is_file():
            store.create(path.relative_to(folder).as_posix(), path.read_bytes())

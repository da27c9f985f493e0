"""What the doors share: store, catalog, registry, runs, prediction log and server, each made on first use.

Nothing is made at import, so a cold start pays only for what its first request needs; a health check, for
instance, loads no model.
"""

from __future__ import annotations

import gc
import logging
import os
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

from functions.queues import Resends
from ml.catalog import Catalog, load_catalog
from ml.errors import StoreMisconfigured
from ml.objects import ObjectStore, open_store, probe_store
from ml.predictions import PredictionLog
from ml.registry import Registry
from ml.runs import Runs
from ml.serving import Server
from ml.usage import Usage

ROOT = Path(__file__).resolve().parent.parent
CONFIG_SETTING, WORKER_SETTING = "TOBAN_CONFIG", "TOBAN_WORKER_ID"

_Part = TypeVar("_Part")

_log = logging.getLogger("toban.functions")


class AppState:
    """The parts of one process, made once each from the environment; safe to use from threads.

    `stopping` is set when the process is told to end: a training run in work is then given back.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment
        self._lock = threading.RLock()
        self._parts: dict[str, Any] = {}
        self._working: set[str] = set()
        self.stopping = threading.Event()

    def _once(self, name: str, make: Callable[[], _Part]) -> _Part:
        try:
            return cast(_Part, self._parts[name])
        except KeyError:
            with self._lock:
                if name not in self._parts:
                    self._parts[name] = make()
                return cast(_Part, self._parts[name])

    @property
    def catalog(self) -> Catalog:
        """Return the team's models, from `toban.toml` beside host.json or where TOBAN_CONFIG says."""
        config = Path(self._environment.get(CONFIG_SETTING) or ROOT / "toban.toml")
        return self._once("catalog", lambda: load_catalog(config))

    @property
    def store(self) -> ObjectStore:
        """Return the object store of TOBAN_STORE_URL."""
        return self._once("store", lambda: open_store(None, self._environment))

    @property
    def refuses_second_create(self) -> bool:
        """Return whether the store refuses to write an object twice, tried once in this process's life.

        Everything that is kept rests on that. Raises StoreUnavailable where the trial came to no end.
        """
        return self._once("trial", self._try_store)

    def _try_store(self) -> bool:
        try:
            probe_store(self.store)
        except StoreMisconfigured:
            _log.exception("store writes an object twice", extra={"store": self.store.url})
            return False
        return True

    @property
    def registry(self) -> Registry:
        """Return versions and aliases."""
        return self._once("registry", lambda: Registry(self.store))

    @property
    def runs(self) -> Runs:
        """Return runs and their events."""
        return self._once("runs", lambda: Runs(self.store))

    @property
    def predictions(self) -> PredictionLog:
        """Return the prediction log of this process."""
        return self._once("predictions", lambda: PredictionLog(self.store))

    @property
    def usage(self) -> Usage:
        """Return the counts of predictions."""
        return self._once("usage", lambda: Usage(self.store))

    @property
    def server(self) -> Server:
        """Return what answers predictions."""
        return self._once("server", self._make_server)

    def _make_server(self) -> Server:
        gc.freeze()  # the libraries stay; no collection need look through them
        return Server(self.catalog, self.registry, self.predictions)

    @property
    def resends(self) -> Resends:
        """Return what keeps the sweep from sending a message every minute."""
        return self._once("resends", Resends)

    @property
    def worker(self) -> str:
        """Return this worker's name: a new one, or the setting's, whose giver vouches that it lives once."""
        return self._once(
            "worker", lambda: self._environment.get(WORKER_SETTING) or f"worker-{uuid.uuid4().hex[:12]}"
        )

    @contextmanager
    def alone_with(self, run_id: str) -> Iterator[bool]:
        """Give True to one thread of this process at a time, and False to any other that comes meanwhile.

        A worker's name tells processes apart; this tells its threads apart.
        """
        with self._lock:
            alone = run_id not in self._working
            self._working.add(run_id)
        try:
            yield alone
        finally:
            if alone:
                with self._lock:
                    self._working.discard(run_id)

    def stop(self) -> None:
        """Tell long work to come to an end."""
        self.stopping.set()


state = AppState()

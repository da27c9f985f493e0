"""A function host that dies inside each stage of a training, and what can be counted once all are told."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import requests

from ml.contract import FINAL_STATES
from ml.objects import open_store
from ml.registry import Registry
from tests.function_hosts import FunctionHost, Home
from tests.stand_ins.reaper import DEATHS, deaths_in

RUN_SECONDS = 300.0
LOOK_SECONDS = 0.05
DYING_HOST = "tests.stand_ins.dying_host"


@dataclass(frozen=True)
class HostCounts:
    """What was asked for, what there is of it, and how often the host died, by stage."""

    kills: dict[str, int]
    asked: int
    runs: int
    succeeded: int
    versions: int


@dataclass
class MortalHost:
    """Lets a host that keeps dying train, run after run, until it has died at every moment."""

    home: Home
    _states: dict[int, str] = field(default_factory=dict)
    _pause: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._deaths = self.home.folder / "deaths.tsv"
        self.home.settings[DEATHS] = str(self._deaths)

    def train_until_it_lives(self) -> None:
        """Train one version after another until one is trained without a death."""
        known = -1
        while known != len(deaths_in(self._deaths)):
            known = len(deaths_in(self._deaths))
            self._train(len(self._states) + 1)

    def counts(self) -> HostCounts:
        """Count what the store holds."""
        with self.home.host() as host:
            listed = host.get("runs", params={"limit": 100}).json()["runs"]
        return HostCounts(
            kills=dict(Counter(line.split("\t")[0] for line in deaths_in(self._deaths))),
            asked=len(self._states),
            runs=len(listed),
            succeeded=sum(run["state"] == "succeeded" for run in listed),
            versions=len(Registry(open_store(str(self.home.store), {})).versions("sums")),
        )

    def _train(self, number: int) -> None:
        """Ask for a training of its own until it has ended, however often the host dies."""
        deadline = time.monotonic() + RUN_SECONDS
        while self._states.get(number) not in FINAL_STATES:
            with self.home.host(DYING_HOST) as host:
                while host.process.poll() is None and self._states.get(number) not in FINAL_STATES:
                    assert time.monotonic() < deadline, f"training {number} does not end: {self._states}"
                    self._look(host, number)
                    self._pause.wait(LOOK_SECONDS)

    def _look(self, host: FunctionHost, number: int) -> None:
        try:
            run_id = host.retrain(key=f"training-{number}", rows=100 + number)
            self._states[number] = host.get(f"runs/{run_id}").json()["state"]
        except requests.RequestException:
            return  # it has just died, perhaps before it could say where it listens

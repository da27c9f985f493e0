"""Looks at the branches of targets that are deployed on push, and starts a deployment for each new head.

One conditional request for each target and look; an unchanged branch costs nothing of GitHub's limit. A
webhook only makes the look come sooner, so that a push that is told twice, late or never is one deployment.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from bot.connectors.github import GitHub
from bot.deployment_records import DeploymentRecords
from bot.deployment_tables import DeploymentTable
from bot.engine import REQUESTS
from bot.errors import BotError
from bot.intake import Entry, Intake
from bot.jobs import PUSHER, Job
from bot.records import Records
from bot.timing import Timing

log = logging.getLogger(__name__)

LEASE = "push-watcher"
FLOW = "pushed"
STOP_SECONDS = 2.0


class PushWatcher:
    """Follows the branches of all targets that ask for it."""

    def __init__(
        self,
        targets: Mapping[str, DeploymentTable],
        github: GitHub | None,
        deployments: DeploymentRecords,
        records: Records,
        intake: Intake,
        holder: str,
        timing: Timing,
    ) -> None:
        self._targets = {name: table for name, table in targets.items() if table.on_push}
        self._github = github
        self._deployments = deployments
        self._records = records
        self._intake = intake
        self._holder = holder
        self._seconds = timing.push_seconds
        self._lease = timedelta(seconds=max(timing.stale_seconds / 4, timing.push_seconds * 3))
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._work, name="push-watcher", daemon=True)

    def start(self) -> None:
        """Start to watch, if there is anything to watch."""
        if self._targets and self._github is not None:
            self._thread.start()

    def stop(self) -> None:
        """Stop watching; deployments go on."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=STOP_SECONDS)

    def look_soon(self) -> None:
        """Look now instead of at the next turn: somebody has said that a branch moved."""
        self._wake.set()

    def _work(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(self._seconds)
            self._wake.clear()
            if self._stopping.is_set():
                return
            try:
                if self._records.hold_lease(LEASE, self._holder, self._lease):
                    self.look()
            except Exception as error:  # noqa: BLE001 - this thread serves all targets: nothing must end it
                log.warning("looking at branches failed this time", extra={"reason": repr(error)})

    def look(self) -> None:
        """Look once at every branch."""
        for name, table in self._targets.items():
            try:
                self._look_at(name, table)
            except BotError as error:
                log.info("branch could not be looked at", extra={"target": name, "reason": str(error)})

    def _look_at(self, name: str, table: DeploymentTable) -> None:
        """Start a deployment where the branch has moved since it was seen last.

        A branch that is new to us is only noted: what was there before is not a push. While the target is
        being deployed nothing is noted, so that of several pushes meanwhile the last one is deployed.
        """
        assert self._github is not None
        assert table.branch is not None
        sha = self._github.commits.head(table.repository, table.branch)
        known = self._deployments.head(name)
        if known is None:
            self._deployments.set_head(name, sha, 1)
        elif known[0] != sha and self._deployments.holder(name) is None:
            number = known[1] + 1
            # First stored, then noted: should we end between the two, the same flow is stored again.
            self._intake.submit(self._entry(name, table, sha, number))
            self._deployments.set_head(name, sha, number)

    def _entry(self, name: str, table: DeploymentTable, sha: str, number: int) -> Entry:
        known = "\x00".join((name, sha, str(number)))
        job = Job(
            flow_id=f"p-{hashlib.sha256(known.encode()).hexdigest()[:20]}",
            verb="deploy",
            words=(name,),
            typed=f"push of {sha[:7]} to {table.branch}",
            user=f"{PUSHER}somebody",
            channel=str(table.channel),
            asked_at=datetime.now(UTC),
        )
        return Entry(FLOW, REQUESTS, job.flow_id, (job.model_dump(mode="json"), name, sha))

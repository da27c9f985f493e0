"""Looks at the branches of targets that are deployed on push, and starts a deployment for each new head.

One conditional request for each target and look; an unchanged branch costs nothing of GitHub's limit. A
webhook only makes the look come sooner, so that a push that is told twice, late or never is one deployment.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from bot.connectors.github import GitHub
from bot.deployment_records import DeploymentRecords, locks_of
from bot.deployment_tables import DeploymentTable
from bot.engine import REQUESTS
from bot.errors import BotError
from bot.intake import Entry, Intake
from bot.jobs import PUSHER, Job
from bot.nudges import Nudges
from bot.patrols import Patrol
from bot.records import Records
from bot.timing import Timing

log = logging.getLogger(__name__)

LEASE = "push-watcher"
FLOW = "pushed"


class PushWatcher(Patrol):
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
        nudges: Nudges | None = None,
    ) -> None:
        super().__init__(LEASE, records, holder, timing, timing.push_seconds, nudges)
        self._targets = {name: table for name, table in targets.items() if table.on_push}
        self._github = github
        self._deployments = deployments
        self._intake = intake

    def start(self) -> None:
        """Start to look, if there is anything to look at."""
        if self._targets and self._github is not None:
            super().start()

    def look(self) -> None:
        """Look once at every branch."""
        for name, table in self._targets.items():
            try:
                self._look_at(name, table)
            except BotError as error:
                log.info("branch could not be looked at", extra={"target": name, "reason": str(error)})

    def _look_at(self, name: str, table: DeploymentTable) -> None:
        """Start a deployment where the branch has moved since it was seen last.

        A branch that is new to us is only noted: what was there before is not a push. While target or
        environment is being deployed nothing is noted, so that of several pushes meanwhile the last one is
        deployed.
        """
        assert self._github is not None
        assert table.branch is not None
        sha = self._github.commits.head(table.repository, table.branch)
        known = self._deployments.head(name)
        if known is None:
            self._deployments.set_head(name, sha, 1)
        elif known[0] != sha and self._is_free(name, table):
            number = known[1] + 1
            # First stored, then noted: should we end between the two, the same flow is stored again.
            self._intake.submit(self._entry(name, table, sha, number))
            self._deployments.set_head(name, sha, number)

    def _is_free(self, name: str, table: DeploymentTable) -> bool:
        return self._deployments.holder(locks_of(name, table.repository, table.environment)) is None

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

"""Posts that appear once: what may stand in Slack already is looked for before it is sent again.

Slack has no idempotency key for messages. Each post carries a mark of its step in its metadata
(https://docs.slack.dev/messaging/message-metadata), and a step that runs again, because its answer was lost
or its process died before the checkpoint, asks Slack for that mark first. That needs the history scopes,
which are optional: without them the post is sent again, and in that one case it stands there twice.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from dbos import DBOS

from bot.errors import SlackBusy, SlackRefused, SlackUnreachable
from bot.messages.message import Attachment, Message
from bot.outages import is_repeated
from bot.slack import SlackDesk

log = logging.getLogger(__name__)

MARK = "mark"
SURE, UNSURE = "-later", "-later-unsure"
"""What ends the id of a flow that goes on later: its step certainly had no effect so far, or may have had."""


class Posts:
    """Posts for the steps of flows. Every method is called inside a step. Thread-safe."""

    def __init__(self, slack: SlackDesk) -> None:
        self._slack = slack

    def post(
        self,
        channel: str,
        message: Message,
        *,
        thread_ts: str | None = None,
        about: dict[str, Any] | None = None,
    ) -> dict[str, str]:
        """Post *message* without its files, or find where it stands already; return `{"channel", "ts"}`."""
        mark = f"{_begun_as(DBOS.workflow_id or '')}-{DBOS.step_id}"
        found = self._found(channel, thread_ts, mark) if may_be_done() else None
        return found or self._slack.post(
            channel, message, thread_ts=thread_ts, about={**(about or {}), MARK: mark}
        )

    def upload(self, channel: str, thread_ts: str, files: Sequence[Attachment]) -> None:
        """Put those *files* into a thread that are not there yet."""
        known = self._names_in(channel, thread_ts) if may_be_done() else frozenset()
        missing = [file for file in files if file.filename not in known]
        for done, file in enumerate(missing):
            try:
                self._slack.upload(channel, thread_ts, [file])
            except SlackBusy as busy:
                if done:  # this one was not taken, but the step has had an effect
                    raise SlackUnreachable(str(busy)) from None
                raise

    def _found(self, channel: str, thread_ts: str | None, mark: str) -> dict[str, str] | None:
        try:
            return self._slack.find(channel, {MARK: mark}, thread_ts=thread_ts)
        except SlackRefused as refusal:
            log.warning("posted without looking for an earlier one", extra={"reason": str(refusal)})
            return None

    def _names_in(self, channel: str, thread_ts: str) -> frozenset[str]:
        try:
            return self._slack.files_in(channel, thread_ts)
        except SlackRefused as refusal:
            log.warning("uploaded without looking for earlier files", extra={"reason": str(refusal)})
            return frozenset()


def later_id(*, sure: bool) -> str:
    """Return the id as which the present flow goes on later; *sure* that its step had no effect so far."""
    return f"{DBOS.workflow_id}{SURE if sure else UNSURE}"


def names_of(flow_id: str) -> list[str]:
    """Return the ids that a flow may have which began as *flow_id*."""
    return [flow_id, f"{flow_id}{SURE}", f"{flow_id}{UNSURE}"]


def _begun_as(flow_id: str) -> str:
    """Return the id under which a flow began that may go on as another one."""
    return flow_id.removesuffix(UNSURE).removesuffix(SURE)


def may_be_done() -> bool:
    """Return whether the present step may have had its effect: tried before, or its flow begun anew."""
    if is_repeated() or (DBOS.workflow_id or "").endswith(UNSURE):
        return True
    step = DBOS.step_status
    if step is not None and step.current_attempt:
        return True
    assert DBOS.workflow_id is not None, "only steps post"
    flow = DBOS.get_workflow_status(DBOS.workflow_id)
    return flow is not None and (flow.recovery_attempts or 0) > 1

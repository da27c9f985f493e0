"""The watcher: one thread that looks at all runs under way, outside of any flow's checkpoints.

It draws progress and the place in the queue on the cards, and sends each waiting flow the one message that
matters: the run has ended. With several bots on one database, the one that holds the lease watches.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from dbos import DBOSClient

from bot.connectors.azure_functions import AzureFunctionsConnector
from bot.edits import Edits
from bot.errors import BotError
from bot.jobs import Job
from bot.messages import jobs as messages
from bot.messages.message import Message
from bot.patrols import Patrol
from bot.records import Records
from bot.timing import Timing
from ml.contract import FINAL_STATES, RunView

log = logging.getLogger(__name__)

CONTROL = "control"
LEASE = "watcher"

PLACES_SHOWN = 5
"""So many places of a model's queue are kept up to date on the cards. Whoever stands further behind was told
where when the card was posted: redrawing every card at every step would take more edits than Slack allows."""

Card = dict[str, Any]


class Watcher(Patrol):
    """Follows the runs of all open cards."""

    def __init__(
        self,
        records: Records,
        functions: AzureFunctionsConnector,
        client: DBOSClient,
        edits: Edits,
        holder: str,
        timing: Timing,
    ) -> None:
        super().__init__(LEASE, records, holder, timing, timing.watch_seconds)
        self._functions = functions
        self._client = client
        self._edits = edits
        self._shown: dict[str, object] = {}
        self._answered_at = time.monotonic()

    def look(self) -> None:
        """Look once at every open card."""
        cards = self._records.watched_cards(PLACES_SHOWN)
        self._shown = {card["flow_id"]: self._shown.get(card["flow_id"]) for card in cards}
        self._show_places(cards)
        self._follow([card for card in cards if card["state"] == "running"])

    def _show_places(self, cards: list[Card]) -> None:
        for card, place, of in queue_places(cards):
            if self._is_news(card, ("waiting", place, of)):
                self._offer(card, messages.queued(Job.model_validate(card["job"]), place, of))

    def _follow(self, cards: list[Card]) -> None:
        try:
            views = self._functions.status([card["run_id"] for card in cards]) if cards else {}
        except BotError as error:
            self._show_silence(cards, error)
            return
        self._answered_at = time.monotonic()
        for card in cards:
            view = views.get(card["run_id"])
            if view is not None and view.state in FINAL_STATES:
                self._tell(card, view)
            elif view is not None and self._is_news(card, _progress(view)):
                job = Job.model_validate(card["job"])
                self._offer(card, messages.running(job, view, datetime.now(UTC)))

    def _show_silence(self, cards: list[Card], error: BotError) -> None:
        """Say on the cards that the function app does not answer, once that has lasted for a while."""
        log.info("function app did not say how runs stand", extra={"reason": str(error)})
        if time.monotonic() - self._answered_at < self._timing.silence_seconds:
            return
        for card in cards:
            if self._is_news(card, "silence"):
                self._offer(card, messages.out_of_sight(Job.model_validate(card["job"]), card["run_id"]))

    def _tell(self, card: Card, view: RunView) -> None:
        """Send the waiting flow that its run has ended; the engine delivers the same key once."""
        if self._shown.get(card["flow_id"]) != ("ended", view.run_id):
            message = {"kind": "ended", "run_id": view.run_id}
            self._client.send(card["run_flow_id"], message, CONTROL, idempotency_key=f"{view.run_id}-ended")
            self._is_news(card, ("ended", view.run_id))

    def _is_news(self, card: Card, seen: object) -> bool:
        if self._shown.get(card["flow_id"]) == seen:
            return False
        self._shown[card["flow_id"]] = seen
        return True

    def _offer(self, card: Card, message: Message) -> None:
        place = {"channel": card["channel"], "ts": card["ts"]}
        self._edits.offer(place, message, {"flow_id": card["flow_id"], "state": "open"})


def queue_places(cards: list[Card]) -> Iterator[tuple[Card, int, int]]:
    """Yield each waiting card with its place (1 is next) and the number that wait for the same model.

    *cards* are the open ones, oldest first, or the first of them; `open` on each says how many there are of
    its model. Where nothing runs on a model, its first card is about to start.
    """
    by_model: dict[str, list[Card]] = defaultdict(list)
    for card in cards:
        by_model[card["model"]].append(card)
    for queue in by_model.values():
        waiting = [card for card in queue if card["state"] == "waiting"]
        behind = waiting if len(waiting) < len(queue) else waiting[1:]
        for place, card in enumerate(behind, start=1):
            yield card, place, card["open"] - 1


def _progress(view: RunView) -> tuple[object, ...]:
    """Return what makes a progress edit worth drawing: the event, and the time in steps of two seconds."""
    return view.event, int(datetime.now(UTC).timestamp()) // 2

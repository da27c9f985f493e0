"""Aliases: names such as champion that point at a version; each move is a numbered event, none is lost.

A move is bound to the event that its asker saw and to evidence about exactly the champion that it replaces.
"""

from __future__ import annotations

import hashlib

from ml.contract import AliasMove, AliasView, Evidence
from ml.errors import AlreadyExists, Conflict, Refused
from ml.events import EventLog, utc_now, validated
from ml.objects import ObjectStore

CHAMPION = "champion"


class Aliases:
    """The aliases of all models in one store; safe to share between threads.

    It remembers the newest numbers and the events that it saw: both only ever stay true.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._known: dict[str, int] = {}
        self._views: dict[str, AliasView] = {}

    def log(self, model: str, alias: str) -> EventLog:
        """Return the history of an alias as it is stored."""
        return EventLog(self._store, f"models/{model}/aliases/{alias}", width=8)

    def view(self, model: str, alias: str) -> AliasView | None:
        """Return where an alias points, None if it never existed; one look if it did not move."""
        n = self._newest(self.log(model, alias))
        return self._event(model, alias, n) if n else None

    def history(self, model: str, alias: str) -> list[AliasView]:
        """Return every move of an alias, oldest first."""
        newest = self._newest(self.log(model, alias))
        return [self._event(model, alias, n) for n in range(1, newest + 1)]

    def previous(self, model: str, alias: str) -> int | None:
        """Return the version that the alias pointed at before the present one, None if there was no other."""
        present = view = self.view(model, alias)
        while view is not None and present is not None and view.previous is not None:
            if view.previous != present.version:
                return view.previous
            view = self._event(model, alias, view.event - 1)
        return None

    def earlier_answer(self, model: str, alias: str, move: AliasMove, key: str) -> AliasView | None:
        """Return the answer that the same key got before, None if it is new.

        The event after the expected one is where the same request would have landed; the newest is where
        the same key may lie with another request.

        Raises:
            Refused: `idempotency_key_reused`.
        """
        log = self.log(model, alias)
        newest = self._newest(log)
        for n in {move.expected_event + 1, newest}:
            if not 0 < n <= newest:
                continue
            event = log.read(n)
            if event.get("key") != _hash(key):
                continue
            if event.get("request") != _hash(move.model_dump_json()):
                raise Refused(
                    "idempotency_key_reused", "this Idempotency-Key came with another request before"
                )
            return self._event(model, alias, n)
        return None

    def expect(self, model: str, alias: str, expected_event: int) -> AliasView | None:
        """Return where an alias points, if that is still the event that was expected.

        Raises:
            Conflict: It moved.
        """
        present = self.view(model, alias)
        if (present.event if present else 0) != expected_event:
            raise _conflict(present)
        return present

    def move(
        self,
        model: str,
        alias: str,
        move: AliasMove,
        present: AliasView | None,
        manifest_digest: str,
        key: str | None = None,
    ) -> AliasView:
        """Write the move as the event after *present*, the expected one; who comes second is told so.

        Raises:
            Conflict: The alias moved since `expected_event`.
            Refused: `idempotency_key_reused`.
        """
        log, n = self.log(model, alias), move.expected_event + 1
        event = {
            "at": utc_now(),
            "event": n,
            "version": move.version,
            "previous": present.version if present else None,
            "by": move.by,
            "why": move.why,
            "evidence": move.evidence,
            "manifest": manifest_digest,
            "key": _hash(key) if key else None,
            "request": _hash(move.model_dump_json()),
        }
        try:
            log.append(event, n)
        except AlreadyExists:
            earlier = self.earlier_answer(model, alias, move, key) if key else None
            if earlier is None:
                raise _conflict(self.view(model, alias)) from None
            return earlier
        self._known[log.prefix] = n
        return self._event(model, alias, n)

    def _event(self, model: str, alias: str, n: int) -> AliasView:
        log = self.log(model, alias)
        path = log.path(n)
        cached = self._views.get(path)
        if cached is None:
            record = {**log.read(n), "model": model, "alias": alias, "event": n}
            cached = self._views[path] = validated(AliasView, path, record)
        return cached

    def _newest(self, log: EventLog) -> int:
        n = self._known[log.prefix] = log.newest(self._known.get(log.prefix, 0))
        return n


def require_evidence(model: str, version: int, champion: AliasView | None, evidence: Evidence) -> None:
    """Refuse evidence that is about another model, candidate or champion than those of this decision.

    Raises:
        Refused: `evidence_mismatch`.
    """
    present = (champion.version, champion.event) if champion else (None, 0)
    found = (evidence.model, evidence.candidate, evidence.champion, evidence.champion_event)
    if found != (model, version, *present):
        compared = f"version {found[1]} of {found[0]} with champion {found[2]} (move {found[3]})"
        asked = f"version {version} of {model} in place of {present[0]} (move {present[1]})"
        raise Refused("evidence_mismatch", f"the evidence compares {compared}; asked is {asked}")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _conflict(present: AliasView | None) -> Conflict:
    where = f"at version {present.version} (move {present.event})" if present else "not there"
    return Conflict(present, f"the alias is not where it was expected: it is {where}")

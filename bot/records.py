"""What is the bot's own: cards, cancellations, decisions, sent digests, processes, leases, audit.

Plain SQLAlchemy Core. What must outlive the bot goes through the function app instead.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from bot.databases import claim
from bot.tables import (
    MIGRATIONS,
    audit,
    cancellations,
    cards,
    decisions,
    digests,
    leases,
    migrations,
    processes,
    utc_now,
    works,
)

OPEN = ("waiting", "running", "elsewhere")
MOST_DEED = 60
"""Characters of a deed in the audit, as many as its column holds."""
"""States of a card whose job has not ended."""


class Records:
    """The bot's tables behind verbs; each call is one transaction, safe from threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def migrate(self) -> None:
        """Bring the tables up to date; two processes doing so at once do it once."""
        with self.engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                # Any constant will do: it only has to be the same for every bot on this database.
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(7206011)"))
            else:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            migrations.create(connection, checkfirst=True)
            done = set(connection.execute(sa.select(migrations.c.number)).scalars())
            for number, made in enumerate(MIGRATIONS, start=1):
                if number not in done:
                    for one in made:
                        one.create(connection, checkfirst=True)
                    connection.execute(sa.insert(migrations).values(number=number))

    # --- cards: one message per job ---------------------------------------------------------------------

    def open_card(
        self,
        flow_id: str,
        run_flow_id: str,
        model: str,
        job: Mapping[str, Any],
        place: Mapping[str, str],
    ) -> None:
        """Remember where the card of a job stands; a second call for the same job changes nothing."""
        claim(
            self.engine,
            cards,
            flow_id=flow_id,
            run_flow_id=run_flow_id,
            model=model,
            job=json.dumps(job),
            channel=place["channel"],
            ts=place["ts"],
            state="waiting",
            created_at=utc_now(),
        )

    def watch(self, flow_id: str, run_id: str) -> None:
        """Mark a card's run as started, so that the watcher follows it."""
        self._set_card(flow_id, run_id=run_id, state="running")

    def hand_over(self, flow_id: str) -> None:
        """Mark a card's run as one of a connector, which another watcher follows (`works` has it)."""
        self._set_card(flow_id, state="elsewhere")

    def move_card(self, flow_id: str, place: Mapping[str, str]) -> None:
        """Remember that a card stands elsewhere now."""
        self._set_card(flow_id, channel=place["channel"], ts=place["ts"])

    def close_card(self, flow_id: str) -> None:
        """Mark a card as finished: neither the watcher nor the queue's place is shown on it any more."""
        self._set_card(flow_id, state="closed")

    def open_cards(self, *states: str) -> list[dict[str, Any]]:
        """Return the cards in *states*, oldest first, with their job as a dict."""
        statement = sa.select(cards).where(cards.c.state.in_(states)).order_by(cards.c.created_at)
        with self.engine.connect() as connection:
            rows = connection.execute(statement).mappings().all()
        return [{**row, "job": json.loads(row["job"])} for row in rows]

    def watched_cards(self, near: int) -> list[dict[str, Any]]:
        """Return what the watcher follows, oldest first: all under way and the first *near* of those waiting.

        Each has its job as a dict, and as `open` how many cards of its model are open, itself included. Those
        far behind are counted and not read: ten thousand may wait.
        """
        first = sa.func.row_number().over(
            partition_by=cards.c.model, order_by=(cards.c.created_at, cards.c.flow_id)
        )
        number = sa.func.count().over(partition_by=cards.c.model)
        ranked = (
            sa.select(cards.c.flow_id, first.label("rank"), number.label("open"))
            .where(cards.c.state.in_(OPEN))
            .subquery()
        )
        statement = (
            sa.select(cards, ranked.c.open)
            .join(ranked, ranked.c.flow_id == cards.c.flow_id)
            .where(sa.or_(cards.c.state != "waiting", ranked.c.rank <= near + 1))
            .order_by(cards.c.created_at, cards.c.flow_id)
        )
        with self.engine.connect() as connection:
            rows = connection.execute(statement).mappings().all()
        return [{**row, "job": json.loads(row["job"])} for row in rows]

    def count_open(self, model: str) -> int:
        """Return how many jobs of *model* are under way or wait for their turn."""
        statement = sa.select(sa.func.count()).where(cards.c.state.in_(OPEN), cards.c.model == model)
        with self.engine.connect() as connection:
            return int(connection.execute(statement).scalar_one())

    def cards_of(self, user: str, most: int, among: int = 200) -> list[dict[str, Any]]:
        """Return a person's latest cards, newest first, looked for among the latest of everybody."""
        statement = sa.select(cards).order_by(cards.c.created_at.desc()).limit(among)
        with self.engine.connect() as connection:
            rows = connection.execute(statement).mappings().all()
        found = [{**row, "job": json.loads(row["job"])} for row in rows]
        return [card for card in found if card["job"]["user"] == user][:most]

    def asked_by(self, user: str, most: int) -> list[dict[str, Any]]:
        """Return what a person asked for last and was allowed, newest first: `at` when, and `typed`."""
        statement = sa.select(audit).where(audit.c.who == user).order_by(audit.c.id.desc()).limit(most * 5)
        with self.engine.connect() as connection:
            rows = connection.execute(statement).mappings().all()
        facts = [{"at": row["at"].replace(tzinfo=UTC), **json.loads(row["facts"])} for row in rows]
        return [one for one in facts if one.get("typed") and one.get("allowed")][:most]

    def card(self, flow_or_run: str) -> dict[str, Any] | None:
        """Return the card of a job by its flow id or its run id, or None."""
        wanted = sa.or_(cards.c.flow_id == flow_or_run, cards.c.run_id == flow_or_run)
        with self.engine.connect() as connection:
            row = connection.execute(sa.select(cards).where(wanted)).mappings().first()
        return {**row, "job": json.loads(row["job"])} if row else None

    def known_ids(self, most: int) -> list[str]:
        """Return the ids of the latest jobs and of their runs, at most *most* of each kind, newest first."""
        found: list[str] = []
        with self.engine.connect() as connection:
            for table in (cards, works):
                statement = sa.select(table.c.flow_id, table.c.run_id).order_by(table.c.created_at.desc())
                found += [one for row in connection.execute(statement.limit(most)) for one in row if one]
        return found

    def deeds(self, flow_id: str) -> list[dict[str, Any]]:
        """Return the audit's lines about a flow, oldest first: `at`, `who`, `what` and `facts` as a dict."""
        statement = sa.select(audit).where(audit.c.flow_id == flow_id).order_by(audit.c.id)
        with self.engine.connect() as connection:
            rows = connection.execute(statement).mappings().all()
        return [{**row, "facts": json.loads(row["facts"])} for row in rows]

    def _set_card(self, flow_id: str, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(sa.update(cards).where(cards.c.flow_id == flow_id).values(**values))

    # --- claims -----------------------------------------------------------------------------------------

    def cancel(self, flow_id: str, by: str) -> bool:
        """Record that *by* cancelled the job; True for the first who did."""
        return claim(self.engine, cancellations, flow_id=flow_id, by=by, at=utc_now())

    def cancelled_by(self, flow_id: str) -> str | None:
        """Return who cancelled the job, or None."""
        statement = sa.select(cancellations.c.by).where(cancellations.c.flow_id == flow_id)
        with self.engine.connect() as connection:
            return connection.execute(statement).scalar()

    def open_decision(self, decide_id: str, model: str, candidate: int, evidence: str) -> None:
        """Record that people are asked to decide on *candidate*; a second call changes nothing."""
        claim(
            self.engine,
            decisions,
            decide_id=decide_id,
            model=model,
            candidate=candidate,
            evidence=evidence,
            at=utc_now(),
        )

    def press(self, decide_id: str, press: str, by: str) -> bool:
        """Claim an open decision for the flow *press*; True if that has it, also when asked again.

        Whoever is first has the decision until it is closed, or until `release` says that nothing came of it.
        """
        free = sa.or_(decisions.c.press.is_(None), decisions.c.press == press)
        with self.engine.begin() as connection:
            claimed = connection.execute(
                sa.update(decisions).where(_is_open(decide_id), free).values(press=press, by=by)
            )
        return claimed.rowcount == 1

    def release(self, decide_id: str, press: str) -> None:
        """Give a decision back that *press* had claimed and could not carry out."""
        with self.engine.begin() as connection:
            connection.execute(
                sa.update(decisions)
                .where(_is_open(decide_id), decisions.c.press == press)
                .values(press=None, by=None)
            )

    def close_decision(self, decide_id: str, kind: str, by: str | None) -> bool:
        """Record how a decision ended; True if it ended so, also when asked again.

        One that nobody pressed (*by* is None) is not closed while somebody's press is being carried out.
        """
        ready = _is_open(decide_id) if by else sa.and_(_is_open(decide_id), decisions.c.press.is_(None))
        with self.engine.begin() as connection:
            connection.execute(sa.update(decisions).where(ready).values(kind=kind, by=by, at=utc_now()))
            statement = sa.select(decisions.c.kind).where(decisions.c.decide_id == decide_id)
            return connection.execute(statement).scalar() == kind

    def open_decisions(self, model: str) -> list[str]:
        """Return the ids of all decisions on *model* that are still open."""
        statement = sa.select(decisions.c.decide_id).where(
            decisions.c.model == model, decisions.c.kind.is_(None)
        )
        with self.engine.connect() as connection:
            return list(connection.execute(statement).scalars())

    def decision(self, decide_id: str) -> dict[str, Any] | None:
        """Return a decision as a dict (`kind` is None while it is open), or None."""
        statement = sa.select(decisions).where(decisions.c.decide_id == decide_id)
        with self.engine.connect() as connection:
            row = connection.execute(statement).mappings().first()
        return dict(row) if row else None

    def claim_digest(self, name: str, due: datetime, due_local: str, flow_id: str) -> bool:
        """Claim one due time of a digest for *flow_id*; True if it is that flow's, also when asked again.

        *due_local* is the wall-clock time without its offset, so that an hour that the clocks repeat in
        autumn gives one digest.
        """
        sent = {"name": name, "due": _plain(due), "due_local": due_local, "flow_id": flow_id}
        if claim(self.engine, digests, **sent):
            return True
        statement = sa.select(digests.c.flow_id).where(
            digests.c.name == name, digests.c.due_local == due_local
        )
        with self.engine.connect() as connection:
            return connection.execute(statement).scalar() == flow_id

    def last_digest(self, name: str, before: datetime) -> datetime | None:
        """Return the latest claimed due time of a digest before *before*, aware UTC, or None."""
        statement = sa.select(sa.func.max(digests.c.due)).where(
            digests.c.name == name, digests.c.due < _plain(before)
        )
        with self.engine.connect() as connection:
            found = connection.execute(statement).scalar()
        return found.replace(tzinfo=UTC) if found else None

    def note(self, flow_id: str, who: str, what: str, **facts: Any) -> None:
        """Append one line to the audit: who did what by which flow; a flow's same deed is kept once."""
        # A command may have a longer name than the column; PostgreSQL would refuse it.
        deed = {"who": who, "what": what[:MOST_DEED], "facts": json.dumps(facts)}
        claim(self.engine, audit, at=utc_now(), flow_id=flow_id, **deed)

    # --- processes and leases ---------------------------------------------------------------------------

    def beat(self, executor_id: str) -> bool:
        """Say that this process is alive; False when another one has already taken its flows over."""
        with self.engine.begin() as connection:
            row = connection.execute(
                sa.select(processes.c.recovered_by).where(processes.c.executor_id == executor_id)
            ).first()
            if row is None:
                connection.execute(
                    sa.insert(processes).values(executor_id=executor_id, heartbeat_at=utc_now())
                )
                return True
            if row.recovered_by is not None:
                return False
            connection.execute(
                sa.update(processes)
                .where(processes.c.executor_id == executor_id)
                .values(heartbeat_at=utc_now())
            )
        return True

    def take_over_stale(self, executor_id: str, stale: timedelta) -> list[str]:
        """Mark every process silent for longer than *stale* as taken over by this one; return their ids.

        What such a process had itself taken over is inherited: it may have died before it came to that.
        """
        with self.engine.begin() as connection:
            found = self._stale(connection, executor_id, utc_now() - stale)
            taken = [other for other in found if self._take_over(connection, other, executor_id)]
            connection.execute(
                sa.update(processes)
                .where(processes.c.recovered_by.in_(taken))
                .values(recovered_by=executor_id)
            )
        return taken

    @staticmethod
    def _take_over(connection: Connection, other: str, executor_id: str) -> bool:
        still_there = sa.and_(processes.c.executor_id == other, processes.c.recovered_by.is_(None))
        statement = sa.update(processes).where(still_there).values(recovered_by=executor_id)
        return connection.execute(statement).rowcount == 1

    @staticmethod
    def _stale(connection: Connection, executor_id: str, limit: datetime) -> Sequence[str]:
        statement = sa.select(processes.c.executor_id).where(
            processes.c.executor_id != executor_id,
            processes.c.heartbeat_at < limit,
            processes.c.recovered_by.is_(None),
        )
        return connection.execute(statement).scalars().all()

    def taken_over(self, executor_id: str) -> list[str]:
        """Return the ids of all processes whose flows this one has taken over."""
        statement = sa.select(processes.c.executor_id).where(processes.c.recovered_by == executor_id)
        with self.engine.connect() as connection:
            return list(connection.execute(statement).scalars())

    def leave(self, executor_id: str) -> None:
        """Say that this process has stopped in order; another may take its flows over at once."""
        with self.engine.begin() as connection:
            connection.execute(
                sa.update(processes)
                .where(processes.c.executor_id == executor_id)
                .values(heartbeat_at=datetime(1970, 1, 1))  # noqa: DTZ001 - the tables hold UTC without zone
            )
            connection.execute(sa.delete(leases).where(leases.c.holder == executor_id))

    def hold_lease(self, name: str, holder: str, duration: timedelta) -> bool:
        """Take or renew the lease *name*; True while *holder* has it, False while somebody else does."""
        now = utc_now()
        free = sa.or_(leases.c.holder == holder, leases.c.expires_at < now)
        with self.engine.begin() as connection:
            renewed = connection.execute(
                sa.update(leases)
                .where(leases.c.name == name, free)
                .values(holder=holder, expires_at=now + duration)
            ).rowcount
        if renewed:
            return True
        return claim(self.engine, leases, name=name, holder=holder, expires_at=now + duration)


def _is_open(decide_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(decisions.c.decide_id == decide_id, decisions.c.kind.is_(None))


def _plain(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)

"""What is the bot's own: cards, cancellations, decisions, sent digests, processes, leases, audit.

The tables of calls to endpoints, of webhooks, of deliveries, of open forms, of deployments and of experiments
are made here and used in `calls`, `deliveries`, `open_forms`, `deployment_records` and `experiment_records`.

Plain SQLAlchemy Core in the engine's database, own tables and numbered migrations. Unique constraints are the
claims: whoever inserts first has it. What must outlive the bot goes through the function app instead.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IntegrityError

metadata = sa.MetaData()

cards = sa.Table(
    "toban_cards",
    metadata,
    sa.Column("flow_id", sa.String(120), primary_key=True),
    sa.Column("run_flow_id", sa.String(120), nullable=False),
    sa.Column("model", sa.String(64), nullable=False),
    sa.Column("job", sa.Text, nullable=False),
    sa.Column("channel", sa.String(80), nullable=False),
    sa.Column("ts", sa.String(40), nullable=False),
    sa.Column("run_id", sa.String(60)),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
)
cancellations = sa.Table(
    "toban_cancellations",
    metadata,
    sa.Column("flow_id", sa.String(120), primary_key=True),
    sa.Column("by", sa.String(80), nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
)
decisions = sa.Table(
    "toban_decisions",
    metadata,
    sa.Column("decide_id", sa.String(120), primary_key=True),
    sa.Column("model", sa.String(64), nullable=False),
    sa.Column("candidate", sa.Integer, nullable=False),
    sa.Column("evidence", sa.String(80), nullable=False),
    sa.Column("press", sa.String(120)),
    sa.Column("kind", sa.String(20)),
    sa.Column("by", sa.String(80)),
    sa.Column("at", sa.DateTime, nullable=False),
)
digests = sa.Table(
    "toban_digests",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("due_local", sa.String(40), primary_key=True),
    sa.Column("due", sa.DateTime, nullable=False),
    sa.Column("flow_id", sa.String(160), nullable=False),
)
processes = sa.Table(
    "toban_processes",
    metadata,
    sa.Column("executor_id", sa.String(120), primary_key=True),
    sa.Column("heartbeat_at", sa.DateTime, nullable=False),
    sa.Column("recovered_by", sa.String(120)),
)
leases = sa.Table(
    "toban_leases",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("holder", sa.String(120), nullable=False),
    sa.Column("expires_at", sa.DateTime, nullable=False),
)
audit = sa.Table(
    "toban_audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("flow_id", sa.String(160), nullable=False),
    sa.Column("who", sa.String(80), nullable=False),
    sa.Column("what", sa.String(60), nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
    sa.UniqueConstraint("flow_id", "what"),
)
works = sa.Table(
    "toban_works",
    metadata,
    sa.Column("flow_id", sa.String(120), primary_key=True),
    sa.Column("work_flow_id", sa.String(120), nullable=False),
    sa.Column("job", sa.Text, nullable=False),
    sa.Column("order", sa.Text, nullable=False),
    sa.Column("channel", sa.String(80), nullable=False),
    sa.Column("ts", sa.String(40), nullable=False),
    sa.Column("state", sa.String(20), nullable=False, index=True),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("run_id", sa.String(120), index=True),
    sa.Column("handle", sa.Text),
    sa.Column("began_at", sa.DateTime),
    sa.Column("created_at", sa.DateTime, nullable=False),
)
calls = sa.Table(
    "toban_calls",
    metadata,
    sa.Column("key", sa.String(120), primary_key=True),
    sa.Column("endpoint", sa.String(64), nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
    sa.Column("look_after", sa.DateTime, nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.Column("ended_at", sa.DateTime),
)
hooks = sa.Table(
    "toban_hooks",
    metadata,
    sa.Column("signature", sa.String(80), primary_key=True),
    sa.Column("command", sa.String(64), nullable=False),
    sa.Column("flow_id", sa.String(120), nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
)
deliveries = sa.Table(
    "toban_deliveries",
    metadata,
    sa.Column("id", sa.String(200), primary_key=True),
    sa.Column("webhook", sa.String(64), nullable=False),
    sa.Column("event", sa.String(40), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.Column("ended_at", sa.DateTime),
)
deployment_locks = sa.Table(
    "toban_deployment_locks",
    metadata,
    sa.Column("target", sa.String(64), primary_key=True),
    sa.Column("flow_id", sa.String(120), nullable=False),
    sa.Column("by", sa.String(80), nullable=False),
    sa.Column("what", sa.String(200), nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
)
deployment_heads = sa.Table(
    "toban_deployment_heads",
    metadata,
    sa.Column("target", sa.String(64), primary_key=True),
    sa.Column("sha", sa.String(64), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
)
forms = sa.Table(
    "toban_forms",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("form", sa.Text, nullable=False),
    sa.Column("used_at", sa.DateTime, nullable=False),
)
events = sa.Table(
    "toban_events",
    metadata,
    sa.Column("delivery", sa.String(80), primary_key=True),
    sa.Column("identity", sa.String(64), nullable=False, unique=True),
    sa.Column("event", sa.String(40), nullable=False),
    sa.Column("repository", sa.String(160), nullable=False),
    sa.Column("begins", sa.Boolean, nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
)
experiments = sa.Table(
    "toban_experiments",
    metadata,
    sa.Column("flow_id", sa.String(120), primary_key=True),
    sa.Column("repository", sa.String(160), nullable=False),
    sa.Column("began_at", sa.DateTime, nullable=False),
    sa.Column("number", sa.Integer),
    sa.Column("channel", sa.String(80)),
    sa.Column("ts", sa.String(40)),
    sa.Column("result", sa.Text),
)
subscriptions = sa.Table(
    "toban_subscriptions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("channel", sa.String(80), nullable=False),
    sa.Column("repository", sa.String(160), nullable=False),
    sa.Column("workflow", sa.String(200), nullable=False),
    sa.Column("branch", sa.String(255), nullable=False),
    sa.Column("on", sa.Text, nullable=False),
    sa.Column("by", sa.String(80), nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.UniqueConstraint("channel", "repository", "workflow", "branch"),
)
seen_runs = sa.Table(
    "toban_seen_runs",
    metadata,
    sa.Column("repository", sa.String(160), primary_key=True),
    sa.Column("seen", sa.Text, nullable=False),
)
incidents = sa.Table(
    "toban_incidents",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("channel", sa.String(80), nullable=False),
    sa.Column("repository", sa.String(160), nullable=False),
    sa.Column("is_open", sa.Boolean, nullable=False, index=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("news", sa.String(64), nullable=False),
    sa.Column("change", sa.String(20), nullable=False),
    sa.Column("ts", sa.String(40)),
    sa.Column("at", sa.DateTime, nullable=False),
)
notices = sa.Table(
    "toban_notices",
    metadata,
    sa.Column("channel", sa.String(80), primary_key=True),
    sa.Column("run_id", sa.String(40), primary_key=True),
    sa.Column("ts", sa.String(40), nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
)
INDEXES = (
    sa.Index("toban_cards_open", cards.c.state, cards.c.model, cards.c.created_at, cards.c.flow_id),
    sa.Index("toban_cards_newest", cards.c.created_at),
    sa.Index("toban_cards_run", cards.c.run_id),
    sa.Index("toban_audit_who", audit.c.who, audit.c.id),
    sa.Index("toban_decisions_open", decisions.c.model, decisions.c.kind),
    sa.Index("toban_works_newest", works.c.created_at),
    sa.Index("toban_deliveries_webhook", deliveries.c.webhook, deliveries.c.created_at),
)
"""What is looked for again and again is found without reading all that ever was."""
migrations = sa.Table("toban_migrations", metadata, sa.Column("number", sa.Integer, primary_key=True))

MIGRATIONS: Sequence[Sequence[sa.Table | sa.Index]] = (
    (cards, cancellations, decisions, digests, processes, leases, audit),
    (works,),
    (calls, hooks, deliveries),
    (events,),
    (forms,),
    (subscriptions, seen_runs, incidents, notices),
    (deployment_locks, deployment_heads),
    (experiments,),
    INDEXES,
)
"""Tables and indexes made by each numbered migration; a migration that has shipped is never changed."""


OPEN = ("waiting", "running", "elsewhere")
"""States of a card whose job has not ended."""


def utc_now() -> datetime:
    """Return the present moment in UTC, without zone, as the tables hold it."""
    return datetime.now(UTC).replace(tzinfo=None)


def make_engine(url: str) -> Engine:
    """Return an SQLAlchemy engine for *url* with the settings that the flow engine needs beside it.

    On SQLite, writers begin IMMEDIATE and wait up to 30 s for a lock, and the file is in WAL mode, so that
    readers and the one writer do not stop each other (https://www.sqlite.org/wal.html).
    """
    if not url.startswith("sqlite"):
        return sa.create_engine(
            psycopg_url(url), pool_pre_ping=True, pool_size=5, max_overflow=10, hide_parameters=True
        )
    engine = sa.create_engine(url, isolation_level="SERIALIZABLE", hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        connection.execute("PRAGMA busy_timeout=30000")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    return engine


def psycopg_url(url: str) -> str:
    """Return a PostgreSQL *url* that names the psycopg 3 driver, whichever common form it came in."""
    scheme, rest = url.split("://", 1)
    return f"postgresql+psycopg://{rest}" if scheme in {"postgres", "postgresql"} else url


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
        self._claim(
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

    def _set_card(self, flow_id: str, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(sa.update(cards).where(cards.c.flow_id == flow_id).values(**values))

    # --- claims -----------------------------------------------------------------------------------------

    def cancel(self, flow_id: str, by: str) -> bool:
        """Record that *by* cancelled the job; True for the first who did."""
        return self._claim(cancellations, flow_id=flow_id, by=by, at=utc_now())

    def cancelled_by(self, flow_id: str) -> str | None:
        """Return who cancelled the job, or None."""
        statement = sa.select(cancellations.c.by).where(cancellations.c.flow_id == flow_id)
        with self.engine.connect() as connection:
            return connection.execute(statement).scalar()

    def open_decision(self, decide_id: str, model: str, candidate: int, evidence: str) -> None:
        """Record that people are asked to decide on *candidate*; a second call changes nothing."""
        self._claim(
            decisions, decide_id=decide_id, model=model, candidate=candidate, evidence=evidence, at=utc_now()
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
        claimed = self._claim(digests, name=name, due=_plain(due), due_local=due_local, flow_id=flow_id)
        if claimed:
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
        self._claim(audit, at=utc_now(), flow_id=flow_id, who=who, what=what, facts=json.dumps(facts))

    def _claim(self, table: sa.Table, **values: Any) -> bool:
        try:
            with self.engine.begin() as connection:
                connection.execute(sa.insert(table).values(**values))
        except IntegrityError:
            return False
        return True

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
        return self._claim(leases, name=name, holder=holder, expires_at=now + duration)


def _is_open(decide_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(decisions.c.decide_id == decide_id, decisions.c.kind.is_(None))


def _plain(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)

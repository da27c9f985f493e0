"""Who wants to know of which workflows, what was seen of their runs, and the incidents told of.

Tables behind verbs; each call is one transaction, safe from threads and processes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IntegrityError

from bot.databases import claim
from bot.incidents import Change, Incident, News, Subscription, advance, breaking
from bot.run_news import Seen
from bot.tables import incidents, notices, seen_runs, subscriptions, utc_now

MOST_OLD_RUNS = 5
RERUN_DAYS = timedelta(days=30)


class Subscriptions:
    """The tables of subscriptions, seen runs, incidents and notices."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # --- who wants what -------------------------------------------------------------------------------

    def save(self, wanted: Subscription) -> int:
        """Keep a subscription and return its number; one for the same runs is changed, and keeps its own."""
        row = {
            "channel": wanted.channel,
            "repository": wanted.repository,
            "workflow": wanted.workflow,
            "branch": wanted.branch,
        }
        same = sa.and_(*(subscriptions.c[name] == value for name, value in row.items()))
        told = {"on": json.dumps(wanted.on), "by": wanted.by}
        if not claim(self._engine, subscriptions, **row, **told, created_at=utc_now()):
            with self._engine.begin() as connection:
                connection.execute(sa.update(subscriptions).where(same).values(**told))
        with self._engine.connect() as connection:
            return int(connection.execute(sa.select(subscriptions.c.id).where(same)).scalar_one())

    def remove(self, subscription_id: int) -> None:
        """Forget a subscription, and the incidents that only it wanted; again changes nothing."""
        with self._engine.begin() as connection:
            chosen = subscriptions.c.id == subscription_id
            row = connection.execute(sa.select(subscriptions).where(chosen)).mappings().first()
            if row is None:
                return
            gone = _subscription(row)
            connection.execute(sa.delete(subscriptions).where(chosen))
            left = [one for one in _all(connection) if one.repository == gone.repository]
            if not left:
                connection.execute(sa.delete(seen_runs).where(seen_runs.c.repository == gone.repository))
            here = [one for one in left if one.channel == gone.channel]
            self._forget_incidents(connection, gone, here)

    @staticmethod
    def _forget_incidents(connection: Connection, gone: Subscription, left: list[Subscription]) -> None:
        of_channel = sa.and_(incidents.c.channel == gone.channel, incidents.c.repository == gone.repository)
        for row in connection.execute(sa.select(incidents.c.key, incidents.c.state).where(of_channel)).all():
            run = Incident.model_validate_json(row.state).latest
            if not any(one.covers(run.workflow, run.branch) for one in left):
                connection.execute(sa.delete(incidents).where(incidents.c.key == row.key))

    def every(self) -> list[Subscription]:
        """Return all subscriptions, oldest first."""
        with self._engine.connect() as connection:
            return _all(connection)

    def of(self, channel: str) -> list[Subscription]:
        """Return the subscriptions of a channel, oldest first."""
        return [one for one in self.every() if one.channel == channel]

    # --- what was seen --------------------------------------------------------------------------------

    def seen(self, repository: str) -> Seen | None:
        """Return what was seen of a repository's runs, or None before the first look."""
        statement = sa.select(seen_runs.c.seen).where(seen_runs.c.repository == repository)
        with self._engine.connect() as connection:
            text = connection.execute(statement).scalar()
        return Seen.model_validate_json(text) if text else None

    def see(self, repository: str, seen: Seen, *, first: bool = False) -> None:
        """Keep what was seen; with *first*, only if nothing was seen before."""
        row = {"repository": repository, "seen": seen.model_dump_json()}
        with self._engine.begin() as connection:
            known = connection.execute(
                sa.select(seen_runs.c.repository).where(seen_runs.c.repository == repository)
            ).first()
        try:
            with self._engine.begin() as connection:
                if known is None:
                    connection.execute(sa.insert(seen_runs).values(**row))
                elif not first:
                    same = seen_runs.c.repository == repository
                    connection.execute(sa.update(seen_runs).where(same).values(**row))
        except IntegrityError:
            return  # another bot was a moment quicker; what differs is seen at the next look

    # --- incidents ------------------------------------------------------------------------------------

    def open_runs(self, repository: str) -> list[str]:
        """Return the newest runs that open incidents wait for: run again, they may end them.

        A run can be run again for thirty days
        (https://docs.github.com/en/actions/managing-workflow-runs/re-running-workflows-and-jobs).
        """
        is_open = sa.and_(
            incidents.c.repository == repository,
            incidents.c.is_open.is_(True),
            incidents.c.at > utc_now() - RERUN_DAYS,
        )
        statement = sa.select(incidents.c.state).where(is_open)
        with self._engine.connect() as connection:
            states = [Incident.model_validate_json(text) for text in connection.execute(statement).scalars()]
        runs = {one.broken.id for one in states if one.broken}
        return sorted(runs, key=int, reverse=True)[:MOST_OLD_RUNS]

    def is_open(self, news: News) -> bool:
        """Return whether the incident that *news* is about is open."""
        statement = sa.select(incidents.c.is_open).where(incidents.c.key == news.key)
        with self._engine.connect() as connection:
            return bool(connection.execute(statement).scalar())

    def incident(self, key: str) -> Incident | None:
        """Return an incident as it stands, or None."""
        with self._engine.connect() as connection:
            row = self._incident(connection, key)
        return Incident.model_validate_json(row["state"]) if row is not None else None

    def take(self, news: News, on: frozenset[str], why: str | None) -> tuple[Incident, Change, str | None]:
        """Let *news* change its incident; return that, what changed, and the message's ts if there is one.

        The same news asked about again, as after a crash, is answered as before.
        """
        with self._engine.begin() as connection:
            row = self._incident(connection, news.key)
            if row is not None and row["news"] == news.id:
                return Incident.model_validate_json(row["state"]), row["change"], row["ts"]
            before = Incident.model_validate_json(row["state"]) if row is not None else None
            after, change = advance(before, news, breaking(on), why)
            ts = None if change == "opened" or row is None else row["ts"]
            state = after.model_dump_json()
            values = {"is_open": after.is_open, "state": state, "change": change, "ts": ts, "at": utc_now()}
            if row is None:
                about = {"key": news.key, "channel": news.channel, "repository": news.repository}
                connection.execute(sa.insert(incidents).values(**about, news=news.id, **values))
            elif change != "none" or after != before:
                same = incidents.c.key == news.key
                connection.execute(sa.update(incidents).where(same).values(news=news.id, **values))
        return after, change, ts

    def place(self, key: str, ts: str) -> None:
        """Remember where an incident's message stands."""
        with self._engine.begin() as connection:
            connection.execute(sa.update(incidents).where(incidents.c.key == key).values(ts=ts))

    @staticmethod
    def _incident(connection: Connection, key: str) -> Mapping[Any, Any] | None:
        return connection.execute(sa.select(incidents).where(incidents.c.key == key)).mappings().first()

    # --- notices of single runs -----------------------------------------------------------------------

    def notice(self, channel: str, run_id: str) -> str | None:
        """Return the ts of the message about a run in a channel, or None."""
        same = sa.and_(notices.c.channel == channel, notices.c.run_id == run_id)
        with self._engine.connect() as connection:
            return connection.execute(sa.select(notices.c.ts).where(same)).scalar()

    def note(self, channel: str, run_id: str, ts: str) -> None:
        """Remember the message about a run in a channel."""
        same = sa.and_(notices.c.channel == channel, notices.c.run_id == run_id)
        with self._engine.begin() as connection:
            connection.execute(sa.delete(notices).where(same))
            connection.execute(sa.insert(notices).values(channel=channel, run_id=run_id, ts=ts, at=utc_now()))

    def delete_before(self, moment: datetime) -> None:
        """Delete what was told before *moment* and is over."""
        before = moment.astimezone(UTC).replace(tzinfo=None)
        with self._engine.begin() as connection:
            connection.execute(sa.delete(notices).where(notices.c.at < before))
            over = sa.and_(incidents.c.at < before, incidents.c.is_open.is_(False))
            connection.execute(sa.delete(incidents).where(over))


def _all(connection: Connection) -> list[Subscription]:
    rows = connection.execute(sa.select(subscriptions).order_by(subscriptions.c.id)).mappings()
    return [_subscription(row) for row in rows]


def _subscription(row: Mapping[Any, Any]) -> Subscription:
    at = row["created_at"].replace(tzinfo=UTC)
    return Subscription.model_validate({**row, "on": json.loads(row["on"]), "created_at": at})

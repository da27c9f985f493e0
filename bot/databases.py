"""How the bot opens its database: SQLite beside it, or a PostgreSQL that several bots share."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError


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


def claim(engine: Engine, table: sa.Table, /, **values: Any) -> bool:
    """Insert a row; False, and nothing changed, where a unique constraint says that it is there already."""
    try:
        with engine.begin() as connection:
            connection.execute(sa.insert(table).values(**values))
    except IntegrityError:
        return False
    return True


def psycopg_url(url: str) -> str:
    """Return a PostgreSQL *url* that names the psycopg 3 driver, whichever common form it came in."""
    scheme, rest = url.split("://", 1)
    return f"postgresql+psycopg://{rest}" if scheme in {"postgres", "postgresql"} else url

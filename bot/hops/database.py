"""The bot's database: whether it can be reached and written, and whether it stands where SQLite is safe."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from bot.databases import make_engine, psycopg_url
from bot.engine import NETWORK_FILE_SYSTEMS, OLD_SQLITE, file_system_of, sqlite_problem
from bot.hops.hop import CONNECT_SECONDS, Said, fail, ok

TRIAL = "toban_check"
LOCAL = "Let TOBAN_DATABASE_URL name a file on a local disk or on a block-storage volume, or use PostgreSQL."


class DatabaseHop:
    """Tries the database at an address; nothing of the trial stays."""

    def __init__(self, url: str) -> None:
        self._url = url

    def ask(self) -> Iterator[Said]:
        """Yield how it stands."""
        yield from self._sqlite() if self._url.startswith("sqlite") else self._postgres()

    def _sqlite(self) -> Iterator[Said]:
        if (problem := sqlite_problem()) is not None:
            yield fail("version", problem, f"{OLD_SQLITE[0].upper()}{OLD_SQLITE[1:]}.")
            return
        path = Path(self._url.removeprefix("sqlite:///")).absolute()
        above = next(folder for folder in path.parents if folder.exists())
        kind = file_system_of(above)
        if kind in NETWORK_FILE_SYSTEMS:
            yield fail(
                "file system",
                f"{path} lies on a network file system ({kind}); SQLite loses data there",
                LOCAL,
            )
            return
        if not os.access(path if path.exists() else above, os.W_OK):
            user = f"the user with the number {os.getuid()}"
            yield fail("writing", f"{user} may not write {path}", f"Give that user the right, or: {LOCAL}")
            return
        if not path.exists():
            # Nothing is made here: a folder made by whoever checks would not be the bot's to write.
            yield ok("writing", f"{path} does not exist yet; the bot makes it")
            return
        try:
            mode = self._try_sqlite()
        except SQLAlchemyError as error:
            yield fail("writing", f"{path} cannot be written: {_reason(error)}", LOCAL)
            return
        if mode != "wal":
            yield fail("write-ahead log", f"SQLite keeps {path} in mode {mode}, not in WAL", LOCAL)
            return
        yield ok("writing", f"{path} takes writes, in WAL mode on {kind or 'a local disk'}")

    def _try_sqlite(self) -> str:
        """Make a table and take it back; return the journal mode. Waits shortly for a lock."""
        engine = make_engine(self._url)
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(CONNECT_SECONDS * 1000)}")
                mode = str(connection.exec_driver_sql("PRAGMA journal_mode").scalar_one())
                connection.exec_driver_sql(f"CREATE TABLE {TRIAL} (n INTEGER)")
                connection.rollback()
            return mode
        finally:
            engine.dispose()

    def _postgres(self) -> Iterator[Said]:
        where = make_url(self._url)
        name = f"{where.host or 'localhost'}/{where.database}"
        waits = {"connect_timeout": int(CONNECT_SECONDS)}
        engine = sa.create_engine(
            psycopg_url(self._url), poolclass=NullPool, connect_args=waits, hide_parameters=True
        )
        try:
            with engine.connect() as connection:
                version = connection.exec_driver_sql("SHOW server_version").scalar_one()
                yield ok("reaching it", f"PostgreSQL {version} at {name}")
                # The engine keeps its tables in a schema of its own and makes both at the first start.
                connection.exec_driver_sql(f"CREATE SCHEMA {TRIAL}")
                connection.exec_driver_sql(f"CREATE TABLE {TRIAL}_table (n INTEGER)")
                connection.rollback()
                yield ok("writing", "schemas and tables can be made")
        except SQLAlchemyError as error:
            said = _reason(error)
            if "permission denied" in said:
                grant = f"GRANT CREATE ON DATABASE {where.database} TO {where.username};"
                fix = f"As the database's owner: {grant} GRANT CREATE ON SCHEMA public TO {where.username};"
                yield fail("writing", said, fix)
            else:
                fix = "Compare TOBAN_DATABASE_URL (user, password, host, port, database) with the server's."
                yield fail("reaching it", f"PostgreSQL at {name}: {said}", fix)
        finally:
            engine.dispose()


def _reason(error: SQLAlchemyError) -> str:
    """Return the driver's own first line."""
    original = getattr(error, "orig", None) or error
    return str(original).strip().partition("\n")[0]

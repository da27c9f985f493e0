"""The bot's own database is away for a while: what needs it waits until it is back, instead of failing.

The engine does so for its checkpoints. What a step itself writes into the bot's tables goes through here, so
that a restart of PostgreSQL, a lock that is held for long or a full disk fails no flow.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import TypeVar

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

log = logging.getLogger(__name__)
T = TypeVar("T")

FIRST_SECONDS, MOST_SECONDS = 0.5, 15.0
SQLITE_MAY_HEAL = frozenset(
    {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
)
PRIMARY = 0xFF
"""The part of SQLite's codes that does not change with detail: https://www.sqlite.org/rescode.html"""


_repeated: ContextVar[bool] = ContextVar("repeated", default=False)


def through_outages(
    action: Callable[[], T],
    pause: Callable[[float], None] = time.sleep,
    before_again: Callable[[], None] = lambda: None,
) -> T:
    """Return what *action* returns; it is done again for as long as the database is away.

    What it did before it needed the database is then done twice, as after a crash, so it must bear that; it
    can ask `is_repeated`. *before_again* may hold each repetition back.
    """
    seconds = FIRST_SECONDS
    before = _repeated.get()
    try:
        while True:
            try:
                return action()
            except (DBAPIError, NoConnectionLeft) as error:
                if not is_away(error):
                    raise
                log.warning(
                    "the bot's database is away; trying again", extra={"reason": type(error).__name__}
                )
            pause(seconds)
            seconds = min(seconds * 2, MOST_SECONDS)
            before_again()
            _repeated.set(True)
    finally:
        _repeated.set(before)


def is_repeated() -> bool:
    """Return whether an action around this call is done again, and so may have had its effect already."""
    return _repeated.get()


def is_away(error: Exception) -> bool:
    """Return whether the database may take the same words later: it is gone, locked, or has no room."""
    if isinstance(error, NoConnectionLeft):
        return True
    reason = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(reason, "sqlite_errorcode", None)
    if code is not None:
        return int(code) & PRIMARY in SQLITE_MAY_HEAL
    # psycopg's class for what is the matter with the server, not with the words:
    # https://www.psycopg.org/psycopg3/docs/api/errors.html
    invalidated = isinstance(error, DBAPIError) and error.connection_invalidated
    return invalidated or isinstance(reason, psycopg.OperationalError)

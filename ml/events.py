"""Numbered immutable events: writing event n+1 is the compare-and-swap, because a second create is refused.

Also how a record is written and read: JSON with `format` and `at`, and one reader per format ever written.
What the events mean is said by the modules that own them.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json

from ml.errors import AlreadyExists, Corrupt, TooNew
from ml.objects import ObjectStore

_M = TypeVar("_M", bound=BaseModel)


def utc_now() -> datetime:
    """Return the present time, aware, in UTC."""
    return datetime.now(UTC)


def encode(record: Mapping[str, Any]) -> bytes:
    """Return a record as compact JSON; times become ISO 8601 with their zone."""
    return to_json(record)


def decode(path: str, data: bytes, formats: frozenset[int] = frozenset({1})) -> dict[str, Any]:
    """Return the record in *data*, in one of the *formats* that this program can read.

    Raises:
        Corrupt: It is no JSON object, or has no format.
        TooNew: Only a newer program knows its format.
    """
    try:
        record = from_json(data)
    except ValueError as error:
        raise Corrupt(path, f"is no JSON ({error})") from error
    if not isinstance(record, dict):
        raise Corrupt(path, "is no JSON object")
    number = record.get("format")
    if not isinstance(number, int) or number < 1:
        raise Corrupt(path, f"has format {number!r}, which there never was")
    if number not in formats:
        known = ", ".join(str(number) for number in sorted(formats))
        raise TooNew(path, f"has format {number!r}; this program reads {known}: a newer one wrote it")
    return record


def validated(kind: type[_M], path: str, record: Mapping[str, Any]) -> _M:
    """Return *record* as a *kind*.

    Raises:
        Corrupt: It does not have that shape.
    """
    try:
        return kind.model_validate(record)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Corrupt(path, f"cannot be read: {where}: {first['msg']}") from error


class EventLog:
    """A gapless history of events below *prefix*, numbered from 1.

    Args:
        store: Where the events are.
        prefix: The folder of this history.
        width: Digits of the numbers in the paths.
    """

    def __init__(self, store: ObjectStore, prefix: str, width: int = 6) -> None:
        self.prefix = prefix
        self._store = store
        self._width = width

    def path(self, n: int) -> str:
        """Return where event *n* is, or would be."""
        return f"{self.prefix}/{n:0{self._width}d}.json"

    def newest(self, known: int = 0) -> int:
        """Return the number of the newest event, 0 if there is none.

        The numbers are gapless, so it is found by doubling and bisecting: one look when *known* (a number
        seen before) is still the newest, about twice the logarithm of the distance otherwise.
        """
        low, step = known, 1
        while self._store.exists(self.path(low + step)):
            low, step = low + step, step * 2
        high = low + step
        while high - low > 1:
            middle = (low + high) // 2
            if self._store.exists(self.path(middle)):
                low = middle
            else:
                high = middle
        return low

    def read(self, n: int) -> dict[str, Any]:
        """Return event *n*.

        Raises:
            NotFound: There is no such event (yet).
            Corrupt: It cannot be read.
        """
        path = self.path(n)
        return decode(path, self._store.get(path))

    def read_all(self, since: int = 0) -> Iterator[dict[str, Any]]:
        """Yield the events after number *since*, oldest first."""
        for n in range(since + 1, self.newest(since) + 1):
            yield self.read(n)

    def append(self, event: Mapping[str, Any], n: int) -> None:
        """Write event *n*; only one writer in the world can.

        The library may repeat a create whose answer was lost and then be refused by its own first try. So
        each event carries a mark of its own, and finding that mark is success.

        Raises:
            AlreadyExists: Somebody else wrote event *n*; look again.
        """
        path, mark = self.path(n), uuid.uuid4().hex
        try:
            self._store.create(path, encode({"format": 1, **event, "mark": mark}))
        except AlreadyExists:
            if not self._is_ours(path, mark):
                raise

    def _is_ours(self, path: str, mark: str) -> bool:
        try:
            return decode(path, self._store.get(path)).get("mark") == mark
        except Corrupt:
            return False

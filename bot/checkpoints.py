"""How flows keep their arguments and checkpoints: plain JSON, readable by any later version of the bot.

DBOS's default is pickle, which neither survives a renamed class nor may be read from a shared database.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from dbos import Serializer
from dbos import error as engine_errors

from bot.errors import FlowFailed

_TIME = "__time__"
_ERROR = "__error__"
_ESCAPE = "~"
"""Stands before a key of somebody else's that reads as one of our marks; people may name an input so."""


class JsonSerializer(Serializer):
    """Plain JSON, with times (schedules pass them) and exceptions (reduced to kind and message) marked."""

    def name(self) -> str:
        """Return the name written beside each checkpoint."""
        return "toban_json"

    def serialize(self, data: Any) -> str:
        """Return *data* as JSON; raise TypeError for what JSON cannot hold."""
        return json.dumps(_escaped(data), default=_encode, ensure_ascii=False, separators=(",", ":"))

    def deserialize(self, serialized_data: str) -> Any:
        """Return what `serialize` was given; lists stand for tuples."""
        return json.loads(serialized_data, object_hook=_decode)


def last_cause(error: BaseException) -> BaseException:
    """Return what the last attempt of a step failed with, or *error* itself where it is about no step."""
    given_up = isinstance(error, engine_errors.DBOSMaxStepRetriesExceeded) and error.errors
    return given_up[-1] if given_up else error


def _escaped(value: Any) -> Any:
    """Return *value* with marks that are not ours escaped, which stand alone in an object as ours do."""
    if isinstance(value, list | tuple):
        return [_escaped(one) for one in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((key, one),) = value.items()
        return {f"{_ESCAPE}{key}" if _is_mark(key) else key: _escaped(one)}
    return {key: _escaped(one) for key, one in value.items()}


def _is_mark(key: Any) -> bool:
    return isinstance(key, str) and key.lstrip(_ESCAPE) in (_TIME, _ERROR)


def _encode(value: Any) -> Any:
    if isinstance(value, datetime):
        return {_TIME: value.isoformat()}
    if isinstance(value, BaseException):
        failure = FlowFailed.of(last_cause(value))
        return {_ERROR: [failure.kind, failure.detail]}
    raise TypeError(f"a checkpoint holds plain JSON only, not {type(value).__name__}")


def _decode(value: dict[str, Any]) -> Any:
    if len(value) != 1:
        return value
    ((key, one),) = value.items()
    if key == _TIME:
        return datetime.fromisoformat(one)
    if key == _ERROR:
        return FlowFailed(*one)
    return {key.removeprefix(_ESCAPE): one} if _is_mark(key) else value

"""The local host's log on stderr: time, level, phrase, and the fields that were given with it."""

from __future__ import annotations

import logging

_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class FieldsFormatter(logging.Formatter):
    """Writes a record's own fields behind its phrase as `name=value`."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the line of a record, without what follows it (a traceback)."""
        fields = (f"{name}={value!r}" for name, value in vars(record).items() if name not in _USUAL)
        return " ".join((super().formatMessage(record), *fields))


def log_to_stderr(level: str) -> None:
    """Send what this process logs to stderr, from *level* on."""
    handler = logging.StreamHandler()
    handler.setFormatter(FieldsFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])

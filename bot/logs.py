"""How the bot logs: one line each, a constant phrase and its fields, and never a secret."""

from __future__ import annotations

import logging
import re
import sys
from typing import TextIO

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
SECRET = re.compile(
    r"xox[a-z]?[.-][\w.-]+"  # Slack's tokens: https://docs.slack.dev/authentication/tokens
    r"|xapp-[\w-]+"
    r"|gh[a-z]_\w+|github_pat_\w+"  # https://github.blog/engineering/behind-githubs-new-authentication-token-formats/
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"  # user and password in an address
)
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class FieldsFormatter(logging.Formatter):
    """Writes a record's phrase, then whatever was given as `extra`, as key=value; secrets are struck out."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """Return the line without its traceback."""
        fields = (f"{key}={value!r}" for key, value in vars(record).items() if key not in _STANDARD)
        return " ".join((super().formatMessage(record), *fields))

    def format(self, record: logging.LogRecord) -> str:
        """Return all that is written for *record*."""
        return SECRET.sub("[secret]", super().format(record))


def set_up_logging(level: str, stream: TextIO = sys.stderr) -> None:
    """Write everything from *level* on (a word of LEVELS; anything else means WARNING) to *stream*."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(FieldsFormatter())
    chosen = level.upper() if level.upper() in LEVELS else "WARNING"
    logging.basicConfig(level=chosen, handlers=[handler], force=True)

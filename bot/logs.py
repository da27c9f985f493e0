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
UNSIGNED = "slack_bolt.RequestVerification"
"""Bolt's logger for requests that Slack did not sign; its line holds the whole of them."""
MOST_PHRASE = 4000
_LINE_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class FieldsFormatter(logging.Formatter):
    """Writes a record's phrase, then whatever was given as `extra`, as key=value; secrets are struck out."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """Return the line without its traceback; whatever was said in it, it is one line."""
        phrase = _LINE_BREAKS.sub(lambda found: repr(found[0])[1:-1], super().formatMessage(record))
        fields = (f"{key}={value!r}" for key, value in vars(record).items() if key not in _STANDARD)
        return " ".join((phrase[:MOST_PHRASE], *fields))

    def format(self, record: logging.LogRecord) -> str:
        """Return all that is written for *record*."""
        return SECRET.sub("[secret]", super().format(record))


def set_up_logging(level: str, stream: TextIO = sys.stderr) -> None:
    """Write everything from *level* on (a word of LEVELS; anything else means WARNING) to *stream*."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(FieldsFormatter())
    chosen = level.upper() if level.upper() in LEVELS else "WARNING"
    logging.getLogger(UNSIGNED).addFilter(_without_body)
    logging.basicConfig(level=chosen, handlers=[handler], force=True)


def _without_body(record: logging.LogRecord) -> bool:
    """Keep of a request that nobody has signed what tells why; its text may be anybody's, or a secret."""
    record.msg, record.args = f"{str(record.msg).partition(', body: ')[0]})", ()
    return True

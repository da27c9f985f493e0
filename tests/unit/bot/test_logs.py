"""Log lines: a phrase, its fields, no secret."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator

import pytest
from slack_bolt.middleware.request_verification import RequestVerification

from bot.logs import MOST_PHRASE, FieldsFormatter, set_up_logging


@pytest.fixture
def log() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """A logger and what it wrote."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(FieldsFormatter())
    logger = logging.getLogger("tests.logs")
    logger.propagate = False
    logger.addHandler(handler)
    yield logger, written
    logger.removeHandler(handler)


def test_fields_follow_the_phrase(log: tuple[logging.Logger, io.StringIO]) -> None:
    """What is given as extra stands behind the phrase, as key=value."""
    log[0].warning("run could not be read", extra={"run_id": "r-1", "reason": "status 500"})
    assert log[1].getvalue().endswith("run could not be read run_id='r-1' reason='status 500'\n")


@pytest.mark.parametrize(
    "secret",
    [
        "xoxb-" + "12-ab_c",
        "xoxp-" + "9",
        "xapp-" + "1-A-b",
        "xoxe." + "xoxb-1-z",
        "user:hunter2",
        "ghp_" + "a1",
        "github_pat_" + "1_b",
    ],
)
def test_secrets_are_struck_out(log: tuple[logging.Logger, io.StringIO], secret: str) -> None:
    """A token, or a password in an address, is struck out wherever it stands, also in a traceback."""
    try:
        raise ValueError(f"no answer from https://{secret}@host/x")
    except ValueError:
        log[0].exception("failed %s", f"http://{secret}@h", extra={"reason": f"http://{secret}@h"})
    assert secret not in log[1].getvalue()
    assert log[1].getvalue().count("[secret]") >= 3


def test_a_line_stays_one_line(log: tuple[logging.Logger, io.StringIO]) -> None:
    """Nobody writes a second line into the log by what they send, nor an endless one."""
    log[0].warning("request %s", "x\n2026-01-01 ERROR bot: forged\r\u2028\x1b[2J")
    log[0].warning("y" * 100_000)
    first, second = log[1].getvalue().splitlines()
    assert first.endswith(r"request x\n2026-01-01 ERROR bot: forged\r\u2028\x1b[2J")
    assert len(second) == MOST_PHRASE


def test_a_request_that_nobody_signed_is_not_kept(capsys: pytest.CaptureFixture[str]) -> None:
    """Of what Bolt says of one, the reason stays, and nothing of its text."""
    before = logging.root.handlers[:], logging.root.level
    try:
        set_up_logging("INFO", sys.stderr)
        for _ in range(2):
            check = RequestVerification("secret", base_logger=logging.getLogger("tests.bolt"))
            check._debug_log_error(
                "v0=1", "12", "token=verify&response_url=https://hooks.slack.com/x, body: y"
            )
    finally:
        logging.root.handlers[:] = before[0]
        logging.root.setLevel(before[1])
    told = capsys.readouterr().err
    assert told.count("Invalid request signature detected (signature: v0=1, timestamp: 12)\n") == 2
    assert "token" not in told

"""Log lines: a phrase, its fields, no secret."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from bot.logs import FieldsFormatter


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

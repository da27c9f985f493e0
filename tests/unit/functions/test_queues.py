"""Messages of runs, and how often a waiting run's message is sent again."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from functions.queues import Resends, RunMessage, message_for

RUN = "20130704t120000-abcdef"


def test_a_message_names_its_run() -> None:
    """What is written is read back, also by a program that knows more fields."""
    assert RunMessage.model_validate_json(message_for(RUN, 2)) == RunMessage(run_id=RUN, revived=2)
    assert RunMessage.model_validate_json(f'{{"run_id": "{RUN}", "newer": 1}}').revived == 0


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '{"run_id": "../x"}', f'{{"run_id": "{RUN}", "revived": -1}}']
)
def test_other_messages_are_refused(body: str) -> None:
    """A message that names no run is an error, so that it ends in the poison queue."""
    with pytest.raises(ValidationError):
        RunMessage.model_validate_json(body)


def test_a_waiting_run_is_sent_ever_less_often() -> None:
    """At once, then after 1, 2, 4 … minutes; a run that stopped waiting starts anew."""
    now = 0.0
    resends = Resends(lambda: now)
    sent = []
    for minute in range(32):
        now = minute * 60.0
        if resends.due(["a"]):
            sent.append(minute)
    assert sent == [0, 1, 3, 7, 15, 31]
    assert resends.due([]) == []
    assert resends.due(["a", "b"]) == ["a", "b"]


def test_a_run_that_waits_for_days_is_sent_hourly() -> None:
    """The pause stops growing at an hour."""
    now = 0.0
    resends = Resends(lambda: now)
    sent = []
    for minute in range(24 * 60):
        now = minute * 60.0
        if resends.due(["a"]):
            sent.append(minute)
    assert {later - earlier for earlier, later in zip(sent[-5:], sent[-4:], strict=False)} == {60}

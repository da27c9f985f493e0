"""When a timer function is due: Azure's six-field schedules (second minute hour day month weekday), in UTC.

Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer
"""

from __future__ import annotations

from datetime import UTC, datetime

from croniter import CroniterBadCronError, croniter


class BadSchedule(ValueError):
    """A timer's schedule that is not a six-field NCRONTAB expression."""


class Schedule:
    """A timer's schedule; `next_after` says when it is due."""

    def __init__(self, expression: str) -> None:
        """Read an NCRONTAB expression.

        Raises:
            BadSchedule: it has not six fields, or one of them is out of range.
        """
        if len(expression.split()) != 6:
            raise BadSchedule(f"a timer's schedule has six fields, the first for seconds: {expression!r}")
        try:
            croniter(expression, second_at_beginning=True)
        except CroniterBadCronError as error:
            raise BadSchedule(f"the timer's schedule {expression!r} is not valid: {error}") from error
        self._expression = expression

    def next_after(self, moment: datetime) -> datetime:
        """Return the first due time after *moment* (aware), in UTC."""
        due: datetime = croniter(
            self._expression, moment.astimezone(UTC), ret_type=datetime, second_at_beginning=True
        ).get_next()
        return due

"""Exceptions of the bot, grouped by what to do next.

BotError
├── ConfigurationError      stop at start: lists every problem and where each value was looked for
├── Refused                 tell the person: carries the problem details to show
├── Unreachable             retry later: the other side did not answer, or not with sense
│   ├── FunctionsUnreachable
│   ├── EndpointUnreachable
│   ├── GitHubUnreachable
│   │   └── RateLimited     not before the moment that it names
│   ├── MlflowUnreachable
│   └── SlackUnreachable
│       └── SlackBusy       it takes no more of these calls for now, and did not take this one
├── SlackRefused            Slack understood and said no: carries Slack's own error code
│   └── NotInChannel        the bot must be invited first
└── FlowFailed              a step of a flow failed; read back from its checkpoint
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ml.contract import Problem

MOST_DETAIL = 2000
"""So many characters of an exception's text are kept."""


class BotError(Exception):
    """Anything that the bot itself raises."""


class ConfigurationError(BotError):
    """The settings cannot be used; `problems` holds one sentence for each value at fault."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"- {problem}" for problem in self.problems))


class Refused(BotError):
    """A request was understood and refused; show `problem` to the person who asked."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(f"{problem.reason_code}: {problem.detail}")


class Unreachable(BotError):
    """The other side did not answer, or its answer made no sense; trying again later may help.

    `sent` is False where certainly nothing reached the other side.
    """

    def __init__(self, detail: str, *, sent: bool = True) -> None:
        self.sent = sent
        super().__init__(detail)


class FunctionsUnreachable(Unreachable):
    """The function app did not answer in time, or answered with something else than its contract."""


class EndpointUnreachable(Unreachable):
    """An endpoint of a team's own command did not answer in time, or said that it cannot just now."""


class GitHubUnreachable(Unreachable):
    """GitHub did not answer in time, not with sense, or does not show yet what was just started."""


class RateLimited(GitHubUnreachable):
    """GitHub wants to be left alone until `until` (aware UTC)."""

    def __init__(self, until: datetime) -> None:
        self.until = until
        super().__init__(f"it takes no more requests until {until:%H:%M:%S} UTC")


class MlflowUnreachable(Unreachable):
    """MLflow did not answer in time, or answered with something else than its REST API."""


class SlackUnreachable(Unreachable):
    """Slack did not answer, or answered with a server error or a rate limit that outlasted the retries."""


class SlackBusy(SlackUnreachable):
    """Slack takes no more calls of this method for so many *seconds*; certainly it did not take this one."""

    def __init__(self, detail: str, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(detail)


class SlackRefused(BotError):
    """Slack answered `ok: false`; `code` is Slack's error string, for instance `channel_not_found`."""

    def __init__(self, code: str, method: str) -> None:
        self.code = code
        self.method = method
        super().__init__(f"{method}: {code}")


class NotInChannel(SlackRefused):
    """The bot is not a member of the channel that it should post to."""


class FlowFailed(BotError):
    """A step failed; `kind` and `detail` are all that its checkpoint keeps of the original exception."""

    def __init__(self, kind: str, detail: str) -> None:
        self.kind = kind
        self.detail = detail
        super().__init__(f"{kind}: {detail}")

    @classmethod
    def of(cls, error: BaseException) -> FlowFailed:
        """Return *error* as a checkpoint keeps it."""
        if isinstance(error, FlowFailed):
            return error
        return cls(type(error).__name__, str(error)[:MOST_DETAIL])

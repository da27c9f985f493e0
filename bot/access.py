"""Who may do what: Slack users and user groups mapped to the roles viewer, operator and owner.

Group members are remembered for at most a minute; verbs that touch production ask Slack afresh.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping

from bot.errors import SlackRefused, SlackUnreachable
from bot.jobs import ROLES, WEBHOOK, Role
from bot.team_file import RolesTable

REMEMBER_SECONDS = 60.0
RECENT_SECONDS = 5.0
READS_A_MINUTE, READS_AT_ONCE = 8.0, 12.0
"""How often Slack is asked who is in the groups: usergroups.list is a tier 2 method, 20 and more a minute
(https://docs.slack.dev/apis/web-api/rate-limits). Often enough at once that somebody who types one command
after another waits for nothing."""

Groups = Mapping[str, frozenset[str]]
"""The members of each user group, found by its id (`S…`) and by its `@handle`."""


class Access:
    """Answers which role a person holds. Thread-safe."""

    def __init__(
        self,
        roles: RolesTable,
        read_groups: Callable[[], Groups],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._roles = roles
        self._read_groups = read_groups
        self._clock = clock
        self._sleep = sleep
        self._reading = threading.Lock()
        self._allowance, self._counted_at = READS_AT_ONCE, clock()
        self._known: tuple[float, Groups | str] | None = None
        self._failed: tuple[float, SlackUnreachable] | None = None

    def role(
        self, user: str, *, fresh: bool = False, recent: bool = False, needed: Iterable[Role] = ()
    ) -> Role | None:
        """Return the highest role of *user*, or None.

        With *fresh*, groups are read from Slack now: somebody who left a group a moment ago is out. Slack is
        not asked at all where no group can change the answer. With *recent*, a few seconds do not matter.

        Raises SlackUnreachable where groups cannot be read, because Slack is away or does not let us, and
        SlackBusy where they cannot be read yet; unless *user* has one of the roles *needed*, or one above,
        without any group: then that one is returned.
        """
        age = 0.0 if fresh else RECENT_SECONDS if recent else REMEMBER_SECONDS
        groups: Groups | None = None
        trouble: SlackUnreachable | None = None
        for role in reversed(ROLES):
            entries = self._roles.members(role)
            if user in entries or ("*" in entries and user != WEBHOOK):
                if trouble is not None and not includes(role, needed):
                    break
                return role
            named = [entry for entry in entries if entry.startswith(("S", "@"))]
            if named and groups is None and trouble is None:
                try:
                    groups = self._groups(age)
                except SlackUnreachable as error:
                    trouble = error
            if groups is not None and any(user in groups.get(entry, ()) for entry in named):
                return role
        if trouble is not None:
            raise trouble
        return None

    def may(self, user: str, allowed: Iterable[Role], *, fresh: bool = False) -> bool:
        """Return whether *user* holds one of *allowed*, or a role above one of them."""
        allowed = tuple(allowed)
        held = self.role(user, fresh=fresh, needed=allowed)
        return held is not None and includes(held, allowed)

    def holders(self, roles: Iterable[Role]) -> tuple[str, ...]:
        """Return the configured entries (users and groups) that hold one of *roles*, in order."""
        nobody = ("*", WEBHOOK)
        entries = [entry for role in roles for entry in self._roles.members(role) if entry not in nobody]
        return tuple(dict.fromkeys(entries))

    def _groups(self, age_seconds: float) -> Groups:
        """Return the groups, or raise SlackUnreachable where Slack is away or does not let us read them."""
        answer = self._answer(age_seconds)
        if isinstance(answer, str):
            raise SlackUnreachable(answer)
        return answer

    def _answer(self, age_seconds: float) -> Groups | str:
        """Return the groups, read after this was called or at most *age_seconds* before, or Slack's refusal.

        Of many who ask at once one reads, for all who asked before it began to; in a burst it waits for a few
        seconds first, so that Slack does not refuse it for a minute. Who is content with what is remembered
        waits for nobody; who is not, waits: older groups than were asked for are never the answer, as
        somebody may have left them.
        """
        asked = self._clock()
        if (remembered := self._remembered(asked, age_seconds)) is not None:
            return remembered
        with self._reading:
            if (remembered := self._remembered(asked, age_seconds)) is not None:
                return remembered
            if self._failed is not None and self._failed[0] > asked:
                raise self._failed[1]
            self._wait_for_allowance()
            began = self._clock()
            answer: Groups | str
            try:
                answer = self._read_groups()
            except SlackUnreachable as error:
                self._failed = (began, error)
                raise
            except SlackRefused as refusal:
                answer = str(refusal)
            self._known = (began, answer)
            return answer

    def _remembered(self, asked: float, age_seconds: float) -> Groups | str | None:
        """Return the answer if it was read after *asked* or at most *age_seconds* before."""
        known = self._known
        if known is None:
            return None
        began, answer = known
        return answer if began > asked or asked - began < age_seconds else None

    def _wait_for_allowance(self) -> None:
        now = self._clock()
        earned = (now - self._counted_at) * READS_A_MINUTE / 60.0
        self._allowance = min(READS_AT_ONCE, self._allowance + earned) - 1.0
        self._counted_at = now
        if self._allowance < 0.0:
            self._sleep(-self._allowance * 60.0 / READS_A_MINUTE)


def includes(held: Role, allowed: Iterable[Role]) -> bool:
    """Return whether *held* is one of *allowed* or stands above one of them."""
    return any(ROLES.index(held) >= ROLES.index(role) for role in allowed)

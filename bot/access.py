"""Who may do what: Slack users and user groups mapped to the roles viewer, operator and owner.

Group members are remembered for at most a minute; verbs that touch production ask Slack afresh.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping

from bot.jobs import ROLES, WEBHOOK, Role
from bot.settings import RolesTable

REMEMBER_SECONDS = 60.0

Groups = Mapping[str, frozenset[str]]
"""The members of each user group, found by its id (`S…`) and by its `@handle`."""


class Access:
    """Answers which role a person holds. Thread-safe."""

    def __init__(
        self,
        roles: RolesTable,
        read_groups: Callable[[], Groups],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._roles = roles
        self._read_groups = read_groups
        self._clock = clock
        self._lock = threading.Lock()
        self._known: tuple[float, Groups] | None = None

    def role(self, user: str, *, fresh: bool = False) -> Role | None:
        """Return the highest role of *user*, or None. Raises SlackUnreachable if groups cannot be read.

        With *fresh*, groups are read from Slack now: somebody who left a group a moment ago is out. Slack is
        not asked at all where no group can change the answer.
        """
        groups: Groups | None = None
        for role in reversed(ROLES):
            entries = self._roles.members(role)
            if user in entries or ("*" in entries and user != WEBHOOK):
                return role
            named = [entry for entry in entries if entry.startswith(("S", "@"))]
            if named and groups is None:
                groups = self._groups(fresh)
            if groups is not None and any(user in groups.get(entry, ()) for entry in named):
                return role
        return None

    def may(self, user: str, allowed: Iterable[Role], *, fresh: bool = False) -> bool:
        """Return whether *user* holds one of *allowed*, or a role above one of them."""
        held = self.role(user, fresh=fresh)
        return held is not None and includes(held, allowed)

    def holders(self, roles: Iterable[Role]) -> tuple[str, ...]:
        """Return the configured entries (users and groups) that hold one of *roles*, in order."""
        nobody = ("*", WEBHOOK)
        entries = [entry for role in roles for entry in self._roles.members(role) if entry not in nobody]
        return tuple(dict.fromkeys(entries))

    def _groups(self, fresh: bool) -> Groups:
        now = self._clock()
        with self._lock:
            known = self._known
        if known is not None and not fresh and now - known[0] < REMEMBER_SECONDS:
            return known[1]
        groups = self._read_groups()
        with self._lock:
            self._known = (now, groups)
        return groups


def includes(held: Role, allowed: Iterable[Role]) -> bool:
    """Return whether *held* is one of *allowed* or stands above one of them."""
    return any(ROLES.index(held) >= ROLES.index(role) for role in allowed)

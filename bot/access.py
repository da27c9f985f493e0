"""Who may do what: Slack users and user groups mapped to the roles viewer, operator and owner.

Group members are remembered for at most a minute; verbs that touch production ask Slack afresh.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from bot.jobs import ROLES, Role
from bot.settings import RolesTable

REMEMBER_SECONDS = 60.0

GroupMembers = Callable[[str], frozenset[str]]


class Access:
    """Answers which role a person holds. Thread-safe."""

    def __init__(
        self, roles: RolesTable, group_members: GroupMembers, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._roles = roles
        self._group_members = group_members
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, frozenset[str]]] = {}

    def role(self, user: str, *, fresh: bool = False) -> Role | None:
        """Return the highest role of *user*, or None. Raises SlackUnreachable if a group cannot be read.

        With *fresh*, groups are read from Slack now: somebody who left a group a moment ago is out.
        """
        for role in reversed(ROLES):
            if any(self._matches(entry, user, fresh) for entry in self._roles.members(role)):
                return role
        return None

    def may(self, user: str, allowed: Iterable[Role], *, fresh: bool = False) -> bool:
        """Return whether *user* holds one of *allowed*, or a role above one of them."""
        held = self.role(user, fresh=fresh)
        return held is not None and includes(held, allowed)

    def holders(self, roles: Iterable[Role]) -> tuple[str, ...]:
        """Return the configured entries (users and groups, not `*`) that hold one of *roles*, in order."""
        entries = [entry for role in roles for entry in self._roles.members(role) if entry != "*"]
        return tuple(dict.fromkeys(entries))

    def _matches(self, entry: str, user: str, fresh: bool) -> bool:
        if entry in {"*", user}:
            return True
        return entry.startswith(("S", "@")) and user in self._members(entry, fresh)

    def _members(self, group: str, fresh: bool) -> frozenset[str]:
        now = self._clock()
        with self._lock:
            known = self._known.get(group)
        if known is not None and not fresh and now - known[0] < REMEMBER_SECONDS:
            return known[1]
        members = self._group_members(group)
        with self._lock:
            self._known[group] = (now, members)
        return members


def includes(held: Role, allowed: Iterable[Role]) -> bool:
    """Return whether *held* is one of *allowed* or stands above one of them."""
    return any(ROLES.index(held) >= ROLES.index(role) for role in allowed)

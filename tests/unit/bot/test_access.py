"""Roles from the settings and from Slack's user groups."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.access import RECENT_SECONDS, REMEMBER_SECONDS, Access, includes
from bot.errors import SlackRefused, SlackUnreachable
from bot.jobs import Role
from bot.team_file import RolesTable

SECONDS = 60.0


class Groups:
    """Slack's user groups, counting how often they are read."""

    def __init__(self, **members: str) -> None:
        self.reads = 0
        self.members = {f"@{handle}": frozenset(users.split()) for handle, users in members.items()}
        self.members["S1X"] = frozenset({"UGROUP"})

    def __call__(self) -> dict[str, frozenset[str]]:
        """Return what Slack says."""
        self.reads += 1
        return dict(self.members)


def access(groups: Groups, clock: list[float] | None = None, **roles: tuple[str, ...]) -> Access:
    """Return access by *roles*, with a clock that the test moves."""
    now = clock or [0.0]
    return Access(RolesTable.model_validate(roles), groups, lambda: now[0])


@pytest.mark.parametrize(
    ("user", "role"),
    [("UOWN", "owner"), ("UOPS", "operator"), ("UBOTH", "owner"), ("UGROUP", "operator"), ("UX", "viewer")],
)
def test_highest_role_counts(user: str, role: Role) -> None:
    """Ids, handles and group ids give roles; the highest one counts, and * covers the rest."""
    groups = Groups(owners="UBOTH", operators="UOPS UBOTH")
    known = access(groups, owner=("UOWN", "@owners"), operator=("@operators", "S1X"), viewer=("*",))
    assert known.role(user) == role


@pytest.mark.parametrize(
    "trouble", [SlackUnreachable("away"), SlackRefused("missing_scope", "usergroups.list")]
)
def test_without_groups_a_role_of_ones_own_is_enough(trouble: Exception) -> None:
    """Where Slack does not tell the groups, who may act without any acts; others are not judged."""

    def fail() -> Groups:
        raise trouble

    table = RolesTable.model_validate({"owner": ("UOWN", "@owners"), "operator": ("@ops",), "viewer": ("*",)})
    known = Access(table, fail)
    assert known.role("UOWN") == "owner"
    assert known.role("UX", needed=("viewer", "operator", "owner")) == "viewer"
    assert known.may("UX", ("viewer",))
    for needed in ((), ("operator", "owner"), ("owner",)):
        with pytest.raises(SlackUnreachable):
            known.role("UX", needed=needed)


def test_a_refusal_of_slacks_is_remembered_as_groups_are() -> None:
    """A right that the app lacks is not asked for anew by each command, but by each fresh look."""
    asked: list[int] = []

    def refuse() -> Groups:
        asked.append(1)
        raise SlackRefused("missing_scope", "usergroups.list")

    known = Access(RolesTable.model_validate({"owner": ("@owners",), "viewer": ("*",)}), refuse, lambda: 0.0)
    for _ in range(5):
        assert known.role("UX", needed=("viewer",)) == "viewer"
    assert len(asked) == 1
    with pytest.raises(SlackUnreachable, match="missing_scope"):
        known.role("UX", fresh=True, needed=("owner",))
    assert len(asked) == 2


def test_nobody_has_a_role_without_an_entry() -> None:
    """Whom no entry covers has no role, and an unknown handle covers nobody."""
    known = access(Groups(), owner=("@gone",), viewer=("UVIEW",))
    assert known.role("UX") is None


def test_groups_are_remembered_for_a_minute_and_fresh_looks_now() -> None:
    """A person who left a group stays in for at most a minute, and not at all for a fresh look."""
    groups, clock = Groups(owners="UOWN"), [0.0]
    known = access(groups, clock, owner=("@owners",), viewer=())
    assert known.role("UOWN") == "owner"
    groups.members["@owners"] = frozenset()
    assert known.role("UOWN") == "owner"
    assert known.role("UOWN", fresh=True) is None
    groups.members["@owners"] = frozenset({"UOWN"})
    clock[0] = REMEMBER_SECONDS - 1
    assert known.role("UOWN") is None
    clock[0] = REMEMBER_SECONDS
    assert known.role("UOWN") == "owner"
    assert groups.reads == 3


def test_a_burst_of_fresh_looks_is_few_reads() -> None:
    """Of many who ask at once one reads for all that wait; nobody gets what was read before they asked."""
    groups, began, go = Groups(owners="UOWN"), threading.Event(), threading.Event()
    everybody_asked, ticks = threading.Event(), itertools.count(1)

    def clock() -> float:
        tick = next(ticks)
        if tick == 19:  # one at first, one for each who asks, and two for the first, who reads
            everybody_asked.set()
        return float(tick)

    def slowly() -> dict[str, frozenset[str]]:
        began.set()
        assert go.wait(SECONDS)
        return groups()

    known = Access(RolesTable.model_validate({"owner": ("@owners",), "viewer": ()}), slowly, clock)
    with ThreadPoolExecutor(16) as pool:
        first = pool.submit(known.role, "UOWN", fresh=True)
        assert began.wait(SECONDS)
        others = [pool.submit(known.role, "UOWN", fresh=True) for _ in range(15)]
        assert everybody_asked.wait(SECONDS)
        go.set()
        assert [one.result(SECONDS) for one in (first, *others)] == ["owner"] * 16
    assert groups.reads == 2


def test_what_is_remembered_waits_for_no_reading() -> None:
    """While one reading takes long, whoever is content with what is remembered gets it at once."""
    groups, began, go = Groups(owners="UOWN"), threading.Event(), threading.Event()

    def slowly() -> dict[str, frozenset[str]]:
        if groups.reads:
            began.set()
            assert go.wait(SECONDS)
        return groups()

    roles = RolesTable.model_validate({"owner": ("@owners",), "viewer": ()})
    known = Access(roles, slowly, lambda: 0.0)
    assert known.role("UOWN") == "owner"
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(known.role, "UOWN", fresh=True)
        assert began.wait(SECONDS)
        try:
            assert pool.submit(known.role, "UOWN").result(SECONDS / 2) == "owner"
            assert pool.submit(known.role, "UOWN", recent=True).result(SECONDS / 2) == "owner"
            assert not slow.done()
        finally:
            go.set()
        assert slow.result(SECONDS) == "owner"


def test_reads_keep_within_what_slack_takes() -> None:
    """After a few reads at once each further one waits for its turn, so that Slack refuses none."""
    groups, now, slept = Groups(owners="UOWN"), [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    roles = RolesTable.model_validate({"owner": ("@owners",), "viewer": ()})
    known = Access(roles, groups, lambda: now[0], sleep)
    for _ in range(20):
        assert known.role("UOWN", fresh=True) == "owner"
    assert groups.reads == 20
    assert slept == [pytest.approx(7.5)] * 8
    assert now[0] == pytest.approx(60.0)


def test_recent_is_a_few_seconds() -> None:
    """Who only looks at what they may do gets an answer that is a few seconds old."""
    groups, clock = Groups(owners="UOWN"), [0.0]
    known = access(groups, clock, owner=("@owners",), viewer=())
    for clock[0] in (0.0, RECENT_SECONDS - 1, RECENT_SECONDS, RECENT_SECONDS + 1):
        assert known.role("UOWN", recent=True) == "owner"
    assert groups.reads == 2


def test_slack_is_not_asked_where_it_cannot_matter() -> None:
    """Roles given by id alone need no call, and one look reads all groups once."""
    groups = Groups(operators="UOPS")
    assert access(groups, owner=("UOWN",), viewer=("*",)).role("UX") == "viewer"
    assert groups.reads == 0
    assert access(groups, owner=("@owners",), operator=("@operators",)).role("UOPS", fresh=True) == "operator"
    assert groups.reads == 1


def test_groups_that_cannot_be_read_give_no_role() -> None:
    """Where Slack does not answer, no lower role is guessed."""

    def fails() -> dict[str, frozenset[str]]:
        raise SlackUnreachable("usergroups.list: 500")

    known = Access(RolesTable(owner=("@owners",), viewer=("*",)), fails)
    with pytest.raises(SlackUnreachable):
        known.role("UX")


@pytest.mark.parametrize(
    ("held", "allowed", "may"),
    [
        ("owner", ("operator",), True),
        ("operator", ("operator", "owner"), True),
        ("viewer", ("operator",), False),
        ("operator", ("owner",), False),
    ],
)
def test_higher_roles_include_lower_ones(held: Role, allowed: tuple[Role, ...], may: bool) -> None:
    """An owner may what an operator may, never the other way round."""
    assert includes(held, allowed) is may


def test_those_to_call_are_named_once_in_order() -> None:
    """Who holds one of several roles is called once; * is nobody to call."""
    known = access(Groups(), owner=("UOWN", "@ops"), operator=("@ops",), viewer=("*",))
    assert known.holders(("owner", "operator", "viewer")) == ("UOWN", "@ops")


def test_everybody_does_not_include_webhooks() -> None:
    """A webhook holds the role that it is given by name, and none that all people of the workspace hold."""
    roles = RolesTable(viewer=("*",), operator=("webhook",))
    assert Access(RolesTable(), dict).role("webhook") is None
    assert Access(roles, dict).role("webhook") == "operator"
    assert Access(roles, dict).role("U1") == "viewer"
    assert Access(roles, dict).holders(["operator"]) == ()

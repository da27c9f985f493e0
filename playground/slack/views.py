"""Views: modals in stacks and Home tabs, with what their inputs hold, told to the feed.

https://docs.slack.dev/surfaces/modals
"""

from dataclasses import dataclass, field
from typing import Any

from playground.feed import Feed
from playground.refusals import NotPossible
from playground.slack.blocks import with_ids
from playground.slack.ids import new_id, new_secret
from playground.slack.inputs import Values, initial_values, kept_values
from playground.slack.transcript import plain_block
from playground.slack.workspace import Workspace

Json = dict[str, Any]
# https://docs.slack.dev/surfaces/modals: a stack of at most three
STACK_MOST = 3


@dataclass
class OpenView:
    """A view that a person has before them."""

    view: Json
    user: str
    channel: str | None = None
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Return the view's id, which stays the same over updates."""
        return str(self.view["id"])


class Views:
    """Every open view: each person's modals, the one in front last, and each person's Home tab."""

    def __init__(self, workspace: Workspace, feed: Feed) -> None:
        self._workspace = workspace
        self._feed = feed
        self._modals: dict[str, OpenView] = {}
        self._homes: dict[str, OpenView] = {}

    def open(
        self, view: Json, user: str, parent: OpenView | None = None, channel: str | None = None
    ) -> OpenView:
        """Show a modal to a person, on top of *parent* if there is one."""
        view_id = new_id("V")
        stack = {
            "root_view_id": parent.view["root_view_id"] if parent else view_id,
            "previous_view_id": parent.id if parent else None,
        }
        channel = parent.channel if parent else channel
        opened = OpenView(self._completed(view, view_id, channel) | stack, user, channel)
        self._modals[view_id] = opened
        self._tell("view_opened", opened)
        return opened

    def update(self, known: OpenView, view: Json) -> OpenView:
        """Replace what a view shows; entries of inputs that are still there stay."""
        before = known.view
        stack = {name: before[name] for name in ("root_view_id", "previous_view_id")}
        known.view = self._completed(view, known.id, known.channel) | stack
        kept_values(known.view["blocks"], known.view["state"]["values"], before["state"]["values"])
        known.errors = {}
        home = known.view["type"] == "home"
        self._tell("home_published" if home else "view_changed", known)
        return known

    def publish(self, view: Json, user: str) -> OpenView:
        """Put a view on a person's Home tab."""
        if (known := self.home(user)) is not None:
            return self.update(known, view)
        view_id = new_id("V")
        shown = self._completed(view, view_id, None) | {"root_view_id": view_id, "previous_view_id": None}
        self._homes[user] = OpenView(shown, user)
        self._tell("home_published", self._homes[user])
        return self._homes[user]

    def close(self, closing: OpenView) -> None:
        """Take a modal away, and what was pushed on top of it."""
        for above in [v for v in self._modals.values() if v.view["previous_view_id"] == closing.id]:
            self.close(above)
        if self._modals.pop(closing.id, None) is not None:
            self._tell("view_closed", closing)

    def hold(self, known: OpenView, values: Values) -> None:
        """Remember what a person entered."""
        known.view = {**known.view, "state": {"values": values}}

    def refuse(self, known: OpenView, errors: dict[str, str]) -> None:
        """Show errors at inputs, by block id."""
        known.errors = errors
        self._tell("view_errors", known)

    def find(self, view_id: str | None, external_id: str | None = None) -> OpenView | None:
        """Return the view with this id or external id, Home tabs included."""
        for each in (*self._modals.values(), *self._homes.values()):
            if view_id == each.id or (external_id and each.view["external_id"] == external_id):
                return each
        return None

    def home(self, user: str) -> OpenView | None:
        """Return a person's Home tab, if the app published one."""
        return self._homes.get(user)

    def modals(self, user: str) -> list[OpenView]:
        """Return a person's open modals, the one in front last."""
        return [each for each in self._modals.values() if each.user == user]

    def stack(self, member: OpenView) -> list[OpenView]:
        """Return the stack that a modal stands in, its first view first."""
        root = member.view["root_view_id"]
        return [each for each in self._modals.values() if each.view["root_view_id"] == root]

    def before(self, user: str, name: str | None) -> OpenView:
        """Return a person's view by id, callback_id or external_id, “home”, or the one in front.

        Raises NotPossible for a view that this person does not have, or that lies under another one.
        """
        modals, home = self.modals(user), self.home(user)
        if home is not None and name in ("home", home.id):
            return home
        if not modals:
            raise NotPossible("no form is open" if name != "home" else "the app published no Home tab")
        front = modals[-1]
        if name in (None, "", front.id, front.view["callback_id"], front.view["external_id"]):
            return front
        if any(name in (each.id, each.view["callback_id"], each.view["external_id"]) for each in modals):
            raise NotPossible(f"another view lies on top of {name!r}")
        raise NotPossible(f"no view {name!r} is open; in front is {front.view['callback_id'] or front.id!r}")

    def shown(self, known: OpenView) -> Json:
        """Return a view for people: as it is, with “plain”, its text for a terminal, and “errors”."""
        return {**known.view, "plain": self._plain(known), "errors": known.errors}

    def _completed(self, view: Json, view_id: str, channel: str | None) -> Json:
        bot = self._workspace.bot
        empty: Json = {
            "title": {"type": "plain_text", "text": "View Title", "emoji": True},
            "submit": None,
            "close": None,
            "callback_id": "",
            "external_id": "",
            "private_metadata": "",
            "clear_on_close": False,
            "notify_on_close": False,
        }
        blocks = with_ids(view.get("blocks") or [])
        return {
            **empty,
            **{name: value for name, value in view.items() if value is not None},
            "id": view_id,
            "team_id": self._workspace.team_id,
            "app_id": bot.app_id,
            "bot_id": bot.bot_id,
            "app_installed_team_id": self._workspace.team_id,
            "blocks": blocks,
            "state": {"values": initial_values(blocks, channel)},
            "hash": f"{new_secret(10)}.{new_secret(8)}",
        }

    def _plain(self, known: OpenView) -> str:
        return "\n".join(plain_block(block, self._workspace) for block in known.view["blocks"])

    def _tell(self, kind: str, known: OpenView) -> None:
        self._feed.publish(
            kind,
            visible_to=[known.user],
            view=known.view,
            plain=self._plain(known),
            **({"errors": known.errors} if known.errors else {}),
        )

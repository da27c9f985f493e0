"""Views: modals and Home tabs that the app opened, stored and told to the feed; nobody fills them in yet.

https://docs.slack.dev/surfaces/modals
"""

from typing import Any

from playground.feed import Feed
from playground.slack.blocks import with_ids
from playground.slack.ids import new_id, new_secret
from playground.slack.transcript import plain_block
from playground.slack.workspace import Workspace

Json = dict[str, Any]
# https://docs.slack.dev/surfaces/modals: a stack of at most three
STACK_MOST = 3


class Views:
    """Every open view by id, in stacks."""

    def __init__(self, workspace: Workspace, feed: Feed) -> None:
        self._workspace = workspace
        self._feed = feed
        self._views: dict[str, Json] = {}

    def open(self, view: Json, user: str, parent: Json | None = None) -> Json:
        """Show a view to a person, on top of *parent* if there is one; return it as Slack gives it back."""
        view_id = new_id("V")
        shown = self._completed(view, view_id)
        shown["root_view_id"] = parent["root_view_id"] if parent else view_id
        shown["previous_view_id"] = parent["id"] if parent else None
        self._views[view_id] = shown
        self._tell("view_opened", shown, user)
        return shown

    def update(self, known: Json, view: Json, user: str) -> Json:
        """Replace what a view shows."""
        kept = {name: known[name] for name in ("id", "root_view_id", "previous_view_id")}
        self._views[known["id"]] = self._completed(view, known["id"]) | kept
        self._tell("view_changed", self._views[known["id"]], user)
        return self._views[known["id"]]

    def find(self, view_id: str | None, external_id: str | None) -> Json | None:
        """Return the view with this id or external id."""
        if view_id:
            return self._views.get(view_id)
        found = (view for view in self._views.values() if external_id and view["external_id"] == external_id)
        return next(found, None)

    def home(self, user: str) -> Json | None:
        """Return a person's Home tab, if the app published one."""
        return self._views.get(f"home-{user}")

    def publish(self, view: Json, user: str) -> Json:
        """Put a view on a person's Home tab."""
        known = self.home(user)
        shown = self._completed(view, known["id"] if known else new_id("V"))
        shown |= {"root_view_id": shown["id"], "previous_view_id": None}
        self._views[shown["id"]] = self._views[f"home-{user}"] = shown
        self._tell("home_published", shown, user)
        return shown

    def depth(self, view: Json) -> int:
        """Return how many views stand in this one's stack."""
        return len({v["id"] for v in self._views.values() if v["root_view_id"] == view["root_view_id"]})

    def _completed(self, view: Json, view_id: str) -> Json:
        bot = self._workspace.bot
        empty: Json = {
            "title": None,
            "submit": None,
            "close": None,
            "callback_id": "",
            "external_id": "",
            "private_metadata": "",
            "clear_on_close": False,
            "notify_on_close": False,
        }
        return {
            **empty,
            **view,
            "id": view_id,
            "team_id": self._workspace.team_id,
            "app_id": bot.app_id,
            "bot_id": bot.bot_id,
            "app_installed_team_id": self._workspace.team_id,
            "blocks": with_ids(view.get("blocks") or []),
            "state": {"values": {}},
            "hash": f"{new_secret(10)}.{new_secret(8)}",
        }

    def _tell(self, kind: str, view: Json, user: str) -> None:
        plain = "\n".join(plain_block(block, self._workspace) for block in view["blocks"])
        self._feed.publish(kind, visible_to=[user], view=view, plain=plain)

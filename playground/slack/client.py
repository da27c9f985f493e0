"""People's side of a running loopback Slack, for programs: the story, the command line, tests."""

from base64 import b64encode
from typing import Any

from playground.control_client import (
    TIMEOUT_SECONDS,
    WAIT_SECONDS,
    ControlClient,
    NothingHappened,
    PlaygroundError,
)

__all__ = ["NothingHappened", "Playground", "PlaygroundError"]

Json = dict[str, Any]


class Playground(ControlClient):
    """A client of the control API at *url*, such as ``http://127.0.0.1:4000``."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.api_url = f"{self.url}/api/"

    def say(self, who: str, where: str, text: str, thread_ts: str | None = None) -> Json:
        """Type *text* as a person; “/…” is a command. Return {"delivery", "ok", "error"?, "ack_ms"}."""
        body = {"as": who, "in": where, "text": text}
        return self._post("say", {**body, "thread_ts": thread_ts} if thread_ts else body)

    def press(
        self,
        who: str,
        where: Json | str | None,
        action_id: str,
        value: Any = None,
        block_id: str | None = None,
        values: Json | None = None,
    ) -> Json:
        """Press a button, or choose *value*, as a person.

        *where* is a message (a feed event, or one of messages()), or a view: one of views(), its callback_id,
        “home”, or None for the view in front. *values* are entered in the view first.
        """
        body = {"as": who, **_place(where), "action_id": action_id, "block_id": block_id}
        return self._post("press", {**body, "value": value, "values": values or {}})

    def suggest(
        self, who: str, where: Json | str | None, action_id: str, query: str, block_id: str | None = None
    ) -> Json:
        """Type *query* in a menu that searches; return {"options" or "option_groups", "ok", …}."""
        body = {"as": who, **_place(where), "action_id": action_id, "block_id": block_id}
        return self._post("suggest", {**body, "query": query})

    def submit(self, who: str, values: Json | None = None, view: Json | str | None = None) -> Json:
        """Fill in and send off the view in front; *values* by block_id, label or action_id, in plain form.

        Return {"ok", "delivery", "ack_ms", "error"?, "errors"?: {block_id: text}, "response_action"?}.
        """
        return self._post("submit", {"as": who, **_place(view), "values": values or {}})

    def close_view(self, who: str, view: Json | str | None = None, everything: bool = False) -> Json:
        """Cancel the view in front, or its whole stack."""
        return self._post("close", {"as": who, **_place(view), "all": everything})

    def views(self, who: str) -> list[Json]:
        """Return a person's open modals, the one in front last, each with "plain" and "errors"."""
        modals: list[Json] = self._get("views", {"as": who})["modals"]
        return modals

    def home(self, who: str) -> Json | None:
        """Return a person's Home tab, or None when the app published none."""
        home: Json | None = self._get("views", {"as": who})["home"]
        return home

    def shortcut(self, who: str, callback_id: str, message: Json | None = None) -> Json:
        """Take a global shortcut, or one of a message."""
        place = _place(message) if message else {}
        return self._post("shortcut", {"as": who, "callback_id": callback_id, **place})

    def open_home(self, who: str, tab: str = "home") -> Json:
        """Look at the app's Home tab, or with “messages” at its direct message."""
        return self._post("home", {"as": who, "tab": tab})

    def share(
        self, who: str, where: str, name: str, content: bytes, comment: str = "", thread_ts: str | None = None
    ) -> Json:
        """Drop a file into a channel or thread; return {"ts", "file", "ok", …}."""
        body = {"as": who, "in": where, "name": name, "content": b64encode(content).decode()}
        return self._post("files", {**body, "comment": comment, "thread_ts": thread_ts})

    def messages(self, where: str, who: str, thread_ts: str | None = None) -> list[Json]:
        """Return what a person sees in a channel or thread, each with "plain" and "channel", oldest first."""
        query = {"in": where, "as": who, **({"thread_ts": thread_ts} if thread_ts else {})}
        answer = self._get("messages", query)
        return [{**message, "channel": answer["channel"]} for message in answer["messages"]]

    def seq(self) -> int:
        """Return the number of the newest event."""
        return int(self._get("workspace")["seq"])

    def wait_for_text(self, text: str, timeout_seconds: float = WAIT_SECONDS, after: int = 0) -> Json:
        """Return the first event above *after* whose rendering contains *text*."""
        return self.wait_for(lambda event: text in event.get("plain", ""), timeout_seconds, after)

    def redeliver(self, delivery: str, times: int = 1, headers: dict[str, str] | None = None) -> list[Json]:
        """Send an earlier delivery again, byte for byte, and return each ack."""
        body = {"delivery": delivery, "times": times, "headers": headers or {}}
        attempts: list[Json] = self._post("redeliver", body)["attempts"]
        return attempts

    def deliveries(self) -> list[Json]:
        """Return everything that was sent to the app."""
        deliveries: list[Json] = self._get("deliveries")["deliveries"]
        return deliveries

    def counts(self) -> Json:
        """Return how often each Web API method was called."""
        return self._get("counts")

    def fault(self, method: str, **fields: Any) -> None:
        """Make trouble for a method by the fields of `playground.slack.faults.Fault`: status=, times= …"""
        self._post("faults", {"method": method, **fields})

    def clear_faults(self) -> None:
        """Take all trouble away."""
        self._delete("faults")

    def complete(self, table: Json) -> None:
        """Give the page's box what it may complete; see playground.slack.completions.Completions."""
        self._post("completions", table)

    def add_person(self, name: str, **fields: Any) -> Json:
        """Add a person: real_name=, groups=[handles], channels=[names]."""
        return self._post("people", {"name": name, **fields})

    def add_channel(self, name: str, **fields: Any) -> Json:
        """Add a channel: members=[names], with_bot=, is_private=."""
        return self._post("channels", {"name": name, **fields})

    def point_at(self, app_url: str | None, verify: bool = False) -> Json:
        """Deliver to another address from now on, or over Socket Mode (None); *verify* asks it first."""
        return self._post("app", {"url": app_url, "verify": verify})

    def disconnect(self, reason: str | None = "refresh_requested") -> int:
        """Make Slack close every socket, asking it to come again unless *reason* is None; return how many."""
        return int(self._post("disconnect", {"reason": reason})["closed"])

    def cut(self, when: str = "now", times: int = 1) -> None:
        """Cut the app's sockets off without a word: "now", or at the next envelopes.

        "envelope" breaks off within it, "ack" loses the app's ack, "answered" comes right after the ack.
        """
        self._post("cut", {"when": when, "times": times})

    def workspace(self) -> Json:
        """Return people, channels, groups and addresses."""
        return self._get("workspace")

    def file(self, file_id: str) -> bytes:
        """Return the bytes of a shared file."""
        reply = self._session.get(f"{self.url}/playground/files/{file_id}", timeout=TIMEOUT_SECONDS)
        if reply.status_code != 200:
            raise PlaygroundError(f"no file {file_id!r}")
        return reply.content

    def _brief(self, event: Json) -> str:
        return f"{event['seq']} {event['kind']}: {event.get('plain', '')}"


def _place(where: Json | str | None) -> Json:
    """Return what the control API takes for a message, an event about one, or a view."""
    if where is None or isinstance(where, str):
        return {"view": where}
    if "view" in where:
        return {"view": where["view"]["id"]}
    if "channel" not in where:
        return {"view": where["id"]}
    return {"channel": where["channel"], "ts": where.get("message", where)["ts"]}

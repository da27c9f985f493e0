"""The prompt after the story: type as one of the people, and see what that person sees."""

from __future__ import annotations

import threading
from collections.abc import Callable

from playground.slack.client import Playground, PlaygroundError
from playground.stage import Json, job_state
from playground.terminal import Terminal

HELP = """\
/ml …               a command, for instance: /ml predict arrival-delay flight=UA580 date=2013-07-10
                    or a workflow: /ml run smoke
press PROMOTE       presses a button of the newest message that has it (promote, reject, show card, cancel)
as viewer           speak as somebody else (owner, operator, viewer)
in random           speak in another channel (ml-arrivals, ml-wine, random)
quit                ends the playground; `make demo` takes it up again"""


class Prompt:
    """Reads lines and acts on them until the person has had enough."""

    def __init__(self, slack: Playground, terminal: Terminal, read: Callable[[str], str] = input) -> None:
        self._slack = slack
        self._terminal = terminal
        self._read = read
        self.person = "owner"
        self.channel = "ml-arrivals"
        self._people = {one["name"]: one["id"] for one in slack.workspace()["people"]}
        self._channels = {one["name"]: one["id"] for one in slack.workspace()["channels"]}
        self._ended = threading.Event()

    def run(self) -> None:
        """Take lines until `quit` or the end of input, showing what comes meanwhile."""
        watcher = threading.Thread(target=self._show_what_comes, name="feed", daemon=True)
        watcher.start()
        try:
            while (line := self._next_line()) is not None:
                self._take(line.strip())
        finally:
            self._ended.set()
            watcher.join()

    def _next_line(self) -> str | None:
        try:
            line = self._read(f"{self.person}> ")
        except (EOFError, KeyboardInterrupt):
            return None
        return None if line.strip() in {"quit", "exit", "q"} else line

    def _take(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        try:
            if not line or word in {"help", "?"}:
                self._terminal.line(HELP)
            elif word == "as":
                self.person = self._known(rest.strip(), self._people, "person")
            elif word == "in":
                self.channel = self._known(rest.strip().lstrip("#"), self._channels, "channel")
            elif word == "press":
                self._press(rest.strip())
            else:
                self._slack.say(self.person, self.channel, line)
        except (PlaygroundError, LookupError) as error:
            self._terminal.failed(str(error).strip("'"))

    @staticmethod
    def _known(name: str, known: dict[str, str], kind: str) -> str:
        if name not in known:
            raise LookupError(f"there is no {kind} {name!r}; there are: {', '.join(known)}")
        return name

    def _press(self, label: str) -> None:
        for message in reversed(self._slack.messages(self.channel, self.person)):
            for block in message.get("blocks") or ():
                for element in block.get("elements") or ():
                    if element.get("type") == "button" and _fits(element, label):
                        self._slack.press(
                            self.person, message, element["action_id"], block_id=block.get("block_id")
                        )
                        return
        raise LookupError(f"no message in #{self.channel} has a button {label!r}")

    def _show_what_comes(self) -> None:
        after = self._slack.seq()
        with Playground(self._slack.url) as feed:
            while not self._ended.is_set():
                for event in feed.feed(after, 1.0):
                    after = event["seq"]
                    self._show(event)

    def _show(self, event: Json) -> None:
        if not event.get("plain") or self._people[self.person] not in event.get("visible_to", ()):
            return
        if job_state(event) == "open" and event["kind"] == "message_changed":
            self._terminal.moving(event["plain"].splitlines()[0].replace("*", ""))
            return
        private = event["kind"].startswith("ephemeral")
        self._terminal.line()
        self._terminal.seen(event["plain"], only=self.person if private else None)


def _fits(element: Json, label: str) -> bool:
    text = str(element["text"]["text"]).casefold()
    return bool(label) and (
        text.startswith(label.casefold()) or element["action_id"].endswith(f".{label.casefold()}")
    )

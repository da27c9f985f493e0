"""A stage for the story: people act in the loopback Slack, and what they then see is shown and checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from playground.slack.client import NothingHappened, Playground
from playground.terminal import Terminal

Json = dict[str, Any]

ANSWER_SECONDS = 60.0
RUN_SECONDS = 300.0
UNDER_WAY = ("⏳", "⚙️")


class StoryFailed(Exception):
    """A step did not do what it says."""


class Stage:
    """Acts as people and checks what comes of it."""

    def __init__(self, slack: Playground, terminal: Terminal) -> None:
        self.slack = slack
        self.terminal = terminal
        self.checks = 0
        self._people = {one["name"]: one["id"] for one in slack.workspace()["people"]}

    def say(self, person: str, channel: str, text: str) -> int:
        """Let a person type *text*; return the feed's number from before."""
        before = self.slack.seq()
        self.terminal.said(person, channel, text)
        reply = self.slack.say(person, channel, text)
        if not reply["ok"]:
            raise StoryFailed(f"{text!r} was not taken: {reply.get('error')}")
        return before

    def ask(self, person: str, channel: str, text: str) -> Json:
        """Let a person type a command and return the first message that answers it."""
        before = self.say(person, channel, text)
        event = self._wait(before, _is_message, f"an answer to {text!r}", ANSWER_SECONDS)
        self.show(event, person)
        return event

    def press(self, person: str, channel: str, card: Json, action_id: str, label: str) -> int:
        """Let a person press a button of *card*; return the feed's number from before."""
        before = self.slack.seq()
        self.terminal.said(person, channel, f"[ {label} ]")
        self.slack.press(person, card, action_id)
        return before

    def follow_job(self, before: int, until: str | None = None) -> Json:
        """Show a job's card while it changes; return it when it has come to rest, or says *until*."""
        seen: list[str] = []
        for event in self.slack.follow(before, RUN_SECONDS):
            state = job_state(event)
            if state is None:
                continue
            if state != "open" or (until is not None and until in event["plain"]):
                self.show(event, None, edited=True)
                return event
            line = headline(event["plain"])
            seen.append(line)
            self.terminal.moving(line)
        raise StoryFailed(f"the job did not end within {RUN_SECONDS:g} s; last seen: {seen[-3:]}")

    def wait_for(self, before: int, text: str, person: str | None = None) -> Json:
        """Show and return the first message with *text*, seen by *person* only if one is named."""

        def fits(event: Json) -> bool:
            if not _is_message(event) or text not in event["plain"]:
                return False
            return person is None or event["visible_to"] == [self._people[person]]

        event = self._wait(before, fits, f"a message with {text!r}", ANSWER_SECONDS)
        self.show(event, person, edited=event["kind"] == "message_changed")
        return event

    def show(self, event: Json, person: str | None, *, edited: bool = False) -> None:
        """Show a message in the transcript."""
        private = event["kind"].startswith("ephemeral")
        thread = (event.get("message") or {}).get("thread_ts") is not None
        self.terminal.seen(
            event["plain"], only=person if private else None, edited=edited, thread=thread and not edited
        )

    def check(self, what: str, event: Json, *expected: str, absent: Iterable[str] = ()) -> None:
        """Check that a message holds each of *expected* and none of *absent*."""
        plain = event["plain"]
        missing = [text for text in expected if text not in plain]
        unwanted = [text for text in absent if text in plain]
        if missing or unwanted:
            self.terminal.failed(what)
            raise StoryFailed(f"{what}: missing {missing}, unwanted {unwanted}, in:\n{plain}")
        self.hold(what, True)

    def hold(self, what: str, truth: bool) -> None:
        """Check a fact."""
        if not truth:
            self.terminal.failed(what)
            raise StoryFailed(what)
        self.checks += 1
        self.terminal.checked(what)

    def _wait(self, before: int, fits: Callable[[Json], bool], what: str, seconds: float) -> Json:
        try:
            return self.slack.wait_for(fits, seconds, before)
        except NothingHappened as nothing:
            raise StoryFailed(f"{what} did not come: {nothing}") from None


def job_state(event: Json) -> str | None:
    """Return the state in the metadata of a job's message, or None for anything else."""
    metadata = (event.get("message") or {}).get("metadata") or {}
    state = (metadata.get("event_payload") or {}).get("state")
    return str(state) if state else None


def _is_message(event: Json) -> bool:
    return event["kind"] in ("message_posted", "message_changed", "ephemeral_posted") and bool(
        event.get("plain")
    )


def headline(plain: str) -> str:
    """Return a card's line about its state, with its progress bar, or the step that runs, if it has one."""
    lines = plain.replace("*", "").splitlines() or [""]
    first = next((line for line in lines if line.startswith(UNDER_WAY)), lines[0])
    others = [line.strip() for line in lines if line is not first]
    bar = next((line for line in others if line.startswith(("▰", "▱"))), "")
    step = next((line for line in reversed(others) if line.startswith("⏳")), "")
    name, _, more = step.removeprefix("⏳ ").partition(" · ")
    if not bar and more and first.endswith(f"· {name}"):
        return f"{first} · {more}"  # the line about the state names the step already
    return f"{first} {bar or step}".rstrip()

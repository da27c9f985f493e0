"""Slack's doors: each checks that the request is for us, puts a flow on the intake, and acks.

No Web API call is made before the ack. The flow's id comes from Slack's own unique id, so one that comes
again starts nothing new.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from slack_bolt import Ack, App

from bot.coercion import fold_case
from bot.commands import ASKS_AT_ONCE, COMMANDS, FORM, Command, find_commands, flow_of, split_words, suggest
from bot.engine import REQUESTS
from bot.ids import act_of, request_id, team_of
from bot.intake import Entry, Intake
from bot.jobs import MOST_READ, MOST_TYPED, Job
from bot.messages import errors as error_messages
from bot.messages import help as help_messages
from bot.messages.message import Message
from bot.parsing import Parsed, parse
from bot.slack import Identity
from ml.contract import FieldProblem, Problem

log = logging.getLogger(__name__)

BUTTONS = re.compile(r"^(version|run|work|form|experiment)\.[a-z_]+$")

Reply = dict[str, Any] | None


class Doors:
    """What arrives from Slack, turned into flows."""

    def __init__(
        self, command: str, identity: Identity, intake: Intake, commands: Mapping[str, Command] = COMMANDS
    ) -> None:
        self.command = command
        self._commands = commands
        self._identity = identity
        self._intake = intake

    def register(self, app: App) -> None:
        """Hang the doors into *app*."""
        app.command(self.command)(self._on_command)
        app.action(BUTTONS)(self._on_button)

    def _on_command(self, ack: Ack, body: dict[str, Any]) -> None:
        _answer(ack, self.take_command(body))

    def _on_button(self, ack: Ack, body: dict[str, Any]) -> None:
        _answer(ack, self.take_button(body))

    def take_command(self, body: Mapping[str, Any]) -> Reply:
        """Take a slash command; return what the ack shows to the asker, or None."""
        if team_of(body) != self._identity.team_id:
            return _private(_elsewhere())
        text = str(body.get("text") or "")
        parsed, asks = _form_asked(_read(text))
        job = self._job(body, parsed, f"{self.command} {text}".strip())
        if parsed.verb in (None, "help") and not (parsed.words and parsed.words[0] in self._commands):
            return _private(self._help(parsed.words if parsed.verb == "help" else ()))
        verb = parsed.verb or "help"
        if verb not in self._commands:
            near = suggest(verb, self._commands)
            return _private(help_messages.unknown_verb(verb, near, self.command))
        if parsed.problems:
            return _private(error_messages.problem(job, _misread(parsed)))
        if asks:
            return self._submit(job, FORM)
        if verb in ASKS_AT_ONCE and not (job.inputs or job.words):
            return self._submit(job, FORM, True)
        return self._submit(job, flow_of(verb))

    def _help(self, words: Sequence[str]) -> Message:
        """Return the commands, those that *words* stand in where there are any."""
        if not words:
            return help_messages.help(self._commands.values(), self.command)
        found = find_commands(words, self._commands.values())
        if found:
            return help_messages.about(words, found, self.command)
        return help_messages.unknown_verb(words[0], suggest(words[0], self._commands), self.command)

    def read(self, body: Mapping[str, Any]) -> Job:
        """Return the job that the text of a command, or of a mention, asks for; nothing is begun."""
        text = str(body.get("text") or "")
        parsed, _ = _form_asked(_read(text))
        return self._job(body, parsed, f"{self.command} {text}".strip())

    def take_button(self, body: Mapping[str, Any]) -> Reply:
        """Take a button; return None. What came of the press is told by the flow."""
        if team_of(body) != self._identity.team_id:
            return None
        action = body["actions"][0]
        noun, verb = str(action["action_id"]).split(".", 1)
        value = str(action.get("value") or "")
        typed = str((action.get("text") or {}).get("text") or verb)
        job = self._pressed(body, action, verb, typed)
        if noun == "work":
            # A button that opens a page is told of, too; there is nothing to do.
            return None if verb == "open" else self._submit(job, "work_press", verb, value)
        if noun == "experiment":
            return None if verb == "open" else self._submit(job, "experiment_press", verb, value)
        if noun == "form":
            return self._submit(self._filled(body, job, value), FORM)
        if noun == "run":
            return self._submit(job.model_copy(update={"verb": "cancel", "words": (value,)}), "cancel")
        decide_id, _, shown = value.partition("|")
        return self._submit(job, "press", verb, decide_id, shown)

    def _job(self, body: Mapping[str, Any], parsed: Parsed, typed: str) -> Job:
        model, words = split_words(self._commands.get(parsed.verb or ""), parsed.words)
        slacks_own = body.get("event_id") or body.get("trigger_id")
        return Job(
            flow_id=f"c-{request_id(slacks_own, body['user_id'], body['channel_id'], typed)}",
            verb=parsed.verb or "help",
            model=model,
            words=words,
            inputs=dict(parsed.inputs),
            typed=typed[:MOST_TYPED],
            user=str(body["user_id"]),
            channel=str(body["channel_id"]),
            team=self._identity.team_id,
            thread_ts=body.get("thread_ts"),
            response_url=body.get("response_url"),
            trigger_id=body.get("trigger_id"),
            asked_at=datetime.now(UTC),
        )

    def _pressed(self, body: Mapping[str, Any], action: Mapping[str, Any], verb: str, typed: str) -> Job:
        user = str(body["user"]["id"])
        channel = (body.get("channel") or {}).get("id") or (body.get("container") or {}).get("channel_id")
        return Job(
            flow_id=f"b-{request_id(act_of(body), user, action.get('action_id'), action.get('value'))}",
            verb=verb,
            typed=typed,
            user=user,
            channel=str(channel or user),
            team=self._identity.team_id,
            response_url=body.get("response_url"),
            trigger_id=body.get("trigger_id"),
            asked_at=datetime.now(UTC),
        )

    def _filled(self, body: Mapping[str, Any], job: Job, command: str) -> Job:
        """Return the job of a press that opens a form: the command that the button carries.

        A message to one person alone is not sent back with the press; the container names its thread, too
        (https://docs.slack.dev/reference/interaction-payloads/block_actions-payload).
        """
        parsed = parse(command)
        model, words = split_words(self._commands.get(parsed.verb or ""), parsed.words)
        about = {"verb": parsed.verb, "model": model, "words": words, "inputs": dict(parsed.inputs)}
        places = (body.get("container") or {}, body.get("message") or {})
        thread_ts = next((place["thread_ts"] for place in places if place.get("thread_ts")), None)
        return job.model_copy(update={**about, "thread_ts": thread_ts})

    def _submit(self, job: Job, flow: str, *args: Any) -> Reply:
        record = job.model_dump(mode="json")
        try:
            self._intake.submit(Entry(flow, REQUESTS, job.flow_id, (record, *args)))
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the person must know that nothing was taken
            log.error(
                "request was not stored", extra={"flow_id": job.flow_id, "reason": type(error).__name__}
            )
            return _private(error_messages.problem(job, _not_stored()))
        return None


def _answer(ack: Ack, reply: Reply) -> None:
    if reply is None:
        ack()
    else:
        ack(**reply)


def _private(message: Message) -> Reply:
    return {"response_type": "ephemeral", "text": message.text, "blocks": list(message.blocks)}


def _read(text: str) -> Parsed:
    """Return what *text* asks for; a part of what is too long is never taken for the whole."""
    parsed = parse(text[:MOST_READ])
    if len(text) <= MOST_READ:
        return parsed
    too_long = FieldProblem(
        field="text",
        value=f"{len(text):,} characters",
        allowed=f"at most {MOST_READ:,} characters",
        message="the command is too long",
    )
    return replace(parsed, inputs={}, problems=(too_long,))


def _form_asked(parsed: Parsed) -> tuple[Parsed, bool]:
    """Return the command whose form is asked for, or the command itself, and which of the two it is."""
    if parsed.verb != FORM or not parsed.words:
        return parsed, False
    return replace(parsed, verb=fold_case(parsed.words[0]), words=parsed.words[1:]), True


def _misread(parsed: Parsed) -> Problem:
    return Problem(
        title="The command could not be read",
        status=400,
        detail="Part of the command could not be read.",
        reason_code="invalid_inputs",
        errors=parsed.problems,
    )


def _not_stored() -> Problem:
    return Problem(
        title="The request was not stored",
        status=503,
        detail="The bot's database did not take your request; please send it again.",
        reason_code="not_stored",
    )


def _elsewhere() -> Message:
    problem = Problem(
        title="Another workspace",
        status=403,
        detail="This bot belongs to another workspace.",
        reason_code="not_allowed",
    )
    return Message(text=problem.detail, blocks=())

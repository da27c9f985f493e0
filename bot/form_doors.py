"""Slack's doors for forms: a submitted one becomes a job, a searching menu gets its options.

Both are answered from the form as it was shown, without asking anybody; the same submission that comes again
starts nothing new. Source: https://docs.slack.dev/surfaces/modals#interactions
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from slack_bolt import Ack, App

from bot.coercion import as_text
from bot.commands import flow_of
from bot.engine import REQUESTS
from bot.form_fields import ACTION
from bot.forms import CALLBACK, Form, find_options, read_view
from bot.ids import request_id, team_of
from bot.intake import Entry, Intake
from bot.jobs import MOST_TYPED, Job
from bot.messages.text import unescape
from bot.open_forms import OpenForms
from bot.parsing import Parsed, format_command
from bot.slack import Identity

log = logging.getLogger(__name__)

GONE = "This form is too old to be used; please close it and open a new one."
NOT_STORED = "The bot's database did not take your request; please send it again."

Reply = dict[str, Any] | None


class FormDoors:
    """What people enter into forms, turned into flows."""

    def __init__(self, command: str, identity: Identity, intake: Intake, forms: OpenForms) -> None:
        self._command = command
        self._identity = identity
        self._intake = intake
        self._forms = forms

    def register(self, app: App) -> None:
        """Hang the doors into *app*."""
        app.view(CALLBACK)(self._on_submission)
        app.options(ACTION)(self._on_search)

    def _on_submission(self, ack: Ack, body: dict[str, Any]) -> None:
        ack(**(self.take_submission(body) or {}))

    def _on_search(self, ack: Ack, body: dict[str, Any]) -> None:
        ack(options=self.take_search(body))

    def take_submission(self, body: Mapping[str, Any]) -> Reply:
        """Take a submitted form; return the errors to show at its fields, or None: it was taken."""
        view = body["view"]
        if team_of(body) != self._identity.team_id:
            return _errors_everywhere(view, "This bot belongs to another workspace.")
        form = self._forms.find(str(view.get("private_metadata") or ""))
        if form is None:
            return _errors_everywhere(view, GONE)
        inputs, errors = read_view(form, (view.get("state") or {}).get("values") or {})
        if errors:
            return {"response_action": "errors", "errors": errors}
        job = self._job(body, form, inputs)
        entry = Entry(flow_of(job.verb), REQUESTS, job.flow_id, (job.model_dump(mode="json"),))
        try:
            self._intake.submit(entry)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the person must know that nothing was taken
            log.error("form was not stored", extra={"flow_id": job.flow_id, "reason": type(error).__name__})
            return _errors_everywhere(view, NOT_STORED)
        return None

    def take_search(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the options for what a person types into a searching menu."""
        form = self._forms.find(str((body.get("view") or {}).get("private_metadata") or ""))
        if form is None or team_of(body) != self._identity.team_id:
            return []
        return find_options(form, str(body.get("block_id") or ""), str(body.get("value") or ""))

    def _job(self, body: Mapping[str, Any], form: Form, inputs: Mapping[str, Any]) -> Job:
        user, view = str(body["user"]["id"]), body["view"]
        named = (form.model,) if form.model else ()
        as_typed = {name: as_text(value) for name, value in inputs.items()}
        text = unescape(format_command(Parsed(form.verb, (*named, *form.words), as_typed)))
        return Job(
            flow_id=f"f-{request_id(view['id'], view.get('hash'), user, text)}",
            verb=form.verb,
            model=form.model,
            words=form.words,
            inputs=dict(inputs),
            typed=f"{self._command} {text}"[:MOST_TYPED],
            user=user,
            channel=form.channel,
            team=self._identity.team_id,
            thread_ts=form.thread_ts,
            asked_at=datetime.now(UTC),
        )


def _errors_everywhere(view: Mapping[str, Any], words: str) -> Reply:
    """Return an answer that keeps the form open, with what was entered, and says why at its last field."""
    fields = [str(one["block_id"]) for one in view.get("blocks") or () if one.get("type") == "input"]
    return {"response_action": "errors", "errors": {fields[-1]: words}} if fields else None

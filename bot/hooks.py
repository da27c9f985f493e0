"""The doors for services: signed webhooks that run a command, and callbacks of runs at an endpoint.

Source of the scheme in which requests are signed: docs/webhooks.md. Without a secret nothing is let in.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationError,
)

from bot.coercion import as_text, fold
from bot.commands import Command, flow_of, split_words, suggest
from bot.connectors.http import HttpConnector
from bot.deliveries import Deliveries
from bot.engine import REQUESTS
from bot.intake import Entry, Intake
from bot.jobs import WEBHOOK, Job
from bot.parsing import Parsed, format_command
from bot.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, Verdict, is_callback, judge
from bot.wsgi import Answer, Start, read_body, read_header, refusal, send

log = logging.getLogger(__name__)

HOOKS = "/hooks/"
CALLBACKS = "/callbacks/"
MOST_HOOK_BYTES = 64 * 1024
MOST_CALLBACK_BYTES = 1024 * 1024
MOST_TYPED = 3000

Plain = StrictStr | StrictInt | StrictFloat | StrictBool

_VERDICTS: Mapping[Verdict, str] = {
    "unsigned": f"The headers {TIMESTAMP_HEADER} and {SIGNATURE_HEADER} are needed.",
    "stale": "The timestamp lies more than five minutes from now: check the clock, sign each request anew.",
    "forged": "The signature is not that of this timestamp and these bytes under this secret.",
}


class HookRequest(BaseModel):
    """The body of a webhook: the words and the inputs that a person would type after the command.

    `id` is the sender's own, to tell two requests of the same second and contents apart.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: StrictStr | None = None
    words: tuple[StrictStr, ...] = ()
    inputs: dict[str, Plain | list[Plain]] = Field(default_factory=dict)


@dataclass
class HooksDoor:
    """Takes webhooks and callbacks; a WSGI application. Thread-safe."""

    commands: Mapping[str, Command]
    command_name: str
    team: str
    channel: str | None
    secret: str | None
    intake: Intake
    deliveries: Deliveries
    connectors: Sequence[HttpConnector]
    now: Callable[[], float] = time.time

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        """Answer one request."""
        return send(self._answer(environ), start_response)

    def _answer(self, environ: dict[str, Any]) -> Answer:
        path = str(environ.get("PATH_INFO", ""))
        if environ.get("REQUEST_METHOD") != "POST":
            return refusal(405, "method_not_allowed", "Only POST is served here.")
        is_hook = path.startswith(HOOKS)
        body = read_body(environ, MOST_HOOK_BYTES if is_hook else MOST_CALLBACK_BYTES)
        if body is None:
            return refusal(413, "body_too_large", "The body is too large.")
        if self.secret is None:
            return refusal(503, "not_set_up", "TOBAN_HOOKS_SECRET is not set, so nothing is taken.")
        if is_hook:
            stamp, signature = (read_header(environ, name) for name in (TIMESTAMP_HEADER, SIGNATURE_HEADER))
            return self.take_hook(path.removeprefix(HOOKS), stamp, signature, body)
        return self.take_callback(path.removeprefix(CALLBACKS), body)

    def take_hook(self, verb: str, timestamp: str | None, signature: str | None, body: bytes) -> Answer:
        """Check a webhook's signature, then run its command under an id made from that signature."""
        verdict = judge(self.secret or "", timestamp, signature, body, self.now())
        if verdict != "good":
            return refusal(401, "bad_signature", _VERDICTS[verdict])
        command = self.commands.get(verb)
        if command is None or flow_of(verb) == "lookup":
            near = [name for name in suggest(verb, self.commands) if flow_of(name) != "lookup"]
            return refusal(404, "unknown_command", f"There is no command {verb!r} for webhooks.", near)
        if self.channel is None:
            return refusal(503, "not_set_up", "[hooks] with a channel is missing in toban.toml.")
        try:
            request = HookRequest.model_validate_json(body or b"{}")
        except ValidationError as error:
            return refusal(400, "invalid_request", _first(error))
        job = self._job(command, request, str(signature))
        if len(job.typed) > MOST_TYPED:
            return refusal(413, "body_too_large", f"A command has at most {MOST_TYPED} characters.")
        return self._submit(job, str(signature))

    def _job(self, command: Command, request: HookRequest, signature: str) -> Job:
        inputs = {fold(name): as_text(value) for name, value in request.inputs.items()}
        model, words = split_words(command, request.words)
        typed = format_command(Parsed(command.verb, request.words, inputs))
        return Job(
            flow_id=f"h-{_hash(signature)[:20]}",
            verb=command.verb,
            model=model,
            words=words,
            inputs=inputs,
            typed=f"{self.command_name} {typed}",
            user=WEBHOOK,
            channel=str(self.channel),
            team=self.team,
            asked_at=datetime.now(UTC),
        )

    def _submit(self, job: Job, signature: str) -> Answer:
        try:
            fresh = self.deliveries.claim(_hash(signature), job.verb, job.flow_id)
            # Also for a replay: where the first one was cut off between claim and intake, this one heals it.
            # The id is the signature's, so that nothing can run twice.
            record = job.model_dump(mode="json")
            self.intake.submit(Entry(flow_of(job.verb), REQUESTS, job.flow_id, (record,)))
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the sender must know that nothing was taken
            log.error(
                "webhook was not stored", extra={"flow_id": job.flow_id, "reason": type(error).__name__}
            )
            return refusal(503, "not_stored", "The bot's database did not take the request; send it again.")
        if not fresh:
            return refusal(409, "replayed", f"This request was taken before, as {job.flow_id}.")
        return Answer(202, {"id": job.flow_id, "command": job.verb})

    def take_callback(self, rest: str, body: bytes) -> Answer:
        """Take the one callback of a run, at the address that was given with its start."""
        key, _, token = rest.partition("/")
        if not is_callback(self.secret or "", key, token):
            return refusal(404, "unknown_run", "There is no run at this address.")
        try:
            content = json.loads(body) if body else None
        except (ValueError, RecursionError):
            return refusal(400, "malformed_json", "The body is not JSON.")
        if any(connector.take_callback(key, content) for connector in self.connectors):
            return Answer(200, {"id": key})
        return refusal(409, "already_finished", "This run has ended; its one callback is used.")


def _first(error: ValidationError) -> str:
    item = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in item["loc"])
    return re.sub(r"\s+", " ", f"{place or 'body'}: {item['msg']}.")


def _hash(signature: str) -> str:
    return hashlib.sha256(signature.encode()).hexdigest()

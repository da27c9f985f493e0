"""What is sent to an HTTP endpoint and what its answers mean, without sending anything.

An endpoint answers at once, or gives an address to ask:
https://learn.microsoft.com/azure/architecture/patterns/async-request-reply
A status address must lie at the endpoint's own origin.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, quote, urljoin, urlsplit

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import ValidationError

from bot.calls import Standing
from bot.connectors.connector import FINAL, JobRequest, RunState
from bot.connectors.endpoints import MOST_PAUSE_SECONDS, PLACEHOLDER, CallSettings, Endpoint, origin
from bot.connectors.wire import HttpCall, HttpReply
from bot.errors import EndpointUnreachable, Refused
from ml.contract import Problem

MOST_DETAIL = 300
STATE_EXPRESSION = "state || status || runtimeStatus"
"""Where most endpoints say how a run stands: ours, Azure Durable Functions, and many others."""

WORDS: Mapping[RunState, tuple[str, ...]] = {
    "queued": ("queued", "pending", "accepted", "submitted", "scheduled", "created", "notstarted"),
    "waiting": ("waiting", "blocked", "suspended"),
    "running": ("running", "inprogress", "processing", "started", "active"),
    "succeeded": ("succeeded", "success", "successful", "completed", "complete", "done", "finished", "ok"),
    "failed": ("failed", "failure", "error", "faulted", "timedout"),
    "cancelled": ("cancelled", "canceled", "terminated", "aborted", "stopped"),
}
"""The words for each state that are understood without being told; case, spaces, - and _ do not count."""


# --- starting -----------------------------------------------------------------------------------------------


def build_start(endpoint: Endpoint, job: JobRequest, key: str, callback: str | None = None) -> HttpCall:
    """Return the call that starts a run; raise Refused for a value that cannot stand in the address."""
    settings, parts = endpoint.settings, urlsplit(endpoint.url)
    values = dict(job.values)
    path = PLACEHOLDER.sub(lambda found: _segment(found[1], values), parts.path) or "/"
    for name in PLACEHOLDER.findall(parts.path):
        values.pop(name, None)
    if settings.callback and callback:
        values[settings.callback] = callback
    header = settings.idempotency_header
    call = HttpCall(
        settings.method,
        path,
        query=dict(parse_qsl(parts.query)),
        headers={header: key} if header else {},
        repeatable=settings.repeatable,
    )
    return _with_values(call, settings.send, values)


def _with_values(call: HttpCall, send: str, values: dict[str, Any]) -> HttpCall:
    if send == "json":
        body = None if call.method == "GET" and not values else values
        return HttpCall(**{**vars(call), "body": body})
    texts = {name: _text(value) for name, value in values.items() if value is not None}
    if send == "form":
        return HttpCall(**{**vars(call), "form": texts})
    return HttpCall(**{**vars(call), "query": {**call.query, **texts}})


def _segment(name: str, values: Mapping[str, Any]) -> str:
    value = values.get(name)
    text = "" if value is None else _text(value)
    # A client takes dots out of a path, and so would leave the address that was configured.
    if not text or set(text) == {"."}:
        raise refused("invalid_inputs", f"{name} is {text!r}, which cannot stand in an address.")
    return quote(text, safe="")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(_text, value)) if isinstance(value, list | tuple) else str(value)


def read_start(reply: HttpReply, endpoint: Endpoint, asked: str) -> Standing:
    """Return how the run stands after a start that was taken; see `check_status` for others.

    *asked* is the path that was called: a relative status address is meant from there. Raises Refused for a
    status address that must not be asked.
    """
    settings = endpoint.settings
    state = read_state(reply, settings)
    address = find(settings.status_url, reply.body) if settings.status_url else _location(reply)
    if settings.callback or (settings.status_url and address):
        # What such an answer says is that the start was taken, not that the work is done.
        state = "running" if state == "succeeded" else state
    follow = isinstance(address, str) and state not in FINAL
    if follow or (settings.callback and state not in FINAL):
        cancel = find(settings.cancel_url, reply.body)
        return Standing(
            state=state,
            status_path=_path(endpoint, asked, str(address)) if follow else None,
            cancel_path=_path(endpoint, asked, cancel) if isinstance(cancel, str) else None,
            pause_seconds=_pause(reply, settings),
            answer=reply.body,
        )
    if state not in FINAL:
        unfollowed = "It was accepted; the endpoint gives no address at which to ask how it goes on."
        return Standing(state="succeeded", detail=unfollowed, answer=reply.body)
    return Standing(state=state, detail=read_detail(reply, settings), answer=reply.body)


def check_status(reply: HttpReply) -> None:
    """Raise Refused for an answer that says no, EndpointUnreachable for one that says later."""
    status = reply.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    if status < HTTPStatus.BAD_REQUEST:
        raise refused("endpoint_refused", f"It leads elsewhere (status {status}), which is not followed.")
    if status in (HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        raise EndpointUnreachable(f"it is too busy (status {status})", sent=False)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        raise EndpointUnreachable(f"status {status}")
    raise Refused(_problem(reply))


def _problem(reply: HttpReply) -> Problem:
    """Return the endpoint's own problem details, or its status in words of ours."""
    try:
        return Problem.model_validate(reply.body)
    except ValidationError:
        said = _short(find("detail || message || error.message || error || title", reply.body))
        words = f"It answered with status {reply.status}" + (f": {said}" if said else "")
        return refused("endpoint_refused", f"{words.rstrip('.')}.", reply.status).problem


# --- how it stands ------------------------------------------------------------------------------------------


def read_status(reply: HttpReply, endpoint: Endpoint, before: Standing) -> Standing | None:
    """Return how the run stands now; None where the endpoint does not know it (any more).

    Raises EndpointUnreachable where the answer says nothing on the run, for instance as the key is refused.
    """
    settings = endpoint.settings
    if reply.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return None
    if (
        reply.status != HTTPStatus.SEE_OTHER
        and not HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES
    ):
        raise EndpointUnreachable(f"it does not say how the run stands (status {reply.status})")
    share = find(settings.progress, reply.body)
    return before.model_copy(
        update={
            "state": read_state(reply, settings),
            "pause_seconds": _pause(reply, settings),
            "progress": share if _is_share(share) else None,
            "detail": read_detail(reply, settings),
            "answer": reply.body,
        }
    )


def read_state(reply: HttpReply, settings: CallSettings) -> RunState:
    """Return the state that the body names, or the one that the status means: 202 goes on, others are done.

    A word that is not known counts only where the settings say in which place it stands: then it goes on.
    """
    word = find(settings.state or STATE_EXPRESSION, reply.body)
    by_status: RunState = "running" if reply.status == HTTPStatus.ACCEPTED else "succeeded"
    if not isinstance(word, str):
        return "failed" if word is False else by_status
    known = _words(settings.states).get(_folded(word))
    return known or ("running" if settings.state else by_status)


def _words(own: Mapping[str, RunState]) -> dict[str, RunState]:
    usual = {word: state for state, words in WORDS.items() for word in words}
    return usual | {_folded(word): state for word, state in own.items()}


def _folded(word: str) -> str:
    return re.sub(r"[\s_-]", "", word).casefold()


def find(expression: str | None, body: Any) -> Any:
    """Return what *expression* finds in *body*; None for nothing, and where it does not fit the body."""
    if expression is None or not isinstance(body, dict | list):
        return None
    try:
        return jmespath.search(expression, body)
    except JMESPathError:
        return None


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def read_detail(reply: HttpReply, settings: CallSettings) -> str | None:
    """Return what the answer says beside its state, cut to a message's length."""
    return _short(find(settings.detail or "detail || message || reason", reply.body)) or None


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else ""
    return text if len(text) <= MOST_DETAIL else text[: MOST_DETAIL - 1] + "…"


def _location(reply: HttpReply) -> str | None:
    return reply.headers.get("Location")


def _pause(reply: HttpReply, settings: CallSettings) -> float:
    """Return how long to wait before the next question: as the endpoint asks, or as the settings say."""
    asked = reply.headers.get("Retry-After", "")
    given = float(asked) if re.fullmatch(r"[0-9]{1,6}", asked) else settings.poll_seconds
    return min(max(given, 0.5), MOST_PAUSE_SECONDS)


def _path(endpoint: Endpoint, asked: str, address: str) -> str:
    """Return the path and query of *address*; raise Refused for one that lies elsewhere.

    An endpoint that could send the bot, with its headers, to any address would make it a door into a network.
    """
    whole = urljoin(f"{endpoint.origin}{asked}", address)
    if urlsplit(whole).scheme not in ("http", "https") or origin(whole) != endpoint.origin:
        raise refused("endpoint_refused", "It gave a status address at another origin, which is not asked.")
    parts = urlsplit(whole)
    return f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"


def refused(code: str, detail: str, status: int = 422) -> Refused:
    """Return a refusal of our own as problem details."""
    return Refused(Problem(title=code.replace("_", " "), status=status, detail=detail, reason_code=code))

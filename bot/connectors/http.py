"""Any HTTP endpoint as a connector: it answers at once, gives an address to ask, or calls back.

What is configured is all that is called: the endpoint's address is in the settings, a status address must lie
at the same origin, and no redirect is followed. Secrets come from environment variables named in the settings
and travel in headers only. What must be remembered of a call stands in the ledger (`bot/calls.py`).

Source of the waiting with 202, Location and Retry-After:
https://learn.microsoft.com/azure/architecture/patterns/async-request-reply
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, Literal, cast
from urllib.parse import parse_qsl, quote, urljoin, urlsplit

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from bot.calls import Call, Calls, Standing
from bot.connectors.connector import FINAL, JobRequest, Report, RunHandle, RunState, RunStatus
from bot.connectors.wire import HttpCall, HttpReply, Sender
from bot.errors import EndpointUnreachable, Refused
from ml.contract import Problem, Reason

MOST_ANSWER_BYTES = 1 << 20
MOST_DETAIL = 300
MOST_PAUSE_SECONDS = 300.0
VARIABLE = r"^[A-Z][A-Z0-9_]{1,79}$"
PLACEHOLDER = re.compile(r"\{([A-Za-z]\w*)\}")
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


def _compiles(expression: str) -> str:
    try:
        jmespath.compile(expression)
    except JMESPathError as error:
        raise ValueError(f"{expression!r} is not JMESPath: {str(error).splitlines()[0]}") from None
    return expression


Expression = Annotated[str, AfterValidator(_compiles)]
"""A JMESPath expression (https://jmespath.org), compiled once to see that it can be."""


class CallSettings(BaseModel):
    """How an endpoint is called and how its answers are read; the same for every kind of endpoint."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    send: Literal["json", "form", "query"] = "json"
    headers: dict[str, str] = Field(default_factory=dict)
    headers_from: dict[str, Annotated[str, Field(pattern=VARIABLE)]] = Field(default_factory=dict)
    idempotency_header: str | None = "Idempotency-Key"
    repeatable: bool = False
    connect_seconds: Annotated[float, Field(gt=0, le=60)] = 5.0
    read_seconds: Annotated[float, Field(gt=0, le=300)] = 30.0
    status_url: Expression | None = None
    poll_seconds: Annotated[float, Field(ge=0.5, le=MOST_PAUSE_SECONDS)] = 5.0
    state: Expression | None = None
    states: dict[str, RunState] = Field(default_factory=dict)
    progress: Expression | None = None
    detail: Expression | None = None
    cancel_url: Expression | None = None
    cancel_method: Literal["POST", "PUT", "DELETE"] = "POST"
    callback: str | None = None
    callback_hours: Annotated[float, Field(gt=0, le=720)] = 24.0

    @field_validator("headers")
    @classmethod
    def _no_secrets(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if re.search(r"authorization|cookie|token|secret|key|password", name, re.IGNORECASE):
                raise ValueError(
                    f"{name} looks like a secret: name an environment variable in headers_from instead"
                )
        return value


class HttpSettings(CallSettings):
    """`[commands.NAME.http]`: an endpoint by its address; `{input}` in its path is replaced by the value."""

    url: str

    @field_validator("url")
    @classmethod
    def _plain_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("it is no address beginning with https:// or http://")
        if "@" in parts.netloc or parts.fragment:
            raise ValueError("it holds a user, a password or a fragment; secrets belong into headers_from")
        if "{" in parts.netloc or "{" in parts.query:
            raise ValueError("values may stand in its path only")
        return value


@dataclass(frozen=True)
class Endpoint:
    """One endpoint, ready to be called; the secrets in its headers are kept out of its repr."""

    url: str
    settings: CallSettings
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def origin(self) -> str:
        """Scheme, host and port: all that may be called."""
        return origin(self.url)


def origin(url: str) -> str:
    """Return scheme, host and port of *url* in one spelling."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}:{port}"


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
        raise _refused("invalid_inputs", f"{name} is {text!r}, which cannot stand in an address.")
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
    return Standing(state=state, detail=_detail(reply, settings), answer=reply.body)


def check_status(reply: HttpReply) -> None:
    """Raise Refused for an answer that says no, EndpointUnreachable for one that says later."""
    status = reply.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    if status < HTTPStatus.BAD_REQUEST:
        raise _refused("endpoint_refused", f"It leads elsewhere (status {status}), which is not followed.")
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
        return _refused("endpoint_refused", f"{words.rstrip('.')}.", reply.status).problem


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
            "detail": _detail(reply, settings),
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


def _detail(reply: HttpReply, settings: CallSettings) -> str | None:
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
        raise _refused("endpoint_refused", "It gave a status address at another origin, which is not asked.")
    parts = urlsplit(whole)
    return f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"


def _refused(code: str, detail: str, status: int = 422) -> Refused:
    return Refused(Problem(title=code.replace("_", " "), status=status, detail=detail, reason_code=code))


# --- the connector ------------------------------------------------------------------------------------------


class HttpConnector:
    """Endpoints by name: a job's target and a handle's scope name the endpoint.

    Starting under a key that was used leads to the first run. Where a call may have been taken but was not
    answered, it is sent again only to an endpoint that is said to be `repeatable`.
    """

    def __init__(
        self,
        name: str,
        endpoints: Mapping[str, Endpoint],
        calls: Calls,
        callback_address: Callable[[str], str] | None = None,
    ) -> None:
        self.name = name
        self._endpoints = endpoints
        self._calls = calls
        self._callback_address = callback_address
        self._senders = {one: _sender(endpoint) for one, endpoint in endpoints.items()}

    def start(self, job: JobRequest, *, key: str) -> RunHandle:
        """Start a run, or return the one that *key* started before."""
        endpoint = self._endpoints[job.target]
        callback = self._callback_address(key) if self._callback_address else None
        call = build_start(endpoint, job, key, callback)
        handle = RunHandle(connector=self.name, id=key, scope=job.target)
        known = self._calls.begin(key, job.target)
        if known is not None and known.standing is not None:
            return handle
        if known is not None and not endpoint.settings.repeatable:
            raise _refused("start_uncertain", "The bot was interrupted while it asked for the start.", 409)
        self._calls.note(key, self._sent(endpoint, job.target, call, key))
        return handle

    def _sent(self, endpoint: Endpoint, name: str, call: HttpCall, key: str) -> Standing:
        try:
            reply = self._senders[name].send(call)
            check_status(reply)
        except Refused:
            self._calls.forget(key)
            raise
        except EndpointUnreachable as error:
            if not error.sent:
                self._calls.forget(key)
            raise
        return read_start(reply, endpoint, call.path)

    def status(self, handles: Sequence[RunHandle]) -> Mapping[str, RunStatus]:
        """Return how runs stand, by handle id; asks for each only as often as its endpoint wishes.

        Raises EndpointUnreachable where not one of those to be asked about could be read.
        """
        known = self._calls.find([handle.id for handle in handles])
        found: dict[str, RunStatus] = {}
        silent: list[EndpointUnreachable] = []
        for handle in handles:
            call = known.get(handle.id)
            try:
                status = None if call is None else self._looked_at(handle, call)
            except EndpointUnreachable as error:
                silent.append(error)
                continue
            if status is not None:
                found[handle.id] = status
        if silent and not found:
            raise silent[0]
        return found

    def _looked_at(self, handle: RunHandle, call: Call) -> RunStatus | None:
        standing = call.standing
        now = datetime.now(UTC)
        if standing is None:
            return None
        if call.ended:
            return run_status(handle, call)
        if standing.status_path is None:
            hours = self._endpoints[call.endpoint].settings.callback_hours
            if now - call.created_at < timedelta(hours=hours):
                return run_status(handle, call)
            late = standing.model_copy(update={"state": "failed", "detail": "It never called back."})
            return self._noted(handle, late)
        if now < call.look_after:
            return run_status(handle, call)
        reply = self._senders[call.endpoint].send(HttpCall("GET", standing.status_path))
        after = read_status(reply, self._endpoints[call.endpoint], standing)
        return None if after is None else self._noted(handle, after)

    def _noted(self, handle: RunHandle, standing: Standing) -> RunStatus:
        self._calls.note(handle.id, standing)
        return run_status(handle, self._calls.find([handle.id])[handle.id])

    def result(self, handle: RunHandle) -> RunStatus:
        """Return how a run stands; raise Refused where nothing is known of it (any more)."""
        found = self.status([handle]).get(handle.id)
        if found is None:
            raise _refused("unknown_run", "Its endpoint knows nothing of this run (any more).", 404)
        return found

    def cancel(self, handle: RunHandle) -> None:
        """Ask for a run to be stopped; raise Refused where its endpoint gave no address for that."""
        call = self._calls.find([handle.id]).get(handle.id)
        if call is None or call.standing is None or call.ended:
            return
        if call.standing.cancel_path is None:
            raise _refused("cannot_cancel", f"{call.endpoint} gives no address at which to stop a run.")
        settings = self._endpoints[call.endpoint].settings
        stop = HttpCall(settings.cancel_method, call.standing.cancel_path, repeatable=True)
        reply = self._senders[call.endpoint].send(stop)
        if reply.status not in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.GONE):
            check_status(reply)

    def take_callback(self, key: str, body: Any) -> bool:
        """Take the one callback of a run; False where there is no such run, or it has ended already."""
        call = self._calls.find([key]).get(key)
        if call is None or call.endpoint not in self._endpoints:
            return False
        settings = self._endpoints[call.endpoint].settings
        if settings.callback is None:
            return False
        reply = HttpReply(HTTPStatus.OK, {}, body)
        state = read_state(reply, settings)
        ended: RunState = state if state in FINAL else "succeeded"
        # It may come before the answer to the start: then nothing is known of the run but this.
        before = call.standing or Standing(state="running")
        facts = {"state": ended, "detail": _detail(reply, settings), "answer": body}
        return self._calls.note(key, before.model_copy(update=facts))


def run_status(handle: RunHandle, call: Call) -> RunStatus:
    """Return the status of a run as the ledger has it."""
    standing = cast("Standing", call.standing)
    failed = standing.state == "failed"
    why = standing.detail or "The endpoint gave no reason."
    return RunStatus(
        handle=handle,
        name=call.endpoint,
        state=standing.state,
        progress=standing.progress,
        detail=None if failed else standing.detail,
        created_at=call.created_at,
        started_at=call.created_at,
        finished_at=call.ended_at,
        reason=Reason(code="endpoint_failed", detail=why) if failed else None,
        report=Report(fields=_fields(standing.answer)) if call.ended else None,
        offers=("cancel",) if standing.cancel_path and not call.ended else (),
    )


def _fields(answer: Any) -> dict[str, Any]:
    """Return an answer as the fields of a report; one that is no object stands under `answer`."""
    return answer if isinstance(answer, dict) else {} if answer is None else {"answer": answer}


def _sender(endpoint: Endpoint) -> Sender:
    settings = endpoint.settings
    return Sender(
        endpoint.origin,
        {"accept": "application/json", "user-agent": "toban", **settings.headers, **endpoint.headers},
        connect_seconds=settings.connect_seconds,
        read_seconds=settings.read_seconds,
        most_bytes=MOST_ANSWER_BYTES,
        any_body=True,
        secrets=endpoint.headers.values(),
        unreachable=EndpointUnreachable,
    )

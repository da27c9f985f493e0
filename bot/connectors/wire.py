"""HTTP as the connectors use it: a call, a reply, and a sender with time-outs and careful repetition.

A call is repeated only where that is safe: when nothing reached the other side, or when the call is a GET or
carries an idempotency key. An answer that comes in drips is given up (`bot.bounded_http`). Secrets travel in
headers that are never logged.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError, ReadTimeoutError
from urllib3.util import Retry

from bot.bounded_http import BoundedAdapter, bounded_request, bounded_session
from bot.errors import FunctionsUnreachable, Unreachable

MAX_REPLY_BYTES = 32 * 1024 * 1024
PIECE_BYTES = 64 * 1024
SHORTEST_SECRET = 8
"""A shorter one may stand in an answer by chance."""


@dataclass(frozen=True)
class HttpCall:
    """One request: `path` is relative to the connector's address; `repeatable` says that twice is as once
    (None: so for a GET).

    `body` is sent as JSON, or `form` as a form; give at most one of them.
    """

    method: str
    path: str
    body: Any = None
    form: Mapping[str, str] | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool | None = None


@dataclass(frozen=True)
class HttpReply:
    """One answer, whole; `body` is the decoded JSON, or None where there is none.

    A sender that takes any body gives text that is not JSON as a string.
    """

    status: int
    headers: Mapping[str, str]
    body: Any


class Sender:
    """Sends calls to one address with one set of headers, over kept connections.

    Answers of *any_body* need not be JSON, and none may be longer than *most_bytes*. *unreachable* is what is
    raised when no sensible answer came; its `sent` is False where certainly nothing reached the other side.
    An answer that says one of *secrets* back, as error pages do, is read without it.
    """

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        *,
        connect_seconds: float,
        read_seconds: float,
        most_bytes: int = MAX_REPLY_BYTES,
        any_body: bool = False,
        secrets: Iterable[str] = (),
        unreachable: type[Unreachable] = FunctionsUnreachable,
    ) -> None:
        self._base = base_url.rstrip("/")
        self._most_bytes = most_bytes
        self._any_body = any_body
        self._secrets = _forms(secrets)
        self._unreachable = unreachable
        self._timeout = (connect_seconds, read_seconds)
        self._once = _session(headers, 0)
        self._repeating = _session(headers, 2)

    def send(self, call: HttpCall) -> HttpReply:
        """Send *call*; raise the sender's kind of Unreachable when no sensible answer came in time."""
        repeatable = call.method == "GET" if call.repeatable is None else call.repeatable
        session = self._repeating if repeatable else self._once
        try:
            with session.request(
                call.method,
                f"{self._base}{call.path}",
                params=dict(call.query) or None,
                data=_data(call),
                headers={"content-type": "application/json", **call.headers}
                if call.body is not None
                else call.headers,
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                return HttpReply(response.status_code, response.headers, self._decode(response))
        except requests.ConnectTimeout as error:
            raise self._unreachable("no answer in time", sent=False) from error
        except requests.Timeout as error:
            raise self._unreachable("no answer in time") from error
        except requests.RequestException as error:
            raise self._unreachable(_reason(error), sent=not _never_connected(error)) from error

    def _decode(self, response: requests.Response) -> Any:
        if response.is_redirect:
            return None  # what a redirect says beside its address is for browsers
        raw = bytearray()
        for piece in response.iter_content(PIECE_BYTES):
            raw += piece
            if len(raw) > self._most_bytes:
                raise self._unreachable(f"the answer is larger than {_size(self._most_bytes)}")
        if not raw:
            return None
        for secret in self._secrets:
            raw = raw.replace(secret, b"[secret]")
        try:
            return json.loads(raw)
        except (ValueError, RecursionError):
            if self._any_body:
                return raw.decode("utf-8", "replace")
            reason = f"status {response.status_code} with a body that is not JSON"
            raise self._unreachable(reason) from None


def _forms(secrets: Iterable[str]) -> tuple[bytes, ...]:
    """Return what to look for of *secrets*, the longest first; also without the word `Bearer` before it."""
    forms = {form for secret in secrets for form in (secret, secret.rpartition(" ")[2])}
    long = (form.encode() for form in forms if len(form) >= SHORTEST_SECRET)
    return tuple(sorted(long, key=len, reverse=True))


def _data(call: HttpCall) -> bytes | dict[str, str] | None:
    if call.form is not None:
        return dict(call.form)
    return None if call.body is None else json.dumps(call.body, allow_nan=False).encode()


@contextmanager
def streamed(
    url: str, unreachable: type[Unreachable], connect_seconds: float, read_seconds: float
) -> Iterator[Iterator[bytes]]:
    """Open a file at *url* and give its bytes piece by piece.

    No header of ours, so no secret, goes along, and no redirect leads elsewhere.
    """
    waits = (connect_seconds, read_seconds)
    try:
        with bounded_request("GET", url, timeout=waits, stream=True) as response:
            if response.status_code != requests.codes.ok:
                raise unreachable(f"a file with status {response.status_code}")
            yield response.iter_content(PIECE_BYTES)
    except requests.Timeout as error:
        raise unreachable("no answer in time") from error
    except requests.RequestException as error:
        raise unreachable(_reason(error)) from error


def _session(headers: Mapping[str, str], repeats: int) -> requests.Session:
    retry = Retry(
        total=repeats + 1,
        connect=repeats + 1,
        read=repeats,
        status=repeats,
        other=0,
        redirect=0,
        backoff_factor=0.2,
        backoff_jitter=0.2,
        status_forcelist=(502, 503, 504) if repeats else (),
        allowed_methods=None,
        raise_on_status=False,
        respect_retry_after_header=False,
    )
    if not repeats:
        # Connecting may be tried again even for a call that must not be sent twice: nothing was sent.
        retry = Retry(total=1, connect=1, read=0, status=0, other=0, redirect=0, backoff_factor=0.2)
    session = bounded_session(BoundedAdapter(max_retries=retry, pool_connections=4, pool_maxsize=32))
    session.headers.update(headers)
    return session


def _reason(error: requests.RequestException) -> str:
    # The exception's own text may hold the address with its query; the kind is enough to act on.
    if isinstance(_cause(error), ReadTimeoutError):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError):
        return "the connection was refused or cut"
    return f"the request failed ({type(error).__name__})"


def _never_connected(error: requests.RequestException) -> bool:
    """Return whether no connection was made, so that nothing of the request can have been read."""
    return isinstance(_cause(error), NewConnectionError)


def _cause(error: requests.RequestException) -> Exception | None:
    """Return what made the last attempt fail, where a call was tried more than once."""
    cause = error.args[0] if error.args else None
    return cause.reason if isinstance(cause, MaxRetryError) else None


def _size(count: int) -> str:
    return f"{count >> 20} MiB" if count >= 1 << 20 else f"{count >> 10} KiB"

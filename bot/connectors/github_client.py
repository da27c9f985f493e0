"""Requests to GitHub: signed, conditional, within its limits, and followed where a repository has moved.

What was read from an unchanged answer is kept, so that asking again costs nothing of the hourly limit
(https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api). Once GitHub
asks to be left alone, nothing is sent until then.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlencode, urljoin

from requests.utils import parse_header_links

from bot.connectors.github_auth import make_auth
from bot.connectors.github_pace import Allowance, read_allowance, read_seconds
from bot.connectors.wire import HttpCall, HttpReply, Sender, streamed
from bot.errors import GitHubUnreachable, RateLimited, Refused
from bot.settings import GitHubSettings
from ml.contract import Problem

T = TypeVar("T")

API_VERSION = "2022-11-28"
PAGE = 100
"""The most entries that GitHub puts on a page of a list."""
MOST_PAGES = 5
"""Of a list that is read whole, so many pages at most."""
KEPT_ANSWERS = 3000
MOST_REDIRECTS = 3
SECONDARY_SECONDS = 60.0
"""How long to wait where GitHub limits without saying for how long, as its documentation advises."""
LIMITED = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS})
LONGEST_REST = timedelta(hours=2)
"""GitHub counts by the hour; nothing that it says keeps the bot from asking again for longer than this."""
MOVED = frozenset({301, 302, 307, 308})
OF_A_REPOSITORY = re.compile("/repos(itories)?/")
"""How the paths begin to which a renamed repository's requests are sent on."""
_LIMITING = re.compile("rate limit|abuse detection", re.IGNORECASE)
"""How GitHub says that it limits; older Enterprise Servers use the second words."""


class GitHubClient:
    """Sends requests to one GitHub as one identity. Thread-safe.

    `sent` counts the requests, `unchanged` those that GitHub does not count; `allowance` is what its last
    answer said of the hourly limit.
    """

    def __init__(self, settings: GitHubSettings, now: Callable[[], datetime] | None = None) -> None:
        self._settings = settings
        self._sender = Sender(
            settings.api_url,
            {
                "accept": "application/vnd.github+json",
                "user-agent": "toban",
                "x-github-api-version": API_VERSION,
            },
            connect_seconds=settings.connect_seconds,
            read_seconds=settings.read_seconds,
            unreachable=GitHubUnreachable,
        )
        self.now = now or (lambda: datetime.now(UTC))
        self._auth = make_auth(settings, self._sender, self.now)
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[str, Any, str | None]] = OrderedDict()
        self._quiet_until: datetime | None = None
        self.sent = 0
        self.unchanged = 0
        self.allowance: Allowance | None = None

    def get(self, path: str, read: Callable[[Any], T], query: Mapping[str, str] | None = None) -> T:
        """Return what *read* makes of the body at *path*; of an unchanged one, what it made before.

        Raises Refused, RateLimited or GitHubUnreachable.
        """
        return self._read(_address(path, query), read)[0]

    def get_all(
        self,
        path: str,
        read: Callable[[Any], Sequence[T]],
        query: Mapping[str, str] | None = None,
        most_pages: int = MOST_PAGES,
    ) -> tuple[T, ...]:
        """Return what *read* makes of all pages of the list at *path*, up to *most_pages* of them.

        Raises as `get` does. Source:
        https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api
        """
        found: list[T] = []
        address: str | None = _address(path, {"per_page": str(PAGE), **(query or {})})
        for _ in range(most_pages):
            if address is None:
                break
            made, address = self._read(address, read)
            found += made
        return tuple(found)

    def _read(self, address: str, read: Callable[[Any], T]) -> tuple[T, str | None]:
        """Return what *read* makes of the body at *address*, and the address of the page that follows."""
        kept_as = f"{_name_of(read)} {address}"  # two readers of one address make different things of it
        known = self._known(kept_as)
        headers = {"if-none-match": known[0]} if known else {}
        reply = self._send(HttpCall("GET", address, headers=headers))
        if known is not None and reply.status == HTTPStatus.NOT_MODIFIED:
            self.unchanged += 1
            return known[1], known[2]
        if reply.status != HTTPStatus.OK:
            raise read_trouble(reply)
        made, following = _made(read, reply.body), self._following(reply)
        self._keep(kept_as, reply.headers.get("etag"), made, following)
        return made, following

    def _following(self, reply: HttpReply) -> str | None:
        links = parse_header_links(str(reply.headers.get("link") or ""))
        target = next((str(one["url"]) for one in links if one.get("rel") == "next"), "")
        api = self._settings.api_url
        return target.removeprefix(api) if target.startswith(f"{api}/") else None

    def post(self, path: str, body: Any = None) -> HttpReply:
        """Send *body* to *path*, never by itself a second time; return the answer if it says that it is done.

        Raises Refused, RateLimited or GitHubUnreachable.
        """
        return self._done(HttpCall("POST", path, body=body))

    def patch(self, path: str, body: Any) -> HttpReply:
        """Change what is at *path*; return the answer if it says that it is done. Raises as `post` does."""
        return self._done(HttpCall("PATCH", path, body=body))

    @contextmanager
    def file(self, path: str) -> Iterator[Iterator[bytes]]:
        """Open the file that GitHub keeps elsewhere for *path*; it says where by a redirect.

        Where the repository has another name by now, it is asked for under that one first.
        """
        reply = self._send(HttpCall("GET", path), of_a_file=True)
        if reply.status not in MOVED or not reply.headers.get("location"):
            raise read_trouble(reply)
        address = self._target(path, reply)
        if self._settings.api_url.startswith("https:") and not address.startswith("https:"):
            raise GitHubUnreachable("a file at an address without https")
        waits = (self._settings.connect_seconds, self._settings.read_seconds)
        with streamed(address, GitHubUnreachable, *waits) as pieces:
            yield pieces

    def _done(self, call: HttpCall) -> HttpReply:
        reply = self._send(call)
        if not HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
            raise read_trouble(reply)
        return reply

    def _send(self, call: HttpCall, *, of_a_file: bool = False) -> HttpReply:
        for _ in range(MOST_REDIRECTS):
            reply = self._sent_as_somebody(call)
            path = self._moved_to(call.path, reply, of_a_file)
            if path is None:
                return reply
            call = HttpCall(call.method, path, body=call.body, headers=call.headers)
        raise GitHubUnreachable("one redirect after another")

    def _sent_as_somebody(self, call: HttpCall) -> HttpReply:
        reply = self._sent_once(call)
        if reply.status == HTTPStatus.UNAUTHORIZED and self._auth.renew():
            reply = self._sent_once(call)
        until = read_limit(reply, self.now())
        if until is not None:
            with self._lock:
                self._quiet_until = until
            raise RateLimited(until)
        return reply

    def _sent_once(self, call: HttpCall) -> HttpReply:
        with self._lock:
            if self._quiet_until is not None and self.now() < self._quiet_until:
                raise RateLimited(self._quiet_until)
            self.sent += 1
        headers = {**call.headers, "authorization": f"Bearer {self._auth.token()}"}
        reply = self._sender.send(HttpCall(call.method, call.path, body=call.body, headers=headers))
        self.allowance = read_allowance(reply) or self.allowance
        return reply

    def _moved_to(self, asked: str, reply: HttpReply, of_a_file: bool) -> str | None:
        """Return the path on this GitHub to which a renamed repository's request is to go, or None.

        None also where it is *of_a_file* and leads to where that is kept.
        Source: https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
        """
        if reply.status not in MOVED:
            return None
        target, api = self._target(asked, reply), self._settings.api_url
        path = target.removeprefix(api) if target.startswith(f"{api}/") else None
        if of_a_file and (path is None or not OF_A_REPOSITORY.match(path)):
            return None
        if path is None:
            raise GitHubUnreachable("a redirect to another address")  # the token must not go there
        return path

    def _target(self, asked: str, reply: HttpReply) -> str:
        """Return the whole address that a redirect names; it may name it by its path alone."""
        return urljoin(f"{self._settings.api_url}{asked}", str(reply.headers.get("location") or ""))

    def _known(self, kept_as: str) -> tuple[str, Any, str | None] | None:
        with self._lock:
            return self._kept.get(kept_as)

    def _keep(self, kept_as: str, etag: str | None, made: Any, following: str | None) -> None:
        with self._lock:
            self._kept.pop(kept_as, None)
            if etag:
                self._kept[kept_as] = (etag, made, following)
            while len(self._kept) > KEPT_ANSWERS:
                self._kept.popitem(last=False)


def read_limit(reply: HttpReply, now: datetime) -> datetime | None:
    """Return until when GitHub wants to be left alone, or None.

    Source: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
    """
    if reply.status not in LIMITED:
        return None
    # A clock of ours that runs ahead must not make us ask again at once, nor one that lags wait for days.
    soonest, latest = now + timedelta(seconds=1), now + LONGEST_REST
    if (after := read_seconds(reply, "retry-after")) is not None:
        return min(max(now + timedelta(seconds=after), soonest), latest)
    reset = read_seconds(reply, "x-ratelimit-reset")
    if reply.headers.get("x-ratelimit-remaining") == "0" and reset is not None:
        return min(max(datetime.fromtimestamp(reset, UTC), soonest), latest)
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS or _LIMITING.search(message_of(reply)):
        return now + timedelta(seconds=SECONDARY_SECONDS)
    return None


def read_trouble(reply: HttpReply) -> Exception:
    """Return what to raise for an answer that is not the one hoped for."""
    said = message_of(reply)
    if reply.status == HTTPStatus.UNAUTHORIZED:
        return refusal("github_rejected_token", "The token is wrong, expired or revoked.", reply.status)
    if reply.status == HTTPStatus.FORBIDDEN:
        return refusal("github_forbidden", said, reply.status)
    if reply.status == HTTPStatus.NOT_FOUND:
        return refusal("github_not_found", "GitHub has no such thing, or does not show it to the bot.", 404)
    if HTTPStatus.BAD_REQUEST <= reply.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return refusal("github_refused", said, reply.status)
    return GitHubUnreachable(f"status {reply.status}")


def refusal(reason_code: str, detail: str, status: int = 422, suggestions: tuple[str, ...] = ()) -> Refused:
    """Return a refusal to raise; *status* is GitHub's own where it said no."""
    return Refused(
        Problem(
            title=reason_code.replace("_", " "),
            status=status,
            detail=detail,
            reason_code=reason_code,
            suggestions=suggestions,
        )
    )


def message_of(reply: HttpReply) -> str:
    """Return GitHub's own sentence, on one line."""
    said = reply.body.get("message") if isinstance(reply.body, dict) else None
    return re.sub(r"\s+", " ", str(said or f"status {reply.status}"))[:500]


def _address(path: str, query: Mapping[str, str] | None) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _name_of(read: Callable[[Any], Any]) -> str:
    """Return the name of a reader, which is the same at each call; of a partial one that of its function."""
    function: Any = read.func if isinstance(read, partial) else read
    return f"{function.__module__}.{function.__qualname__}"


def _made(read: Callable[[Any], T], body: Any) -> T:
    try:
        return read(body)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise GitHubUnreachable(f"an answer of another form ({type(error).__name__})") from None

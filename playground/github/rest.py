"""The REST door: who calls, how often, which repository, may they, and only then the endpoint.

https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api
"""

import asyncio
import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from playground.github.access import Identity, prove_permission
from playground.github.answer import Answer
from playground.github.errors import ApiError, invalid, not_found
from playground.github.events import Events
from playground.github.faults import Fault
from playground.github.limits import Window
from playground.github.loopback import Loopback
from playground.github.repositories import Repository
from playground.github.runner import Runner
from playground.serving import Cut

Json = dict[str, Any]
Asked = TypeVar("Asked", bound=BaseModel)
Item = TypeVar("Item")
OLD, NEW = "2022-11-28", "2026-03-10"
VERSIONS = (OLD, NEW)
VERSION_HEADER = "x-github-api-version"
PER_PAGE, PER_PAGE_MOST = 30, 100
# https://docs.github.com/en/rest/about-the-rest-api/breaking-changes: gone in 2026-03-10
GONE_IN_NEW = frozenset({"assignee", "has_downloads", "master_branch", "use_squash_pr_title_as_default"})


@dataclass(frozen=True)
class Server:
    """The parts that endpoints work with."""

    github: Loopback
    runner: Runner
    events: Events


@dataclass
class Call:
    """One request, decoded and allowed."""

    server: Server
    identity: Identity
    version: str
    path: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    raw: bytes
    accept: str
    found: Repository | None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def github(self) -> Loopback:
        """Return the GitHub that is asked."""
        return self.server.github

    @property
    def repository(self) -> Repository:
        """Return the repository that the address names."""
        assert self.found is not None
        return self.found

    def number(self, name: str) -> int:
        """Return a number of the address; what is no number is not there."""
        text = self.params[name]
        if not text.isdigit():
            raise not_found()
        return int(text)

    def body(self) -> Json:
        """Return the JSON object that was sent; nothing counts as an empty one."""
        try:
            given = json.loads(self.raw or b"{}")
        except ValueError as error:
            raise ApiError(400, "Problems parsing JSON") from error
        if not isinstance(given, dict):
            raise invalid("Invalid request.\n\nBody should be a JSON object")
        return given

    def read(self, kind: type[Asked]) -> Asked:
        """Return the body as *kind*; raise 422 in GitHub's manner when it does not fit."""
        try:
            return kind.model_validate(self.body())
        except ValidationError as error:
            raise invalid(f"Invalid request.\n\n{_explained(error)}") from error

    def page(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return the page asked for, and promise a Link header to the others.

        https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api
        """
        size = min(max(_whole(self.query.get("per_page"), PER_PAGE), 1), PER_PAGE_MOST)
        page = max(_whole(self.query.get("page"), 1), 1)
        last = max(1, -(-len(items) // size))
        near = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
        if page == 1:
            del near["prev"], near["first"]
        if page >= last:
            del near["next"], near["last"]
        for rel, number in near.items():
            self.link(rel, number)
        return items[(page - 1) * size : page * size]

    def link(self, rel: str, page: int) -> None:
        """Add one address to the Link header."""
        address = f"{self.github.base_url}{self.path}?{urlencode({**self.query, 'page': str(page)})}"
        known = [self.headers["link"]] if "link" in self.headers else []
        self.headers["link"] = ", ".join([*known, f'<{address}>; rel="{rel}"'])


Handler = Callable[[Call], Answer | Any]


@dataclass(frozen=True)
class Endpoint:
    """One endpoint: what it needs and what it does."""

    verb: str
    path: str
    handler: Handler
    permission: str | None
    level: str
    resource: str
    who: str

    @property
    def name(self) -> str:
        """Return the name by which it is counted and made trouble for."""
        return f"{self.verb} {self.path}"


ENDPOINTS: list[Endpoint] = []


def endpoint(
    verb: str,
    path: str,
    permission: str | None = None,
    *,
    resource: str = "core",
    who: str = "anybody",
) -> Callable[[Handler], Handler]:
    """Register the function below; changing things needs the permission to write, anything else to read.

    *who* is “anybody” (with a token that may), “app” (with a JWT) or “installation”.
    """

    def register(handler: Handler) -> Handler:
        level = "read" if verb == "GET" else "write"
        ENDPOINTS.append(Endpoint(verb, path, handler, permission, level, resource, who))
        return handler

    return register


async def answer(server: Server, asked: Endpoint, request: Request) -> Response:
    """Return GitHub's answer to one request."""
    github = server.github
    raw = await request.body()
    fault = github.faults.take(asked.name, lambda: raw.decode("utf-8", "replace"))
    if fault is not None and not fault.after and (spoilt := await _trouble(github, fault)) is not None:
        github.limits.count(asked.name, spoilt.status_code, None)
        return spoilt
    window: Window | None = None
    try:
        identity = github.access.identify(request.headers.get("authorization"))
        if asked.resource != "none":
            window = github.limits.admit(identity, asked.resource, asked.verb)
        reply = _called(server, asked, request, identity, raw)
    except ApiError as refused:
        reply = _json(refused.body(), refused.status, refused.headers)
    if reply.status_code == 200 and request.headers.get("if-none-match") == reply.headers.get("etag", "-"):
        kept = {name: reply.headers[name] for name in ("etag", "link") if name in reply.headers}
        reply = Response(status_code=304, headers=kept)
    github.limits.count(asked.name, reply.status_code, window)
    for name, value in {**(window.headers() if window else {}), "x-github-media-type": "github.v3"}.items():
        reply.headers.setdefault(name, value)
    reply.headers["x-github-request-id"] = f"{id(request):X}"
    if fault is not None and fault.after and (spoilt := await _trouble(github, fault)) is not None:
        return spoilt
    return reply


def _called(server: Server, asked: Endpoint, request: Request, identity: Identity, raw: bytes) -> Response:
    version = request.headers.get(VERSION_HEADER, OLD)
    if version not in VERSIONS:
        raise ApiError(400, f"{version} is not a supported version.")
    _prove_who(asked, identity)
    repository, moved = _repository(server.github, request)
    if repository is not None:
        permission, level = asked.permission or "metadata", asked.level
        prove_permission(identity, permission, level, repository.full_name, repository.private)
    elif identity.kind == "anonymous" and asked.permission is not None:
        raise ApiError(401, "Requires authentication")
    if moved is not None:
        status = 301 if asked.verb == "GET" else 307
        told = {301: "Moved Permanently", 307: "Temporary Redirect"}[status]
        return _json({"message": told, "url": moved}, status, {"location": moved})
    call = Call(
        server,
        identity,
        version,
        request.url.path,
        request.path_params,
        request.query_params,
        raw,
        request.headers.get("accept", ""),
        repository,
    )
    given = asked.handler(call)
    reply = given if isinstance(given, Answer) else Answer(given)
    headers = {**call.headers, **reply.headers, "x-github-api-version-selected": version}
    if isinstance(reply.body, bytes):
        return Response(reply.body, reply.status, headers, reply.media_type)
    if reply.body is None:
        return Response(status_code=reply.status, headers=headers)
    said = _encoded(_for_version(reply.body, version))
    if asked.verb == "GET":
        # Like GitHub's, the tag is another one for another token or version.
        whose = json.dumps([version, identity.key, request.headers.get("authorization")])
        headers["etag"] = f'W/"{hashlib.sha256(said + whose.encode()).hexdigest()}"'
        headers["cache-control"] = "private, max-age=60, s-maxage=60"
        headers["vary"] = "Accept, Authorization, Cookie, X-GitHub-OTP"
    return _sent(said, reply.status, headers)


def _prove_who(asked: Endpoint, identity: Identity) -> None:
    if asked.who == "app" and identity.kind != "app":
        raise ApiError(401, "A JSON web token could not be decoded")
    if asked.who == "anybody" and identity.kind == "app":
        raise ApiError(401, "Bad credentials")
    if asked.who == "installation" and identity.kind != "installation":
        raise ApiError(
            403,
            "You must authenticate with an installation access token in order to list repositories "
            "for an installation.",
        )


def _repository(github: Loopback, request: Request) -> tuple[Repository | None, str | None]:
    """Return the repository that an address names, and its present address if the name is an old one."""
    params = request.path_params
    if "repository_id" in params:
        found = (
            github.repositories.get(int(params["repository_id"]))
            if params["repository_id"].isdigit()
            else None
        )
        if found is None:
            raise not_found()
        return found, None
    if "owner" not in params or "repo" not in params:
        return None, None
    name = f"{params['owner']}/{params['repo']}"
    present = github.find(name)
    if present is not None:
        return present, None
    former = github.find_former(name)
    if former is None:
        raise not_found()
    rest = request.url.path.partition(f"/repos/{name}")[2]
    query = f"?{request.url.query}" if request.url.query else ""
    return former, f"{github.base_url}/repositories/{former.id}{rest}{query}"


def _for_version(body: Any, version: str) -> Any:
    """Return a body without the fields that a version no longer has."""
    if version == OLD:
        return body
    if isinstance(body, dict):
        return {name: _for_version(value, version) for name, value in body.items() if name not in GONE_IN_NEW}
    if isinstance(body, list):
        return [_for_version(value, version) for value in body]
    return body


async def _trouble(github: Loopback, fault: Fault) -> Response | None:
    """Wait as the fault says and return the spoilt answer; None when it only makes things late."""
    if fault.hang_seconds:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(github.closing.wait(), fault.hang_seconds)
    if not fault.spoils():
        return None
    if fault.cut:
        return Cut()
    if fault.garbage:
        return Response("<html><body>Unicorn!</body></html>", fault.status or 502, media_type="text/html")
    headers = {"retry-after": str(fault.retry_after)} if fault.retry_after is not None else {}
    return JSONResponse(fault.body(), fault.status or 500, headers)


def _json(body: Any, status: int, headers: Mapping[str, str]) -> Response:
    return _sent(_encoded(body), status, headers)


def _encoded(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def _sent(raw: bytes, status: int, headers: Mapping[str, str]) -> Response:
    return Response(raw, status, dict(headers), "application/json; charset=utf-8")


def _whole(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isdigit() else default


def _explained(error: ValidationError) -> str:
    """Return GitHub's kind of sentence about the first thing that is wrong."""
    first = error.errors()[0]
    name = ".".join(map(str, first["loc"]))
    if first["type"] == "missing":
        return f'"{name}" wasn\'t supplied.'
    if first["type"] == "extra_forbidden":
        return f'"{name}" is not a permitted key.'
    return f"For '{name}', {first['msg']}."

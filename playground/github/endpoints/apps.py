"""Apps and their installation tokens; who am I; how much is left.

https://docs.github.com/en/rest/apps/apps, …/rest/rate-limit/rate-limit
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from playground.github.answer import Answer
from playground.github.bodies import iso
from playground.github.errors import ApiError, invalid, not_found
from playground.github.rest import OLD, VERSIONS, Call, endpoint
from playground.github.settings import App

Json = dict[str, Any]


class _NewToken(BaseModel):
    model_config = ConfigDict(extra="forbid")

    repositories: list[str] | None = None
    repository_ids: list[int] | None = None
    permissions: dict[str, Literal["read", "write"]] | None = None


def _app(call: Call) -> App:
    if call.github.settings.app is None:
        raise not_found()
    return call.github.settings.app


@endpoint("GET", "/app", who="app")
def get_app(call: Call) -> Json:
    """Return the app whose JWT this is."""
    app, bodies = _app(call), call.github.bodies
    return {
        **bodies.app(),
        "id": app.id,
        "slug": app.slug,
        "client_id": app.client_id,
        "node_id": f"A_{app.id}",
        "name": app.slug,
        "description": "",
        "html_url": f"{bodies.base}/apps/{app.slug}",
        "permissions": dict(app.permissions),
        "events": [
            "workflow_run",
            "workflow_job",
            "push",
            "deployment",
            "deployment_status",
            "deployment_review",
        ],
        "installations_count": 1,
    }


def _installation(call: Call) -> Json:
    app, bodies = _app(call), call.github.bodies
    owner = next((one.owner for one in call.github.repositories.values()), "nobody")
    return {
        "id": app.installation_id,
        "account": bodies.user(owner, "Organization"),
        "repository_selection": "all",
        "access_tokens_url": f"{bodies.base}/app/installations/{app.installation_id}/access_tokens",
        "repositories_url": f"{bodies.base}/installation/repositories",
        "html_url": f"{bodies.base}/organizations/{owner}/settings/installations/{app.installation_id}",
        "app_id": app.id,
        "client_id": app.client_id,
        "target_id": bodies.account_id(owner),
        "target_type": "Organization",
        "permissions": dict(app.permissions),
        "events": ["workflow_run", "workflow_job", "push"],
        "created_at": iso(0),
        "updated_at": iso(0),
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "app_slug": app.slug,
        "suspended_by": None,
        "suspended_at": None,
    }


@endpoint("GET", "/app/installations", who="app")
def list_installations(call: Call) -> list[Json]:
    """List the app's one installation."""
    return [_installation(call)]


@endpoint("GET", "/app/installations/{installation_id}", who="app")
def get_installation(call: Call) -> Json:
    """Return the app's installation."""
    if call.number("installation_id") != _app(call).installation_id:
        raise not_found()
    return _installation(call)


@endpoint("GET", "/repos/{owner}/{repo}/installation", who="app")
def get_repository_installation(call: Call) -> Json:
    """Return the installation through which the app sees a repository."""
    return _installation(call)


@endpoint("POST", "/app/installations/{installation_id}/access_tokens", who="app")
def create_token(call: Call) -> Answer:
    """Return a token of the installation, for an hour, for all or some repositories and permissions."""
    app, github = _app(call), call.github
    if call.number("installation_id") != app.installation_id:
        raise not_found()
    asked = call.read(_NewToken)
    wanted = dict(asked.permissions if asked.permissions is not None else app.permissions)
    beyond = [name for name, level in wanted.items() if _rank(level) > _rank(app.permissions.get(name, ""))]
    if beyond:
        raise invalid("The permissions requested are not granted to this installation.")
    chosen = _chosen(call, asked)
    seconds = github.settings.installation_token_seconds
    token, identity = github.access.issue(
        "ghs_",
        login=f"{app.slug}[bot]",
        repositories=chosen,
        permissions=wanted,
        seconds=seconds,
        kind="installation",
    )
    body: Json = {
        "token": token,
        "expires_at": iso(identity.expires_at or 0),
        "permissions": wanted,
        "repository_selection": "all" if chosen is None else "selected",
    }
    if chosen is not None:
        found = [github.find(name) for name in chosen]
        body["repositories"] = [github.bodies.repository(one) for one in found if one is not None]
    return Answer(body, 201)


def _rank(level: str) -> int:
    return ("", "read", "write").index(level)


def _chosen(call: Call, asked: _NewToken) -> tuple[str, ...] | None:
    if asked.repositories is None and asked.repository_ids is None:
        return None
    known = call.github.repositories.values()
    names, ids = asked.repositories or [], asked.repository_ids or []
    chosen = [one for one in known if one.name in names or one.id in ids]
    if len(chosen) < len(names) + len(ids):
        raise invalid(
            "There is at least one repository that does not exist or is not accessible to the parent "
            "installation."
        )
    return tuple(one.full_name for one in chosen)


@endpoint("GET", "/installation/repositories", who="installation")
def installation_repositories(call: Call) -> Json:
    """List the repositories of an installation token."""
    seen = [
        one for one in call.github.repositories.values() if call.identity.sees(one.full_name, one.private)
    ]
    shown = [call.github.bodies.repository(one) for one in call.page(seen)]
    return {"total_count": len(seen), "repository_selection": "all", "repositories": shown}


@endpoint("GET", "/user")
def get_user(call: Call) -> Json:
    """Return whose token this is."""
    if call.identity.kind == "anonymous":
        raise ApiError(401, "Requires authentication")
    if call.identity.kind != "user":
        raise ApiError(403, "Resource not accessible by integration")
    empty = ("name", "company", "location", "email", "hireable", "bio", "twitter_username")
    counts = ("public_repos", "public_gists", "followers", "following")
    return {
        **call.github.bodies.user(call.identity.login),
        **dict.fromkeys(empty),
        **dict.fromkeys(counts, 0),
        "blog": "",
        "created_at": iso(0),
        "updated_at": iso(0),
    }


@endpoint("GET", "/rate_limit", resource="none")
def rate_limit(call: Call) -> Json:
    """Return what is left of each limit; asking costs nothing."""
    windows = {name: call.github.limits.window(call.identity, name).shown() for name in ("core", "search")}
    return {"resources": windows, **({"rate": windows["core"]} if call.version == OLD else {})}


@endpoint("GET", "/versions")
def versions(_: Call) -> list[str]:
    """List the versions of the API."""
    return list(VERSIONS)


@endpoint("GET", "/")
def root(call: Call) -> Json:
    """Return a few addresses."""
    base = call.github.base_url
    return {"current_user_url": f"{base}/user", "repository_url": f"{base}/repos/{{owner}}/{{repo}}"}

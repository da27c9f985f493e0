"""Repositories and their contents.

https://docs.github.com/en/rest/repos/repos, …/repos/contents
"""

import base64
from typing import Any

from playground.github.answer import Answer
from playground.github.errors import not_found
from playground.github.git import Entry
from playground.github.rest import NEW, Call, endpoint

Json = dict[str, Any]
REPO = "/repos/{owner}/{repo}"
KINDS = {"tree": "dir", "commit": "submodule", "blob": "file"}


@endpoint("GET", REPO)
def get_repository(call: Call) -> Json:
    """Return the repository, and what the caller may do with it."""
    writes = call.identity.may("contents", "write") and call.identity.kind != "anonymous"
    permissions = {"admin": False, "maintain": False, "push": writes, "triage": writes, "pull": True}
    return call.github.bodies.full_repository(call.repository, permissions)


@endpoint("GET", "/user/repos")
def list_own_repositories(call: Call) -> list[Json]:
    """List the repositories that the caller sees."""
    seen = [
        one for one in call.github.repositories.values() if call.identity.sees(one.full_name, one.private)
    ]
    return [call.github.bodies.repository(one) for one in call.page(seen)]


@endpoint("GET", REPO + "/contents", "contents")
@endpoint("GET", REPO + "/contents/{path:path}", "contents")
def get_contents(call: Call) -> Answer | Json | list[Json]:
    """Return a file (base64, or raw if asked for) or list a folder, at any ref."""
    git, path = call.repository.git, call.params.get("path", "").strip("/")
    ref = call.query.get("ref") or git.default_branch
    found = git.resolve(ref)
    if found is None:
        raise not_found() if "ref" not in call.query else _no_commit(ref)
    entry = git.entry(found[1], path)
    if entry is None:
        raise not_found()
    if entry.kind == "tree":
        inside = git.folder_at(found[1], path)
        return [_item(call, one, ref) for one in inside]
    if entry.kind == "commit":
        return {**_item(call, entry, ref), "type": "submodule", "submodule_git_url": None}
    content = git.blob(entry.sha)
    if "raw" in call.accept:
        return Answer(content, media_type="application/vnd.github.raw+json; charset=utf-8")
    encoded = base64.encodebytes(content).decode()
    return {**_item(call, entry, ref), "content": encoded, "encoding": "base64"}


def _no_commit(ref: str) -> Exception:
    refused = not_found()
    refused.message = f"No commit found for the ref {ref}"
    return refused


def _item(call: Call, entry: Entry, ref: str) -> Json:
    bodies, repository = call.github.bodies, call.repository
    kind = KINDS[entry.kind]
    url = bodies.api(repository, f"/contents/{entry.path}?ref={ref}")
    tree = "tree" if kind == "dir" else "blob"
    git_url = bodies.api(repository, f"/git/{tree}s/{entry.sha}")
    html = bodies.html(repository, f"/{tree}/{ref}/{entry.path}")
    if kind == "submodule" and call.version != NEW:
        kind = "file"  # the older version calls submodules in a listing files
    return {
        "name": entry.path.rpartition("/")[2],
        "path": entry.path,
        "sha": entry.sha,
        "size": entry.size,
        "type": kind,
        "url": url,
        "html_url": html,
        "git_url": git_url,
        "download_url": None if tree == "tree" else bodies.html(repository, f"/raw/{ref}/{entry.path}"),
        "_links": {"self": url, "git": git_url, "html": html},
    }

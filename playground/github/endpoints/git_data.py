"""Refs, branches, tags and commits.

https://docs.github.com/en/rest/git/refs, …/branches/branches, …/commits/commits
"""

from typing import Any

from playground.github.errors import invalid, not_found
from playground.github.git import Commit
from playground.github.rest import Call, endpoint

Json = dict[str, Any]
REPO = "/repos/{owner}/{repo}"


def find_commit(call: Call, name: str) -> Commit:
    """Return the commit that a branch, tag, ref or hash leads to; 422 when it leads nowhere."""
    found = call.repository.git.resolve(name) or call.repository.git.resolve(f"refs/{name}")
    if found is None:
        raise invalid(f"No commit found for SHA: {name}")
    return call.repository.git.commit(found[1])


@endpoint("GET", REPO + "/branches", "contents")
def list_branches(call: Call) -> list[Json]:
    """List branches by name."""
    refs = list(call.repository.git.refs("refs/heads/").items())
    return [_branch(call, name, commit) for name, (_, _, commit) in call.page(refs)]


@endpoint("GET", REPO + "/branches/{branch:path}", "contents")
def get_branch(call: Call) -> Json:
    """Return one branch with its newest commit."""
    name = call.params["branch"]
    sha = call.repository.git.commit_of(f"refs/heads/{name}")
    if sha is None:
        raise not_found()
    bodies, git = call.github.bodies, call.repository.git
    api, html = (
        bodies.api(call.repository, f"/branches/{name}"),
        bodies.html(call.repository, f"/tree/{name}"),
    )
    checks: Json = {"enforcement_level": "off", "contexts": [], "checks": []}
    return {
        "name": name,
        "commit": bodies.commit(call.repository, git.commit(sha)),
        "_links": {"self": api, "html": html},
        "protected": False,
        "protection": {"enabled": False, "required_status_checks": checks},
        "protection_url": f"{api}/protection",
    }


def _branch(call: Call, ref: str, sha: str) -> Json:
    url = call.github.bodies.api(call.repository, f"/commits/{sha}")
    return {"name": ref.removeprefix("refs/heads/"), "commit": {"sha": sha, "url": url}, "protected": False}


@endpoint("GET", REPO + "/tags", "contents")
def list_tags(call: Call) -> list[Json]:
    """List tags, the last in the alphabet first."""
    refs = list(reversed(call.repository.git.refs("refs/tags/").items()))
    bodies, shown = call.github.bodies, []
    for ref, (_, _, sha) in call.page(refs):
        shown.append(
            {
                "name": ref.removeprefix("refs/tags/"),
                "commit": {"sha": sha, "url": bodies.api(call.repository, f"/commits/{sha}")},
                "zipball_url": bodies.api(call.repository, f"/zipball/{ref}"),
                "tarball_url": bodies.api(call.repository, f"/tarball/{ref}"),
                "node_id": f"REF_{ref}",
            }
        )
    return shown


@endpoint("GET", REPO + "/git/ref/{ref:path}", "contents")
def get_ref(call: Call) -> Json:
    """Return one ref, named without “refs/”."""
    name = f"refs/{call.params['ref']}"
    found = call.repository.git.refs(name).get(name)
    if found is None:
        raise not_found()
    return _ref(call, name, found[0], found[1])


@endpoint("GET", REPO + "/git/matching-refs/{ref:path}", "contents")
def matching_refs(call: Call) -> list[Json]:
    """List the refs whose name begins so; for completion."""
    wanted = f"refs/{call.params['ref']}"
    refs = {
        name: found for name, found in call.repository.git.refs("refs").items() if name.startswith(wanted)
    }
    return [_ref(call, name, sha, kind) for name, (sha, kind, _) in call.page(list(refs.items()))]


def _ref(call: Call, name: str, sha: str, kind: str) -> Json:
    bodies = call.github.bodies
    where = {"commit": "commits", "tag": "tags"}.get(kind, f"{kind}s")
    return {
        "ref": name,
        "node_id": f"REF_{name}",
        "url": bodies.api(call.repository, f"/git/{name}"),
        "object": {"sha": sha, "type": kind, "url": bodies.api(call.repository, f"/git/{where}/{sha}")},
    }


@endpoint("GET", REPO + "/commits", "contents")
def list_commits(call: Call) -> list[Json]:
    """List commits from a branch or hash (sha=) backwards, of one path if asked."""
    git, query = call.repository.git, call.query
    start = git.resolve(query.get("sha") or git.default_branch)
    if start is None:
        raise not_found()
    size = min(int(query.get("per_page", "30")), 100)
    page = max(int(query.get("page", "1")), 1)
    found = git.log(start[1], query.get("path"), (page - 1) * size, size + 1)
    if len(found) > size:
        call.link("next", page + 1)
    if page > 1:
        call.link("prev", page - 1)
    return [call.github.bodies.commit(call.repository, commit) for commit in found[:size]]


@endpoint("GET", REPO + "/commits/{ref:path}", "contents")
def get_commit(call: Call) -> Json:
    """Return one commit with the files that it changes."""
    commit, git = find_commit(call, call.params["ref"]), call.repository.git
    changed = (
        git.changed(commit.parents[0], commit.sha) if commit.parents else git.changed("0" * 40, commit.sha)
    )
    kinds = {"A": "added", "D": "removed", "M": "modified"}
    files = [_file(call, commit.sha, path, kinds.get(how, "changed")) for path, how in changed.items()]
    counts = {"additions": 0, "deletions": 0, "total": 0}
    return {**call.github.bodies.commit(call.repository, commit), "stats": counts, "files": files}


@endpoint("GET", REPO + "/compare/{basehead:path}", "contents")
def compare(call: Call) -> Json:
    """Say what lies between two commits: base...head."""
    base_name, _, head_name = call.params["basehead"].partition("...")
    git, bodies = call.repository.git, call.github.bodies
    ends = [git.resolve(base_name), git.resolve(head_name)]
    if ends[0] is None or ends[1] is None:
        raise not_found()
    base, head = ends[0][1], ends[1][1]
    ahead, behind = git.between(base, head), git.between(head, base)
    common = git.merge_base(base, head)
    status = "diverged" if ahead and behind else "ahead" if ahead else "behind" if behind else "identical"
    url = bodies.api(call.repository, f"/compare/{base_name}...{head_name}")
    html = bodies.html(call.repository, f"/compare/{base_name}...{head_name}")
    kinds = {"A": "added", "D": "removed", "M": "modified"}
    changed = git.changed(common, head)
    return {
        "url": url,
        "html_url": html,
        "permalink_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "base_commit": bodies.commit(call.repository, git.commit(base)),
        "merge_base_commit": bodies.commit(call.repository, git.commit(common)),
        "status": status,
        "ahead_by": len(ahead),
        "behind_by": len(behind),
        "total_commits": len(ahead),
        "commits": [bodies.commit(call.repository, commit) for commit in call.page(ahead)],
        "files": [_file(call, head, path, kinds.get(how, "changed")) for path, how in changed.items()],
    }


def _file(call: Call, sha: str, path: str, status: str) -> Json:
    bodies, entry = call.github.bodies, call.repository.git.entry(sha, path)
    return {
        "sha": entry.sha if entry else None,
        "filename": path,
        "status": status,
        "additions": 0,
        "deletions": 0,
        "changes": 0,
        "blob_url": bodies.html(call.repository, f"/blob/{sha}/{path}"),
        "raw_url": bodies.html(call.repository, f"/raw/{sha}/{path}"),
        "contents_url": bodies.api(call.repository, f"/contents/{path}?ref={sha}"),
    }

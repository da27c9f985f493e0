"""Issues, their comments, and the search for them.

https://docs.github.com/en/rest/issues/issues, …/rest/search/search
"""

import re
from typing import Any, Literal

from pydantic import BaseModel, field_validator

from playground.github.answer import Answer
from playground.github.bodies import iso
from playground.github.errors import invalid, not_found
from playground.github.issues import Comment, Issue
from playground.github.repositories import Repository
from playground.github.rest import Call, endpoint

Json = dict[str, Any]
REPO = "/repos/{owner}/{repo}"
ONE = REPO + "/issues/{issue_number}"
TERM = re.compile(r'(?P<minus>-?)(?:(?P<key>[a-z]+):)?(?:"(?P<quoted>[^"]*)"|(?P<word>\S+))')
SEARCHED_MOST = 1_000


class _New(BaseModel):
    title: str
    body: str | None = None
    labels: list[str] = []
    assignees: list[str] = []

    @field_validator("title", mode="before")
    @classmethod
    def _number(cls, given: Any) -> Any:
        return str(given) if isinstance(given, int) else given

    @field_validator("labels", mode="before")
    @classmethod
    def _names(cls, given: Any) -> Any:
        return (
            [one["name"] if isinstance(one, dict) else one for one in given]
            if isinstance(given, list)
            else given
        )


class _Change(BaseModel):
    title: str | None = None
    body: str | None = None
    state: Literal["open", "closed"] | None = None
    state_reason: Literal["completed", "not_planned", "duplicate", "reopened"] | None = None
    labels: list[str] | None = None
    assignees: list[str] | None = None


class _NewComment(BaseModel):
    body: str


@endpoint("GET", REPO + "/issues", "issues")
def list_issues(call: Call) -> list[Json]:
    """List issues, newest first: state=, labels=, creator=, since=, sort=, direction=."""
    query, found = call.query, list(_all(call))
    state = query.get("state", "open")
    labels = [name for name in query.get("labels", "").split(",") if name]
    found = [
        one
        for one in found
        if state in ("all", one.state)
        and set(labels) <= set(one.labels)
        and query.get("creator") in (None, one.login)
        and iso(one.updated_at) >= query.get("since", "")
    ]
    by = "updated_at" if query.get("sort") == "updated" else "created_at"
    found.sort(
        key=lambda one: (getattr(one, by), one.number), reverse=query.get("direction", "desc") == "desc"
    )
    return [_shown(call, call.repository, one) for one in call.page(found)]


@endpoint("POST", REPO + "/issues", "issues")
def create(call: Call) -> Answer:
    """Create an issue."""
    asked, github = call.read(_New), call.github
    if not asked.title.strip():
        wrong = [{"resource": "Issue", "field": "title", "code": "missing_field"}]
        raise invalid("Validation Failed", errors=wrong)
    issues, now = github.issues.setdefault(_key(call.repository), []), github.now()
    made = Issue(
        github.new_id("issue"),
        len(issues) + 1,
        asked.title,
        asked.body,
        call.identity.login,
        now,
        now,
        asked.labels,
        asked.assignees,
    )
    issues.append(made)
    github.feed.publish("issue", repository=call.repository.full_name, number=made.number, title=made.title)
    shown = _shown(call, call.repository, made)
    return Answer(shown, 201, {"location": shown["url"]})


@endpoint("GET", ONE, "issues")
def get(call: Call) -> Json:
    """Return one issue."""
    return _shown(call, call.repository, _find(call))


@endpoint("PATCH", ONE, "issues")
def change(call: Call) -> Json:
    """Change an issue; what is not named stays."""
    issue, asked = _find(call), call.read(_Change)
    for name, value in asked.model_dump(exclude_unset=True).items():
        setattr(issue, name, value)
    if asked.state == "closed" and issue.closed_at is None:
        issue.closed_at, issue.closed_by = call.github.now(), call.identity.login
        issue.state_reason = asked.state_reason or "completed"
    if asked.state == "open" and issue.closed_at is not None:
        issue.closed_at, issue.closed_by, issue.state_reason = None, None, "reopened"
    issue.updated_at = call.github.now()
    return _shown(call, call.repository, issue)


@endpoint("GET", ONE + "/comments", "issues")
def list_comments(call: Call) -> list[Json]:
    """List an issue's comments, oldest first."""
    issue = _find(call)
    return [_comment(call, issue, comment) for comment in call.page(issue.comments)]


@endpoint("POST", ONE + "/comments", "issues")
def create_comment(call: Call) -> Answer:
    """Add a comment."""
    issue, asked, github = _find(call), call.read(_NewComment), call.github
    comment = Comment(github.new_id("comment"), call.identity.login, asked.body, github.now())
    issue.comments.append(comment)
    issue.updated_at = comment.created_at
    return Answer(_comment(call, issue, comment), 201)


@endpoint("GET", "/search/issues", resource="search")
def search(call: Call) -> Json:
    """Search issues by words in title and body, and by repo:, is:, state:, label:, author:, in:.

    https://docs.github.com/en/search-github/searching-on-github/searching-issues-and-pull-requests
    """
    query = call.query.get("q", "")
    if not query.strip():
        wrong = [{"resource": "Search", "field": "q", "code": "missing"}]
        raise invalid("Validation Failed", errors=wrong)
    terms = [found.groupdict() for found in TERM.finditer(query)]
    seen = [
        (repository, issue)
        for repository in call.github.repositories.values()
        if call.identity.sees(repository.full_name, repository.private)
        and call.identity.may("issues", "read")
        for issue in call.github.issues.get(_key(repository), [])
        if all(_fits(repository, issue, term, terms) for term in terms)
    ]
    seen.sort(key=lambda pair: pair[1].created_at, reverse=True)
    items = [
        {**_shown(call, repository, issue), "score": 1.0}
        for repository, issue in call.page(seen[:SEARCHED_MOST])
    ]
    return {"total_count": len(seen), "incomplete_results": False, "search_type": "lexical", "items": items}


def _fits(repository: Repository, issue: Issue, term: Json, terms: list[Json]) -> bool:
    value = str(term["quoted"] if term["quoted"] is not None else term["word"]).lower()
    match term["key"]:
        case "repo":
            held = repository.full_name.lower() == value
        case "is" | "state" | "type":
            held = value in ("issue", issue.state)
        case "label":
            held = value in [label.lower() for label in issue.labels]
        case "author":
            held = issue.login.lower() == value
        case "org" | "user":
            held = repository.owner.lower() == value
        case "in" | "sort" | "archived":
            held = not term["minus"]
        case _:
            where = next((str(each["word"]) for each in terms if each["key"] == "in"), "title,body")
            text = (
                (issue.title if "title" in where else "")
                + "\n"
                + ((issue.body or "") if "body" in where else "")
            )
            held = value in text.lower()
    return held != bool(term["minus"])


def _key(repository: Repository) -> str:
    return str(repository.id)


def _all(call: Call) -> list[Issue]:
    return call.github.issues.get(_key(call.repository), [])


def _find(call: Call) -> Issue:
    wanted = call.number("issue_number")
    found = next((one for one in _all(call) if one.number == wanted), None)
    if found is None:
        raise not_found()
    return found


def _comment(call: Call, issue: Issue, comment: Comment) -> Json:
    bodies, repository = call.github.bodies, call.repository
    moment = iso(comment.created_at)
    html = bodies.html(repository, f"/issues/{issue.number}#issuecomment-{comment.id}")
    return {
        "id": comment.id,
        "node_id": f"IC_{comment.id}",
        "url": bodies.api(repository, f"/issues/comments/{comment.id}"),
        "html_url": html,
        "issue_url": bodies.api(repository, f"/issues/{issue.number}"),
        "body": comment.body,
        "user": bodies.user(comment.login),
        "created_at": moment,
        "updated_at": moment,
        "author_association": "MEMBER",
        "performed_via_github_app": None,
    }


def _label(call: Call, repository: Repository, name: str) -> Json:
    url = call.github.bodies.api(repository, f"/labels/{name}")
    number = call.github.bodies.account_id(f"label {name}")
    about = {"color": "ededed", "default": False, "description": None}
    return {"id": number, "node_id": f"LA_{number}", "url": url, "name": name, **about}


def _shown(call: Call, repository: Repository, issue: Issue) -> Json:
    bodies = call.github.bodies
    url = bodies.api(repository, f"/issues/{issue.number}")
    kinds = ("+1", "-1", "laugh", "confused", "heart", "hooray", "eyes", "rocket")
    reactions = {"url": f"{url}/reactions", "total_count": 0, **dict.fromkeys(kinds, 0)}
    assignees = [bodies.user(login) for login in issue.assignees]
    return {
        "id": issue.id,
        "node_id": f"I_{issue.id}",
        "url": url,
        "repository_url": bodies.api(repository),
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "timeline_url": f"{url}/timeline",
        "html_url": bodies.html(repository, f"/issues/{issue.number}"),
        "number": issue.number,
        "title": issue.title,
        "body": issue.body,
        "user": bodies.user(issue.login),
        "labels": [_label(call, repository, name) for name in issue.labels],
        "state": issue.state,
        "state_reason": issue.state_reason,
        "locked": False,
        "active_lock_reason": None,
        "assignee": assignees[0] if assignees else None,
        "assignees": assignees,
        "milestone": None,
        "comments": len(issue.comments),
        "created_at": iso(issue.created_at),
        "updated_at": iso(issue.updated_at),
        "closed_at": None if issue.closed_at is None else iso(issue.closed_at),
        "closed_by": None if issue.closed_by is None else bodies.user(issue.closed_by),
        "author_association": "MEMBER",
        "reactions": reactions,
        "performed_via_github_app": None,
    }

"""The start of a workflow's run, once for each command even where its answer was lost.

A start answers with the run's id where the server gives it
(https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event). Where the answer was
lost, or an older Enterprise Server gives none, the run is looked for before anything is started again: by the
bot's id in its title where the workflow carries it, else by workflow, branch and time.
"""

from __future__ import annotations

import difflib
import re
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from bot.connectors.connector import JobRequest, RunHandle
from bot.connectors.github_catalogue import GitHubCatalogue
from bot.connectors.github_client import PAGE, GitHubClient, refusal
from bot.connectors.github_runs import NAME, read_runs
from bot.connectors.wire import HttpReply
from bot.errors import GitHubUnreachable, Refused
from bot.workflow_files import CORRELATION_INPUT, MOST_INPUTS

RUN_DETAILS = "return_run_details"
"""Asks for the run's id. Enterprise Servers of before 2026 refuse a body with it, as with any unknown key."""

# What GitHub says of a start that it does not take, and our code for it.
_START_REFUSALS = (
    (re.compile("unexpected inputs", re.IGNORECASE), "unexpected_inputs"),
    (re.compile("required input|not in the list of allowed|input '.*' ", re.IGNORECASE), "invalid_inputs"),
    (re.compile("no ref found", re.IGNORECASE), "unknown_ref"),
    (re.compile("does not have .*workflow_dispatch", re.IGNORECASE), "workflow_not_startable"),
    (re.compile("disabled workflow", re.IGNORECASE), "workflow_disabled"),
    (re.compile("archived", re.IGNORECASE), "repository_archived"),
)


def split_target(target: str) -> tuple[str, str]:
    """Return repository and workflow file of `owner/name/file.yml`."""
    repository, _, file = target.rpartition("/")
    return repository, file


def build_dispatch(job: JobRequest, ref: str, key: str | None) -> tuple[str, dict[str, Any]]:
    """Return path and body of the start; *key* goes along in the workflow's own input for it.

    Raises Refused for more inputs than GitHub takes.
    """
    repository, file = split_target(job.target)
    inputs = {name: _as_text(value) for name, value in job.values.items()}
    inputs |= {CORRELATION_INPUT: key} if key else {}
    if len(inputs) > MOST_INPUTS:
        raise refusal("too_many_inputs", f"{len(inputs)} were given; GitHub takes at most {MOST_INPUTS}.")
    body = {"ref": ref, "inputs": inputs, RUN_DETAILS: True}
    return f"/repos/{repository}/actions/workflows/{quote(file)}/dispatches", body


def read_dispatch(repository: str, status: int, body: Any) -> RunHandle | None:
    """Return the run that was started, or None from a server that does not say which."""
    if status == HTTPStatus.NO_CONTENT or not isinstance(body, dict) or "workflow_run_id" not in body:
        return None
    return RunHandle(
        connector=NAME, id=str(body["workflow_run_id"]), scope=repository, url=body.get("html_url")
    )


def read_start_refusal(said: Refused) -> Refused:
    """Return the refusal of a start with a code of ours; GitHub's own sentence stays."""
    detail = said.problem.detail
    code = next((code for pattern, code in _START_REFUSALS if pattern.search(detail)), None)
    return refusal(code, detail, said.problem.status) if code else said


class GitHubStarts:
    """Starts runs; *sure_after* a start, a run that no list shows was not started."""

    def __init__(self, client: GitHubClient, catalogue: GitHubCatalogue, sure_after: timedelta) -> None:
        self._client = client
        self._catalogue = catalogue
        self._sure_after = sure_after
        self._knows_details = True

    def start(self, job: JobRequest, *, key: str) -> RunHandle:
        """Start a run, or return the one that an earlier attempt with *key* started.

        Raises GitHubUnreachable while that is not known yet: GitHub shows a new run only after a while.
        """
        repository, file = split_target(job.target)
        ref = job.ref or self._catalogue.repository(repository).default_branch
        mark = key if self._carries_id(repository, file, ref) else None
        if job.began_at is not None:
            found = self._begun(job, ref, mark)
            if found is not None:
                return found
            if self._client.now() < job.began_at + self._sure_after:
                raise GitHubUnreachable("it does not say yet whether the run was started")
        path, body = build_dispatch(job, ref, mark)
        try:
            reply = self._post(path, body)
        except Refused as said:
            raise self._explained(said, repository, file, ref) from None
        handle = read_dispatch(repository, reply.status, reply.body)
        if handle is None:
            raise GitHubUnreachable("it took the start and does not say yet which run it is")
        return handle

    def _post(self, path: str, body: dict[str, Any]) -> HttpReply:
        """Send a start; again without the wish for the run's id where the server does not know that."""
        plain = {name: value for name, value in body.items() if name != RUN_DETAILS}
        if not self._knows_details:
            return self._client.post(path, plain)
        try:
            return self._client.post(path, body)
        except Refused as said:
            if RUN_DETAILS not in said.problem.detail:
                raise
        self._knows_details = False  # nothing was started: a start is refused whole
        return self._client.post(path, plain)

    def _carries_id(self, repository: str, file: str, ref: str) -> bool:
        try:
            return self._catalogue.workflow_file(repository, file, ref).carries_id
        except Refused:
            return False  # the start itself says better what is wrong

    def _begun(self, job: JobRequest, ref: str, mark: str | None) -> RunHandle | None:
        """Return the run that an earlier attempt began, or None; raise Refused where several may be it."""
        repository, file = split_target(job.target)
        assert job.began_at is not None
        since = job.began_at - timedelta(
            seconds=600 if mark else 5
        )  # clocks differ; a mark cannot be mistaken
        runs = self._client.get(
            f"/repos/{repository}/actions/workflows/{quote(file)}/runs",
            partial(read_runs, repository),
            {"event": "workflow_dispatch", "created": f">={since:%Y-%m-%dT%H:%M:%SZ}", "per_page": str(PAGE)},
        )
        recent = [one for one in runs if one.status.created_at is None or one.status.created_at >= since]
        fitting = [one for one in recent if (mark in one.title if mark else one.branch == ref)]
        if len(fitting) > 1:
            fitting = [one for one in fitting if one.status.handle.id not in job.taken]
            if len(fitting) != 1:
                raise refusal(
                    "start_uncertain",
                    f"Several runs of {file} began then; see which is yours, or start again.",
                )
        return fitting[0].status.handle if fitting else None

    def _explained(self, said: Refused, repository: str, file: str, ref: str) -> Refused:
        """Return why a start was refused; what GitHub hides behind 404 is told apart by what it does show."""
        if said.problem.reason_code != "github_not_found":
            why = read_start_refusal(said)
            if why.problem.reason_code != "unknown_ref":
                return why
            near = self._refs_like(repository, ref)
            return refusal("unknown_ref", why.problem.detail, why.problem.status, near)
        try:
            files = {one.file for one in self._catalogue.workflows(repository)}
        except Refused:
            return refusal(
                "unknown_repository", f"There is no {repository}, or the bot's token does not cover it.", 404
            )
        if file not in files:
            return refusal("unknown_workflow", f"{repository} has no workflow {file}.", 404)
        return refusal("github_forbidden", f"The bot may see {repository} but not start its workflows.", 403)

    def _refs_like(self, repository: str, ref: str) -> tuple[str, ...]:
        try:
            known = self._catalogue.branches(repository)
        except (Refused, GitHubUnreachable):
            return ()
        return tuple(difflib.get_close_matches(ref, known, n=3, cutoff=0.4))


def _as_text(value: Any) -> str:
    """Return an input as GitHub takes it: text, with true and false in small letters."""
    return str(value).lower() if isinstance(value, bool) else str(value)

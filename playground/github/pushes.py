"""Pushes: a branch moves, it is announced, and the workflows that wait for it start; or many runs at once."""

from collections.abc import Mapping

from playground.github.git import NOTHING, GitFailed
from playground.github.loopback import Loopback
from playground.github.repositories import Repository
from playground.github.rest import Server
from playground.github.runs import Run
from playground.github.workflow_files import FOLDER, InvalidWorkflow, NotRunHere, Workflow, wants_push
from playground.refusals import NotPossible

SKIP_WORDS = ("[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]")


def commit(
    github: Loopback,
    repository: Repository,
    branch: str,
    files: Mapping[str, str | None],
    message: str,
    login: str,
) -> str:
    """Commit files onto a branch of the folder; push() announces it."""
    try:
        return repository.git.write_commit(branch, files, message, login)
    except GitFailed as error:
        raise NotPossible(str(error)) from error


def push(server: Server, repository: Repository, ref: str, login: str) -> list[Run]:
    """Announce where a ref is now, and start what waits for that; a ref that has not moved is refused."""
    full = ref if ref.startswith("refs/") else f"refs/heads/{ref}"
    before = repository.heads.get(full, NOTHING)
    after = repository.git.commit_of(full) or NOTHING
    if before == after:
        raise NotPossible(f"{full} has not moved")
    payload = server.events.push(repository, full, before, after, login)
    if after == NOTHING:
        del repository.heads[full]
        return []
    repository.heads[full] = after
    if any(word in repository.git.commit(after).message for word in SKIP_WORDS):
        return []
    paths = list(repository.git.changed(before, after))
    runs = []
    for path in repository.workflow_paths(after):
        started = _start(server, repository, path, full, after, paths, payload, login)
        runs += [started] if started is not None else []
    return runs


def dispatch(
    server: Server, repository: Repository, file: str, ref: str, login: str, *, times: int
) -> list[Run]:
    """Start so many runs of a workflow by hand, without inputs; the file is read once for all of them."""
    found = repository.git.resolve(ref)
    if found is None:
        raise NotPossible(f"no ref {ref!r}")
    path, (full, sha) = f"{FOLDER}/{file}", found
    try:
        workflow = repository.workflow(sha, path)
    except InvalidWorkflow as error:
        raise NotPossible(str(error)) from error
    if workflow is None or "workflow_dispatch" not in workflow.on:
        raise NotPossible(f"{file} is no workflow that can be started by hand")
    try:
        workflow.prove_runnable()
    except NotRunHere as error:
        raise NotPossible(str(error)) from error
    payload = {"inputs": {}, "ref": full, "workflow": path}
    start = server.runner.start
    return [start(repository, workflow, "workflow_dispatch", payload, full, sha, login) for _ in range(times)]


def _start(
    server: Server,
    repository: Repository,
    path: str,
    ref: str,
    sha: str,
    paths: list[str],
    payload: Mapping[str, object],
    login: str,
) -> Run | None:
    if server.github.entry(repository, path).state != "active":
        return None
    refusal = None
    try:
        workflow = repository.workflow(sha, path)
    except InvalidWorkflow as error:
        # GitHub shows a failed run with the file's path as its name.
        workflow, refusal = Workflow(path=path, name=path, on={"push": {}}, jobs={}), str(error)
    if workflow is None or not wants_push(workflow, ref, paths):
        return None
    try:
        workflow.prove_runnable()
    except NotRunHere as error:
        refusal = str(error)
    return server.runner.start(repository, workflow, "push", payload, ref, sha, login, refusal=refusal)

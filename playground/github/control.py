"""The control API: what tests, the story and people do to the loopback beside GitHub's own doors. No token.

It listens on loopback only, refuses other host names, and takes changes as JSON only, so that no web page
from elsewhere can reach it through somebody's browser.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field
from starlette.requests import Request
from starlette.routing import Route

from playground.controls import Asked, Controls, Door, Json, routes
from playground.github import pushes
from playground.github.actions import add_artifact
from playground.github.endpoints.runs import review_as
from playground.github.faults import Fault
from playground.github.interference import Outcome, Release, Which
from playground.github.repositories import Repository
from playground.github.rest import Server
from playground.github.runs import Run
from playground.github.settings import Environment, Level
from playground.github.settings import Repository as ChosenRepository
from playground.refusals import NotPossible


class _Push(Asked):
    repository: str
    ref: str
    files: dict[str, str | None] = Field(default_factory=dict)
    message: str = "Change"
    who: str = Field(default="developer", alias="as")


class _Dispatch(Asked):
    repository: str
    workflow: str = Field(description="the file's name")
    ref: str = "main"
    times: int = Field(default=1, ge=1, le=10_000)
    who: str = Field(default="developer", alias="as")


class _Review(Asked):
    run_id: int
    environment: str
    state: Literal["approved", "rejected"]
    who: str = Field(alias="as")
    comment: str = ""


class _Finish(Asked):
    run_id: int
    conclusion: Literal["success", "failure", "cancelled", "timed_out"]


class _Run(Asked):
    run_id: int


class _NewToken(Asked):
    login: str
    repositories: tuple[str, ...] | None = None
    permissions: dict[str, Level] | None = None
    seconds: float | None = None


class _Login(Asked):
    login: str


class _Exhaust(Asked):
    who: str = "*"
    resource: Literal["core", "search"] = "core"
    reset_seconds: float = 60.0


class _NewEnvironment(Asked):
    repository: str
    name: str
    reviewers: tuple[str, ...] = ()
    prevent_self_review: bool = False
    wait_minutes: int = 0


class _NewRepository(Asked):
    name: str
    path: Path
    private: bool = True


class _Rename(Asked):
    repository: str
    name: str


class _Webhook(Asked):
    url: str | None


class _Redeliver(Asked):
    delivery: str
    times: int = Field(default=1, ge=1, le=100)


class _Resume(Asked):
    order: Literal["in_order", "reversed", "dropped"] = "in_order"


class _Artifact(Asked):
    run_id: int
    name: str
    hex: str = Field(description="the zip's bytes; they need not be a good zip")


class Control:
    """Handlers over one GitHub."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._github = server.github

    def routes(self) -> list[Route]:
        """Return the routes under /playground."""
        doors: list[Door] = [
            ("GET", "state", self._state),
            ("POST", "push", self._push),
            ("POST", "dispatch", self._dispatch),
            ("POST", "hold", self._hold),
            ("DELETE", "hold", self._clear_holds),
            ("POST", "release", self._release),
            ("POST", "outcome", self._outcome),
            ("POST", "finish", self._finish),
            ("POST", "cancel", self._cancel),
            ("POST", "review", self._review),
            ("POST", "delete-run", self._delete_run),
            ("POST", "artifacts", self._add_artifact),
            ("POST", "tokens", self._add_token),
            ("POST", "forget-tokens", self._forget_tokens),
            ("POST", "environments", self._put_environment),
            ("POST", "repositories", self._add_repository),
            ("POST", "rename", self._rename),
            ("POST", "webhook", self._webhook),
            ("POST", "ping", self._ping),
            ("GET", "deliveries", self._deliveries),
            ("GET", "deliveries/{delivery}", self._delivery),
            ("POST", "redeliver", self._redeliver),
            ("POST", "pause", self._pause),
            ("POST", "resume", self._resume),
            ("GET", "counts", self._counts),
            ("DELETE", "counts", self._reset_counts),
            ("POST", "exhaust", self._exhaust),
        ]
        shared = Controls(self._github.feed, self._github.faults, Fault).doors()
        return routes([*shared, *doors])

    async def _state(self, request: Request) -> Json:
        return {
            "url": self._github.base_url,
            "seq": self._github.feed.seq,
            "repositories": {
                one.full_name: {
                    "id": one.id,
                    "path": str(one.chosen.path),
                    "environments": sorted(one.environments),
                }
                for one in self._github.repositories.values()
            },
            "webhook": self._github.deliveries.url,
            "runs": [
                {
                    "id": run.id,
                    "repository": run.repository,
                    "workflow": run.path,
                    "attempt": run.latest.number,
                    "status": run.latest.status,
                    "conclusion": run.latest.conclusion,
                    "refusal": run.refusal,
                }
                for run in self._github.runs.values()
            ],
        }

    async def _push(self, request: Request) -> Json:
        asked = _Push.model_validate_json(await request.body())
        repository = self._repository(asked.repository)
        if asked.files:
            pushes.commit(self._github, repository, asked.ref, asked.files, asked.message, asked.who)
        runs = pushes.push(self._server, repository, asked.ref, asked.who)
        sha = repository.git.resolve(asked.ref)
        return {"sha": sha[1] if sha else None, "runs": [run.id for run in runs]}

    async def _dispatch(self, request: Request) -> Json:
        asked = _Dispatch.model_validate_json(await request.body())
        repository = self._repository(asked.repository)
        runs = pushes.dispatch(
            self._server, repository, asked.workflow, asked.ref, asked.who, times=asked.times
        )
        return {"runs": [run.id for run in runs]}

    async def _hold(self, request: Request) -> Json:
        self._server.runner.interference.holds.append(Which.model_validate_json(await request.body()))
        return {}

    async def _clear_holds(self, request: Request) -> Json:
        self._server.runner.interference.holds.clear()
        return {}

    async def _release(self, request: Request) -> Json:
        release = Release.model_validate_json(await request.body())
        return {"released": self._server.runner.interference.release(release)}

    async def _outcome(self, request: Request) -> Json:
        self._server.runner.interference.outcomes.append(Outcome.model_validate_json(await request.body()))
        return {}

    async def _finish(self, request: Request) -> Json:
        asked = _Finish.model_validate_json(await request.body())
        run = self._run(asked.run_id)
        if run.latest.status == "completed":
            raise NotPossible("the run is over")
        self._server.runner.finish(run, asked.conclusion)
        return {}

    async def _cancel(self, request: Request) -> Json:
        self._server.runner.cancel(self._run(_Run.model_validate_json(await request.body()).run_id))
        return {}

    async def _review(self, request: Request) -> Json:
        asked = _Review.model_validate_json(await request.body())
        run = self._run(asked.run_id)
        names = [asked.environment]
        review_as(self._server, run, names, asked.state, asked.who, asked.comment)
        return {}

    async def _delete_run(self, request: Request) -> Json:
        run = self._run(_Run.model_validate_json(await request.body()).run_id)
        if run.latest.status != "completed":
            raise NotPossible("the run is not over")
        del self._github.runs[run.id]
        return {}

    async def _add_artifact(self, request: Request) -> Json:
        asked = _Artifact.model_validate_json(await request.body())
        made = add_artifact(self._github, self._run(asked.run_id), asked.name, bytes.fromhex(asked.hex))
        return {"artifact_id": made.id}

    async def _add_token(self, request: Request) -> Json:
        asked = _NewToken.model_validate_json(await request.body())
        token, _ = self._github.access.issue("ghp_", **asked.model_dump())
        return {"token": token}

    async def _forget_tokens(self, request: Request) -> Json:
        asked = _Login.model_validate_json(await request.body())
        return {"forgotten": self._github.access.forget_login(asked.login)}

    async def _put_environment(self, request: Request) -> Json:
        asked = _NewEnvironment.model_validate_json(await request.body())
        chosen = Environment(**asked.model_dump(exclude={"repository", "name"}))
        repository = self._repository(asked.repository)
        self._github.put_environment(repository, asked.name, chosen)
        return {"id": repository.environments[asked.name][0]}

    async def _add_repository(self, request: Request) -> Json:
        asked = _NewRepository.model_validate_json(await request.body())
        chosen = ChosenRepository(path=asked.path, private=asked.private)
        return {"id": self._github.add_repository(asked.name, chosen).id}

    async def _rename(self, request: Request) -> Json:
        asked = _Rename.model_validate_json(await request.body())
        repository = self._repository(asked.repository)
        if self._github.find(asked.name) is not None or asked.name.count("/") != 1:
            raise NotPossible(f"{asked.name!r} is no new owner/name")
        repository.former_names.append(repository.full_name.lower())
        repository.full_name = asked.name
        return {}

    async def _webhook(self, request: Request) -> Json:
        self._github.deliveries.url = _Webhook.model_validate_json(await request.body()).url
        return {"url": self._github.deliveries.url}

    async def _ping(self, request: Request) -> Json:
        for repository in self._github.repositories.values():
            self._server.events.ping(repository)
        return {}

    async def _deliveries(self, request: Request) -> Json:
        return {"deliveries": self._github.deliveries.shown()}

    async def _delivery(self, request: Request) -> Json:
        try:
            return self._github.deliveries.payload(request.path_params["delivery"])
        except KeyError as error:
            raise NotPossible(f"no delivery {error}") from error

    async def _redeliver(self, request: Request) -> Json:
        asked = _Redeliver.model_validate_json(await request.body())
        try:
            attempts = await self._github.deliveries.repeat(asked.delivery, asked.times)
        except KeyError as error:
            raise NotPossible(f"no delivery {error}") from error
        return {"attempts": [vars(attempt) for attempt in attempts]}

    async def _pause(self, request: Request) -> Json:
        self._github.deliveries.pause()
        return {}

    async def _resume(self, request: Request) -> Json:
        self._github.deliveries.resume(_Resume.model_validate_json(await request.body() or b"{}").order)
        return {}

    async def _counts(self, request: Request) -> Json:
        return self._github.limits.table()

    async def _reset_counts(self, request: Request) -> Json:
        self._github.limits.reset_counts()
        return {}

    async def _exhaust(self, request: Request) -> Json:
        asked = _Exhaust.model_validate_json(await request.body())
        self._github.limits.exhaust(asked.who, asked.resource, asked.reset_seconds)
        return {}

    def _repository(self, name: str) -> Repository:
        found = self._github.find(name)
        if found is None:
            raise NotPossible(f"no repository {name!r}")
        return found

    def _run(self, run_id: int) -> Run:
        if run_id not in self._github.runs:
            raise NotPossible(f"no run {run_id}")
        return self._github.runs[run_id]

"""Runs and their jobs, from the first to the last state: needs, conditions, approvals, turns, time-outs."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from playground.github.concurrency import Groups, Visit, first_of
from playground.github.events import Events
from playground.github.expressions import BadExpression, condition, fill_in, to_text, value_of
from playground.github.interference import Interference
from playground.github.job_run import JobRun
from playground.github.judgements import (
    conclusion_of,
    job_permissions,
    out_of_time,
    status_functions,
    steps_of,
)
from playground.github.loopback import Loopback
from playground.github.repositories import Repository
from playground.github.runs import Attempt, Deployment, DeploymentStatus, Job, Review, Run, Step
from playground.github.settings import Environment
from playground.github.workflow_files import Concurrency, Workflow
from playground.refusals import NotPossible

Json = dict[str, Any]
JOB_TOKEN_SECONDS = 6 * 3_600.0


class Runner:
    """Starts runs and sees them through."""

    def __init__(self, github: Loopback, events: Events) -> None:
        self.interference = Interference()
        self._github = github
        self._events = events
        self._groups = Groups()
        self._slots = asyncio.Semaphore(github.settings.runners)
        self._free = list(range(github.settings.runners, 0, -1))
        self._tasks: set[asyncio.Future[None]] = set()
        self._reviewed = asyncio.Event()

    def start(
        self,
        repository: Repository,
        workflow: Workflow,
        event: str,
        payload: Mapping[str, Any],
        ref: str,
        sha: str,
        actor: str,
        inputs: Mapping[str, Any] | None = None,
        refusal: str | None = None,
    ) -> Run:
        """Begin a run; one with a *refusal* fails at once, as GitHub's do when a file makes no sense."""
        entry, now = self._github.entry(repository, workflow.path), self._github.now()
        entry.runs += 1
        run = Run(
            id=self._github.new_id("run"),
            repository=repository.full_name,
            workflow_id=entry.id,
            file=workflow,
            path=workflow.path,
            name=workflow.name,
            title=workflow.name if event == "workflow_dispatch" else _first_line(repository, sha),
            number=entry.runs,
            event=event,
            payload=payload,
            ref=ref,
            sha=sha,
            actor=actor,
            created_at=now,
            inputs=dict(inputs or {}),
            refusal=refusal,
        )
        self._github.runs[run.id] = run
        self._name(repository, run)
        self._begin(run, Attempt(1, actor, now, [], updated_at=now), self._new_jobs(run, 1))
        return run

    def rerun(self, run: Run, actor: str, only: Callable[[Job], bool]) -> None:
        """Begin the next attempt: what *only* wants and what needs it runs, the rest is kept."""
        assert run.file is not None
        again = {job.key for job in run.latest.jobs if only(job)}
        while more := {
            key for key, job in run.file.jobs.items() if key not in again and again & set(job.needs)
        }:
            again |= more
        number, now = run.latest.number + 1, self._github.now()
        kept = [job for job in run.latest.jobs if job.key not in again]
        fresh = [job for job in self._new_jobs(run, number) if job.key in again]
        self._begin(run, Attempt(number, actor, now, [], updated_at=now), [*kept, *fresh])

    def cancel(self, run: Run) -> None:
        """Stop what runs and what waits."""
        run.latest.cancelled = True
        run.latest.stop.set()
        for job in run.latest.jobs:
            job.end_as("cancelled")

    def finish(self, run: Run, conclusion: str) -> None:
        """End every job of a run as somebody decided."""
        run.latest.stop.set()
        for job in run.latest.jobs:
            job.end_as(conclusion)

    def review(
        self, run: Run, environments: list[str], state: str, login: str, comment: str
    ) -> list[Deployment]:
        """Take a decision on waiting deployments; return those it concerns."""
        concerned = []
        for name in environments:
            review = Review(name, state, login, comment, self._github.now())
            run.reviews.append(review)
            jobs = [job for job in self.waiting(run) if self._deployment(job).environment == name]
            concerned += [self._deployment(job) for job in jobs]
            self._events.reviewed(run, jobs, review)
        self._reviewed.set()
        self._reviewed = asyncio.Event()
        return concerned

    def waiting(self, run: Run) -> list[Job]:
        """Return the jobs that wait for an environment."""
        return [job for job in run.latest.jobs if job.status == "waiting" and job.deployment is not None]

    def set_status(
        self,
        deployment: Deployment,
        state: str,
        description: str,
        login: str,
        log_url: str = "",
        environment_url: str = "",
    ) -> None:
        """Give a deployment a new state; without a *log_url* it is that of its job."""
        run = self._github.runs.get(deployment.run_id or 0)  # it may have been deleted
        if run is not None and not log_url:
            repository = self._github.repository_of(run)
            path = f"/actions/runs/{deployment.run_id}/job/{deployment.job_id}"
            log_url = self._github.bodies.html(repository, path)
        number, now = self._github.new_id("deployment_status"), self._github.now()
        status = DeploymentStatus(number, state, description, login, now, environment_url, log_url)
        deployment.statuses.append(status)
        self._events.deployment_status(deployment, status)

    async def close(self) -> None:
        """End everything that runs and wait for it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- an attempt

    def _name(self, repository: Repository, run: Run) -> None:
        """Give a run the name that its file asks for."""
        assert run.file is not None
        if run.file.run_name and run.refusal is None:
            try:
                contexts = {"github": self._github_context(repository, run), "inputs": run.inputs}
                run.title = run.name = fill_in(
                    run.file.run_name, {**contexts, "vars": repository.chosen.variables}
                )
            except BadExpression as error:
                run.refusal = str(error)

    def _new_jobs(self, run: Run, attempt: int) -> list[Job]:
        assert run.file is not None
        now = self._github.now()
        return [
            Job(self._github.new_id("job"), key, to_text(file.name or key), file, attempt, now)
            for key, file in run.file.jobs.items()
        ]

    def _begin(self, run: Run, attempt: Attempt, jobs: list[Job]) -> None:
        attempt.jobs = jobs
        run.reviews = []
        run.attempts.append(attempt)
        if run.refusal is not None:
            attempt.jobs, attempt.status, attempt.conclusion = [], "completed", "startup_failure"
            attempt.done.set()
            self._events.run("requested", run)
            self._events.run("completed", run)
            return
        self._events.run("requested", run)
        self._spawn(self._attempt(run, attempt)).add_done_callback(self._ended)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Future[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _ended(self, task: asyncio.Future[None]) -> None:
        """Let a mistake of the loopback's own be seen."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._github.feed.publish("mistake", error=repr(error))
            raise error

    async def _attempt(self, run: Run, attempt: Attempt) -> None:
        assert run.file is not None
        repository = self._github.repository_of(run)
        contexts = {"github": self._github_context(repository, run), "inputs": run.inputs}
        contexts["vars"] = repository.chosen.variables
        async with self._turn(
            repository, run.file.concurrency, contexts, lambda: self.cancel(run), attempt.stop
        ) as turn:
            if not turn():
                self._set_status(run, "pending")
            await turn.wait()
            jobs = [
                self._spawn(self._job(run, attempt, job)) for job in attempt.jobs if not job.done.is_set()
            ]
            await asyncio.gather(*jobs)
        attempt.conclusion = conclusion_of(attempt)
        self._set_status(run, "completed")
        attempt.done.set()
        self._events.run("completed", run)

    def _turn(
        self,
        repository: Repository,
        chosen: Concurrency | None,
        contexts: Mapping[str, Any],
        cancel: Callable[[], None],
        stop: asyncio.Event,
    ) -> "Visit":
        if chosen is None:
            return Visit(None, stop, repository.id, "", False, cancel)
        group = fill_in(chosen.group, contexts)
        at_once = to_text(value_of(chosen.cancel_in_progress, contexts)) == "true"
        return Visit(self._groups, stop, repository.id, group, at_once, cancel)

    def _refresh(self, run: Run) -> None:
        """Let a run's status follow from its jobs'."""
        statuses = {job.status for job in run.latest.jobs if job.listed and not job.done.is_set()}
        for status in ("in_progress", "waiting", "queued"):
            if status in statuses:
                self._set_status(run, status)
                return

    def _set_status(self, run: Run, status: str) -> None:
        run.latest.status, run.latest.updated_at = status, self._github.now()
        if status == "in_progress" and not run.latest.begun:
            run.latest.begun = True
            self._events.run("in_progress", run)

    # --- a job

    async def _job(self, run: Run, attempt: Attempt, job: Job) -> None:
        try:
            for name in job.file.needs:
                await attempt.job(name).done.wait()
            conclusion = await self._judged(run, attempt, job)
        except BadExpression as error:
            conclusion = self._broken(job, str(error))
        job.status, job.conclusion, job.completed_at = "completed", conclusion, self._github.now()
        job.started_at = job.completed_at if job.started_at is None else job.started_at
        job.listed = True
        job.done.set()
        run.latest.updated_at = self._github.now()
        if job.deployment is not None:
            state = "success" if conclusion == "success" else "failure"
            deployed, url = self._deployment(job), job.environment_url
            self.set_status(deployed, state, "", run.latest.actor, environment_url=url)
        self._refresh(run)
        self._events.job("completed", run, job)

    def _broken(self, job: Job, why: str) -> str:
        """A job whose file cannot be evaluated fails with one step that says why."""
        now = self._github.now()
        job.steps = [Step("Set up job", 1, None, "completed", "failure", "failure", now, now)]
        job.steps[0].log.append(f"##[error]{why}")
        return "failure"

    async def _judged(self, run: Run, attempt: Attempt, job: Job) -> str:
        """Return how the job ends, having done all of it."""
        repository = self._github.repository_of(run)
        contexts = self._contexts(repository, run, attempt, job)
        if not condition(job.file.condition, contexts, status_functions(attempt, job)):
            return job.stopped_as if job.stopped_as is not None and not job.file.needs else "skipped"
        if job.stopped_as is not None and "always" not in to_text(job.file.condition):
            return job.stopped_as
        job.name = fill_in(job.name, contexts)
        job.created_at = self._github.now()
        job.listed = True
        secrets = dict(repository.chosen.secrets)
        variables = dict(repository.chosen.variables)
        if job.file.environment is not None:
            environment = self._environment(repository, job, contexts)
            refused = await self._admitted(repository, run, job, environment)
            if refused is not None:
                return refused
            secrets |= repository.environments[environment][1].secrets
            variables |= repository.environments[environment][1].variables
        self._events.job("queued", run, job)
        self._refresh(run)
        contexts |= {"vars": variables, "secrets": {k: v.get_secret_value() for k, v in secrets.items()}}
        async with self._turn(
            repository, job.file.concurrency, contexts, lambda: job.end_as("cancelled"), job.stop
        ) as turn:
            job.status = "queued" if turn() else "pending"
            self._refresh(run)
            await turn.wait()
            return job.stopped_as or await self._on_a_runner(repository, run, job, contexts)

    async def _on_a_runner(self, repository: Repository, run: Run, job: Job, contexts: dict[str, Any]) -> str:
        got = asyncio.ensure_future(self._slots.acquire())
        await first_of(got, job.stop)
        if not got.done():
            got.cancel()
            return str(job.stopped_as)
        job.runner = self._free.pop()
        token, _ = self._github.access.issue(
            "ghs_",
            login="github-actions[bot]",
            repositories=(repository.full_name,),
            permissions=job_permissions(run, job),
            seconds=JOB_TOKEN_SECONDS,
            kind="job",
        )
        try:
            contexts["github"] = {**contexts["github"], "token": token}
            contexts["secrets"] = {**contexts["secrets"], "GITHUB_TOKEN": token}
            return await self._executed(repository, run, job, contexts)
        finally:
            self._github.access.forget(token)
            self._free.append(job.runner)
            self._slots.release()

    async def _executed(self, repository: Repository, run: Run, job: Job, contexts: Mapping[str, Any]) -> str:
        job.status, job.started_at = "in_progress", self._github.now()
        job.steps = steps_of(job, {**contexts, "secrets": {}})
        self._refresh(run)
        if job.deployment is not None:
            self.set_status(self._deployment(job), "in_progress", "", run.latest.actor)
        self._events.job("in_progress", run, job)
        minutes = float(value_of(job.file.timeout_minutes, contexts))
        seconds = minutes * self._github.settings.minute_seconds
        timer = asyncio.get_running_loop().call_later(seconds, out_of_time, job, minutes)
        try:
            return await JobRun(self._github, repository, run, job, contexts, self.interference).run()
        finally:
            timer.cancel()

    # --- environments

    def _environment(self, repository: Repository, job: Job, contexts: Mapping[str, Any]) -> str:
        given = job.file.environment
        name = to_text(value_of(given["name"] if isinstance(given, dict) else given, contexts))
        if name not in repository.environments:
            # GitHub makes an unknown environment, without rules, too.
            self._github.put_environment(repository, name, Environment())
        return name

    async def _admitted(self, repository: Repository, run: Run, job: Job, name: str) -> str | None:
        """Create the deployment and wait until it may begin; return a conclusion when it may not."""
        deployment = Deployment(
            self._github.new_id("deployment"),
            repository.full_name,
            run.sha,
            run.branch or run.sha,
            name,
            "deploy",
            run.latest.actor,
            self._github.now(),
            run_id=run.id,
            job_id=job.id,
        )
        self._github.deployments[deployment.id] = deployment
        job.deployment = deployment.id
        chosen = repository.environments[name][1]
        self._events.deployment(deployment)
        if not chosen.reviewers and not chosen.wait_minutes:
            return None
        # A decision is about the jobs that wait when it is made; one that waits later asks for another:
        # https://github.com/liquibase/liquibase/pull/7964 has measured it.
        before = len(run.reviews)
        job.status = "waiting"
        self._refresh(run)
        self.set_status(deployment, "waiting", "", run.latest.actor)
        self._events.job("waiting", run, job)
        if chosen.wait_minutes:
            await first_of(
                asyncio.sleep(chosen.wait_minutes * self._github.settings.minute_seconds), job.stop
            )
        if chosen.reviewers and not job.stop.is_set():
            self._events.review_requested(run, job, name)
            while (
                not (said := [each for each in run.reviews[before:] if each.environment == name])
                and not job.stop.is_set()
            ):
                await first_of(self._reviewed.wait(), job.stop)
            if said and said[-1].state == "rejected":
                return "failure"
        job.status = "queued"
        return job.stopped_as

    def _deployment(self, job: Job) -> Deployment:
        if job.deployment is None:
            raise NotPossible(f"job {job.key} deploys nothing")
        return self._github.deployments[job.deployment]

    # --- contexts

    def _contexts(self, repository: Repository, run: Run, attempt: Attempt, job: Job) -> dict[str, Any]:
        needs = {
            name: {"result": attempt.job(name).conclusion, "outputs": attempt.job(name).outputs}
            for name in job.file.needs
        }
        return {
            "github": self._github_context(repository, run),
            "inputs": run.inputs,
            "needs": needs,
            "vars": repository.chosen.variables,
            "secrets": {},
            "strategy": {},
            "matrix": {},
        }

    def _github_context(self, repository: Repository, run: Run) -> Json:
        """Return the github context.

        https://docs.github.com/en/actions/reference/workflows-and-actions/contexts#github-context
        """
        attempt = run.latest if run.attempts else None
        return {
            "event_name": run.event,
            "event": run.payload,
            "ref": run.ref,
            "ref_name": run.branch,
            "ref_type": "tag" if run.ref.startswith("refs/tags/") else "branch",
            "ref_protected": False,
            "sha": run.sha,
            "repository": repository.full_name,
            "repository_id": str(repository.id),
            "repository_owner": repository.owner,
            "actor": run.actor,
            "triggering_actor": attempt.actor if attempt else run.actor,
            "run_id": str(run.id),
            "run_number": str(run.number),
            "run_attempt": str(attempt.number if attempt else 1),
            "workflow": run.workflow_name,
            "workflow_ref": f"{repository.full_name}/{run.path}@{run.ref}",
            "workflow_sha": run.sha,
            "server_url": self._github.base_url,
            "api_url": self._github.base_url,
            "graphql_url": f"{self._github.base_url}/graphql",
            "head_ref": "",
            "base_ref": "",
        }


def _first_line(repository: Repository, sha: str) -> str:
    return repository.git.commit(sha).message.partition("\n")[0]

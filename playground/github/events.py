"""What is announced by webhook: GitHub's payloads, made from what is known.

https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

from typing import Any

from playground.github.bodies import iso
from playground.github.deliveries import HOOK_ID
from playground.github.git import NOTHING, Commit
from playground.github.loopback import Loopback
from playground.github.repositories import Repository
from playground.github.runs import Deployment, DeploymentStatus, Job, Review, Run

Json = dict[str, Any]


class Events:
    """Sends each kind of event; every method is one kind."""

    def __init__(self, github: Loopback) -> None:
        self._github = github
        self._bodies = github.bodies

    def run(self, action: str, run: Run) -> None:
        """Say that a run was requested, is in progress, or is completed."""
        repository = self._github.repository_of(run)
        workflow = self._bodies.workflow(repository, self._github.entry(repository, run.path))
        payload = {"action": action, "workflow_run": self._bodies.run(repository, run), "workflow": workflow}
        self._send("workflow_run", repository, run.latest.actor, payload)
        self._github.feed.publish(
            "run",
            action=action,
            run_id=run.id,
            attempt=run.latest.number,
            repository=repository.full_name,
            status=run.latest.status,
            conclusion=run.latest.conclusion,
        )

    def job(self, action: str, run: Run, job: Job) -> None:
        """Say that a job is queued, waiting, in progress, or completed."""
        repository = self._github.repository_of(run)
        payload: Json = {"action": action, "workflow_job": self._bodies.job(repository, run, job)}
        if job.deployment is not None:
            deployment = self._github.deployments[job.deployment]
            payload["deployment"] = self._bodies.deployment(repository, deployment)
        self._send("workflow_job", repository, run.latest.actor, payload)
        self._github.feed.publish(
            "job", action=action, run_id=run.id, job=job.key, job_id=job.id, conclusion=job.conclusion
        )

    def push(self, repository: Repository, ref: str, before: str, after: str, login: str) -> Json:
        """Say that a ref has moved; return the payload, which is also the event of the runs it starts."""
        gone = after == NOTHING
        commits = (
            [] if gone else [self._pushed(repository, each) for each in self._new(repository, before, after)]
        )
        head = None if gone else self._pushed(repository, repository.git.commit(after))
        forced = NOTHING not in (before, after) and not repository.git.contains(after, before)
        payload: Json = {
            "ref": ref,
            "before": before,
            "after": after,
            "created": before == NOTHING,
            "deleted": gone,
            "forced": forced,
            "base_ref": None,
            "compare": self._bodies.html(repository, f"/compare/{before[:12]}...{after[:12]}"),
            "commits": commits,
            "head_commit": head,
            "pusher": {"name": login, "email": f"{login}@example.invalid"},
        }
        self._send("push", repository, login, payload)
        return payload

    def deployment(self, deployment: Deployment) -> None:
        """Say that a deployment was created."""
        repository, about = self._about(deployment)
        payload: Json = {
            "action": "created",
            "deployment": self._bodies.deployment(repository, deployment),
            "workflow": None,
            **about,
        }
        if about["workflow_run"] is not None:
            entry = self._github.entry(repository, self._github.runs[about["workflow_run"]["id"]].path)
            payload["workflow"] = self._bodies.workflow(repository, entry)
        self._send("deployment", repository, deployment.creator, payload)

    def deployment_status(self, deployment: Deployment, status: DeploymentStatus) -> None:
        """Say that a deployment has a new state."""
        repository, about = self._about(deployment)
        payload: Json = {
            "action": "created",
            "deployment": self._bodies.deployment(repository, deployment),
            "deployment_status": self._bodies.deployment_status(repository, deployment, status),
            **about,
        }
        found = (
            self._github.runs[deployment.run_id].job(deployment.job_id or 0) if deployment.run_id else None
        )
        if found is not None and deployment.run_id:
            check = self._bodies.check_run(repository, self._github.runs[deployment.run_id], found[1])
            del check["output"], check["check_suite"], check["app"], check["pull_requests"]
            payload["check_run"] = check
        self._send("deployment_status", repository, status.creator, payload)

    def review_requested(self, run: Run, job: Job, environment: str) -> None:
        """Say that a deployment waits for somebody's approval."""
        repository = self._github.repository_of(run)
        chosen = repository.environments[environment][1]
        payload: Json = {
            "action": "requested",
            "environment": environment,
            "since": iso(self._github.now()),
            "requestor": self._bodies.user(run.latest.actor),
            "reviewers": self._bodies.reviewers(chosen.reviewers),
            "workflow_job_run": self._waiting_job(run, job, environment),
            "workflow_run": self._bodies.run(repository, run),
        }
        self._send("deployment_review", repository, run.latest.actor, payload)

    def reviewed(self, run: Run, jobs: list[Job], review: Review) -> None:
        """Say that a deployment was approved or rejected."""
        repository = self._github.repository_of(run)
        chosen = repository.environments[review.environment][1]
        waiting = [self._waiting_job(run, job, review.environment) for job in jobs]
        payload: Json = {
            "action": review.state,
            "approver": self._bodies.user(review.login),
            "comment": review.comment,
            "reviewers": self._bodies.reviewers(chosen.reviewers),
            "since": iso(review.at),
            "workflow_job_runs": waiting,
            "workflow_run": self._bodies.run(repository, run),
        }
        self._send("deployment_review", repository, review.login, payload)

    def ping(self, repository: Repository) -> None:
        """Say hello to the receiver, as GitHub does when a webhook is made."""
        moment = iso(self._github.now())
        hook: Json = {
            "type": "Repository",
            "id": HOOK_ID,
            "name": "web",
            "active": True,
            "events": ["*"],
            "config": {"content_type": "json", "insecure_ssl": "0", "url": str(self._github.deliveries.url)},
            "created_at": moment,
            "updated_at": moment,
            "url": self._bodies.api(repository, f"/hooks/{HOOK_ID}"),
            "test_url": self._bodies.api(repository, f"/hooks/{HOOK_ID}/test"),
            "ping_url": self._bodies.api(repository, f"/hooks/{HOOK_ID}/pings"),
            "deliveries_url": self._bodies.api(repository, f"/hooks/{HOOK_ID}/deliveries"),
            "last_response": {"code": None, "status": "unused", "message": None},
        }
        payload = {"zen": "Keep it logically awesome.", "hook_id": HOOK_ID, "hook": hook}
        self._send("ping", repository, repository.owner, payload)

    def _send(self, event: str, repository: Repository, login: str, payload: Json) -> None:
        app = self._github.settings.app
        installed = {"installation": {"id": app.installation_id, "node_id": "MDIz"}} if app else {}
        about = {
            "repository": self._repository(repository, event),
            "organization": self._bodies.organization(repository.owner),
            "sender": self._bodies.user(login),
        }
        self._github.deliveries.send(event, {**payload, **about, **installed})

    def _repository(self, repository: Repository, event: str) -> Json:
        body = self._bodies.repository(repository)
        if event != "push":
            return body
        # https://docs.github.com/en/webhooks/webhook-events-and-payloads#push: times are numbers here
        moment = int(repository.created_at)
        branch = repository.git.default_branch
        return {**body, "created_at": moment, "pushed_at": moment, "stargazers": 0, "master_branch": branch}

    def _about(self, deployment: Deployment) -> tuple[Repository, Json]:
        repository = self._github.find(deployment.repository) or self._github.find_former(
            deployment.repository
        )
        assert repository is not None
        if deployment.run_id is None or deployment.run_id not in self._github.runs:
            return repository, {"workflow_run": None}
        run = self._bodies.run(repository, self._github.runs[deployment.run_id])
        return repository, {"workflow_run": {**run, "head_commit": None, "previous_attempt_url": None}}

    def _waiting_job(self, run: Run, job: Job, environment: str) -> Json:
        repository = self._github.repository_of(run)
        return {
            "id": job.id,
            "name": job.name,
            "status": job.status,
            "conclusion": job.conclusion,
            "html_url": self._bodies.html(repository, f"/actions/runs/{run.id}/job/{job.id}"),
            "created_at": iso(job.created_at),
            "updated_at": iso(self._github.now()),
            "environment": environment,
        }

    def _new(self, repository: Repository, before: str, after: str) -> list[Commit]:
        # A payload lists 2,048 commits at most.
        return repository.git.between(before, after)[-2_048:]

    def _pushed(self, repository: Repository, commit: Commit) -> Json:
        first_parent = commit.parents[0] if commit.parents else NOTHING
        changed = repository.git.changed(first_parent, commit.sha)
        kinds = {"added": "A", "removed": "D", "modified": "M"}
        return {
            "id": commit.sha,
            "tree_id": commit.tree,
            "distinct": True,
            "message": commit.message,
            "timestamp": commit.committer.date,
            "url": self._bodies.html(repository, f"/commit/{commit.sha}"),
            "author": {"name": commit.author.name, "email": commit.author.email},
            "committer": {"name": commit.committer.name, "email": commit.committer.email},
            **{
                name: [path for path, how in changed.items() if how == letter]
                for name, letter in kinds.items()
            },
        }

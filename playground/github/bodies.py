"""GitHub's JSON for what the loopback knows; addresses in it lead back to the loopback.

Fields and their types: https://docs.github.com/en/rest. A field that has no meaning here is an empty
text, null, 0 or false, as GitHub's own are.
"""

from datetime import UTC, datetime
from typing import Any

from playground.github.git import Commit
from playground.github.repositories import Repository, WorkflowEntry
from playground.github.runs import Artifact, Attempt, Deployment, DeploymentStatus, Job, Run, Step

Json = dict[str, Any]
USER_LINKS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}
REPOSITORY_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}


def iso(seconds: float) -> str:
    """Return a moment as GitHub writes it, in whole seconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else iso(seconds)


class Bodies:
    """Writes addresses below *base_url*; accounts get their numbers as they are first named."""

    def __init__(self, base_url: str) -> None:
        self.base = base_url
        self._accounts: dict[str, int] = {}

    def account_id(self, login: str) -> int:
        """Return the number of a login."""
        return self._accounts.setdefault(login.lower(), 1_001 + len(self._accounts))

    def login_of(self, number: int) -> str | None:
        """Return the login with a number, if any was ever named."""
        return next((login for login, known in self._accounts.items() if known == number), None)

    def user(self, login: str, kind: str | None = None) -> Json:
        """Return a simple user."""
        number, url = self.account_id(login), f"{self.base}/users/{login}"
        return {
            "login": login,
            "id": number,
            "node_id": f"U_{number}",
            "avatar_url": f"{self.base}/avatars/{number}",
            "gravatar_id": "",
            "url": url,
            "html_url": f"{self.base}/{login}",
            **{name: url + rest for name, rest in USER_LINKS.items()},
            "type": kind or ("Bot" if login.endswith("[bot]") else "User"),
            "user_view_type": "public",
            "site_admin": False,
        }

    def organization(self, login: str) -> Json:
        """Return the organization that owns repositories."""
        number, url = self.account_id(login), f"{self.base}/orgs/{login}"
        return {
            "login": login,
            "id": number,
            "node_id": f"O_{number}",
            "url": url,
            "repos_url": f"{url}/repos",
            "events_url": f"{url}/events",
            "hooks_url": f"{url}/hooks",
            "issues_url": f"{url}/issues",
            "members_url": f"{url}/members{{/member}}",
            "public_members_url": f"{url}/public_members{{/member}}",
            "avatar_url": f"{self.base}/avatars/{number}",
            "description": "",
        }

    def api(self, repository: Repository, rest: str = "") -> str:
        """Return a REST address of a repository."""
        return f"{self.base}/repos/{repository.full_name}{rest}"

    def html(self, repository: Repository, rest: str = "") -> str:
        """Return a people's address of a repository."""
        return f"{self.base}/{repository.full_name}{rest}"

    def minimal_repository(self, repository: Repository) -> Json:
        """Return a repository as it appears inside other things."""
        return {
            "id": repository.id,
            "node_id": f"R_{repository.id}",
            "name": repository.name,
            "full_name": repository.full_name,
            "private": repository.private,
            "owner": self.user(repository.owner, "Organization"),
            "html_url": self.html(repository),
            "description": repository.chosen.description,
            "fork": False,
            "url": self.api(repository),
            **{name: self.api(repository, rest) for name, rest in REPOSITORY_LINKS.items()},
        }

    def repository(self, repository: Repository) -> Json:
        """Return a repository with everything that GitHub tells of it."""
        counts = ["stargazers_count", "watchers_count", "forks_count", "open_issues_count", "size"]
        off = [
            "archived",
            "disabled",
            "has_pages",
            "has_wiki",
            "has_projects",
            "has_discussions",
            "is_template",
        ]
        changed = iso(repository.created_at)
        return {
            **self.minimal_repository(repository),
            **dict.fromkeys([*counts, "forks", "open_issues", "watchers"], 0),
            **dict.fromkeys([*off, "web_commit_signoff_required", "allow_forking"], False),
            **dict.fromkeys(["homepage", "language", "license", "mirror_url"], None),
            "git_url": f"git://{self.base.partition('://')[2]}/{repository.full_name}.git",
            "ssh_url": f"git@127.0.0.1:{repository.full_name}.git",
            "clone_url": self.html(repository, ".git"),
            "svn_url": self.html(repository),
            "has_issues": True,
            "topics": [],
            "visibility": "private" if repository.private else "public",
            "default_branch": repository.git.default_branch,
            "created_at": changed,
            "updated_at": changed,
            "pushed_at": changed,
        }

    def full_repository(self, repository: Repository, permissions: Json) -> Json:
        """Return a repository as “get a repository” does."""
        return {
            **self.repository(repository),
            "permissions": permissions,
            "organization": self.user(repository.owner, "Organization"),
            "network_count": 0,
            "subscribers_count": 0,
        }

    def workflow(self, repository: Repository, entry: WorkflowEntry) -> Json:
        """Return a workflow."""
        return {
            "id": entry.id,
            "node_id": f"W_{entry.id}",
            "name": repository.workflow_name(entry.path),
            "path": entry.path,
            "state": entry.state,
            "created_at": iso(entry.created_at),
            "updated_at": iso(entry.created_at),
            "url": self.api(repository, f"/actions/workflows/{entry.id}"),
            "html_url": self.html(repository, f"/blob/{repository.git.default_branch}/{entry.path}"),
            "badge_url": self.html(repository, f"/actions/{entry.path.rpartition('/')[2]}/badge.svg"),
        }

    def simple_commit(self, commit: Commit) -> Json:
        """Return a commit as it appears in a run."""
        return {
            "id": commit.sha,
            "tree_id": commit.tree,
            "message": commit.message,
            "timestamp": commit.committer.date,
            "author": {"name": commit.author.name, "email": commit.author.email},
            "committer": {"name": commit.committer.name, "email": commit.committer.email},
        }

    def run(self, repository: Repository, run: Run, attempt: Attempt | None = None) -> Json:
        """Return a run as its newest attempt, or an older one, has it."""
        attempt = attempt or run.latest
        url = self.api(repository, f"/actions/runs/{run.id}")
        earlier = f"{url}/attempts/{attempt.number - 1}" if attempt.number > 1 else None
        minimal = self.minimal_repository(repository)
        return {
            "id": run.id,
            "name": run.name,
            "node_id": f"WFR_{run.id}",
            "head_branch": run.branch,
            "head_sha": run.sha,
            "path": run.path,
            "display_title": run.title,
            "run_number": run.number,
            "event": run.event,
            "status": attempt.status,
            "conclusion": attempt.conclusion,
            "workflow_id": run.workflow_id,
            "check_suite_id": run.id,
            "check_suite_node_id": f"CS_{run.id}",
            "url": url,
            "html_url": self.html(repository, f"/actions/runs/{run.id}"),
            "pull_requests": [],
            "created_at": iso(run.created_at),
            "updated_at": iso(attempt.updated_at),
            "actor": self.user(run.actor),
            "run_attempt": attempt.number,
            "referenced_workflows": [],
            "run_started_at": iso(attempt.started_at),
            "triggering_actor": self.user(attempt.actor),
            "jobs_url": f"{url}/jobs",
            "logs_url": f"{url}/logs",
            "check_suite_url": self.api(repository, f"/check-suites/{run.id}"),
            "artifacts_url": f"{url}/artifacts",
            "cancel_url": f"{url}/cancel",
            "rerun_url": f"{url}/rerun",
            "previous_attempt_url": earlier,
            "workflow_url": self.api(repository, f"/actions/workflows/{run.workflow_id}"),
            "head_commit": self.simple_commit(repository.git.commit(run.sha)),
            "repository": minimal,
            "head_repository": minimal,
        }

    def step(self, step: Step) -> Json:
        """Return a step."""
        return {
            "name": step.name,
            "status": step.status,
            "conclusion": step.conclusion,
            "number": step.number,
            "started_at": _iso(step.started_at),
            "completed_at": _iso(step.completed_at),
        }

    def job(self, repository: Repository, run: Run, job: Job) -> Json:
        """Return a job with its steps."""
        labels = job.file.runs_on if isinstance(job.file.runs_on, list) else [str(job.file.runs_on)]
        return {
            "id": job.id,
            "run_id": run.id,
            "workflow_name": run.workflow_name,
            "head_branch": run.branch,
            "run_url": self.api(repository, f"/actions/runs/{run.id}"),
            "run_attempt": job.attempt,
            "node_id": f"CR_{job.id}",
            "head_sha": run.sha,
            "url": self.api(repository, f"/actions/jobs/{job.id}"),
            "html_url": self.html(repository, f"/actions/runs/{run.id}/job/{job.id}"),
            "status": job.status,
            "conclusion": job.conclusion,
            "created_at": iso(job.created_at),
            "started_at": iso(job.created_at if job.started_at is None else job.started_at),
            "completed_at": _iso(job.completed_at),
            "name": job.name,
            "steps": [self.step(step) for step in job.steps],
            "check_run_url": self.api(repository, f"/check-runs/{job.id}"),
            "labels": labels,
            "runner_id": job.runner,
            "runner_name": None if job.runner is None else f"loopback {job.runner}",
            "runner_group_id": None if job.runner is None else 0,
            "runner_group_name": None if job.runner is None else "GitHub Actions",
        }

    def artifact(self, repository: Repository, run: Run, artifact: Artifact, now: float) -> Json:
        """Return an artifact."""
        url = self.api(repository, f"/actions/artifacts/{artifact.id}")
        origin = {
            "id": run.id,
            "repository_id": repository.id,
            "head_repository_id": repository.id,
            "head_branch": run.branch,
            "head_sha": run.sha,
        }
        return {
            "id": artifact.id,
            "node_id": f"A_{artifact.id}",
            "name": artifact.name,
            "size_in_bytes": len(artifact.content),
            "url": url,
            "archive_download_url": f"{url}/zip",
            "expired": artifact.expires_at <= now,
            "digest": artifact.digest,
            "created_at": iso(artifact.created_at),
            "updated_at": iso(artifact.created_at),
            "expires_at": iso(artifact.expires_at),
            "workflow_run": origin,
        }

    def environment_link(self, repository: Repository, name: str) -> Json:
        """Return an environment as a waiting deployment names it."""
        number = repository.environments[name][0]
        return {
            "id": number,
            "node_id": f"EN_{number}",
            "name": name,
            "url": self.api(repository, f"/environments/{name}"),
            "html_url": self.html(repository, f"/deployments/activity_log?environments_filter={name}"),
        }

    def environment(self, repository: Repository, name: str) -> Json:
        """Return an environment with its protection rules."""
        number, chosen = repository.environments[name]
        rules: list[Json] = []
        if chosen.wait_minutes:
            rules.append({"id": number * 10 + 1, "type": "wait_timer", "wait_timer": chosen.wait_minutes})
        if chosen.reviewers:
            rules.append(
                {
                    "id": number * 10 + 2,
                    "type": "required_reviewers",
                    "prevent_self_review": chosen.prevent_self_review,
                    "reviewers": self.reviewers(chosen.reviewers),
                }
            )
        changed = iso(repository.created_at)
        return {
            **self.environment_link(repository, name),
            "created_at": changed,
            "updated_at": changed,
            "can_admins_bypass": False,
            "protection_rules": [{"node_id": f"GA_{rule['id']}", **rule} for rule in rules],
            "deployment_branch_policy": None,
        }

    def reviewers(self, logins: tuple[str, ...]) -> list[Json]:
        """Return who may approve."""
        return [{"type": "User", "reviewer": self.user(login)} for login in logins]

    def deployment(self, repository: Repository, deployment: Deployment) -> Json:
        """Return a deployment."""
        url = self.api(repository, f"/deployments/{deployment.id}")
        changed = deployment.statuses[-1].created_at if deployment.statuses else deployment.created_at
        return {
            "url": url,
            "id": deployment.id,
            "node_id": f"DE_{deployment.id}",
            "sha": deployment.sha,
            "ref": deployment.ref,
            "task": deployment.task,
            "payload": deployment.payload,
            "original_environment": deployment.environment,
            "environment": deployment.environment,
            "description": deployment.description,
            "creator": self.user(deployment.creator),
            "created_at": iso(deployment.created_at),
            "updated_at": iso(changed),
            "statuses_url": f"{url}/statuses",
            "repository_url": self.api(repository),
            "transient_environment": False,
            "production_environment": deployment.environment == "production",
            "performed_via_github_app": None,
        }

    def deployment_status(
        self, repository: Repository, deployment: Deployment, status: DeploymentStatus
    ) -> Json:
        """Return one state of a deployment."""
        url = self.api(repository, f"/deployments/{deployment.id}")
        return {
            "url": f"{url}/statuses/{status.id}",
            "id": status.id,
            "node_id": f"DES_{status.id}",
            "state": status.state,
            "creator": self.user(status.creator),
            "description": status.description,
            "environment": deployment.environment,
            "target_url": status.log_url,
            "created_at": iso(status.created_at),
            "updated_at": iso(status.created_at),
            "deployment_url": url,
            "repository_url": self.api(repository),
            "environment_url": status.environment_url,
            "log_url": status.log_url,
            "performed_via_github_app": None,
        }

    def app(self) -> Json:
        """Return the app “GitHub Actions”, to which check runs belong."""
        return {
            "id": 15_368,
            "slug": "github-actions",
            "node_id": "A_15368",
            "client_id": "Iv1.actions",
            "owner": self.user("github", "Organization"),
            "name": "GitHub Actions",
            "description": "Automate your workflow from idea to production",
            "external_url": "https://help.github.com/en/actions",
            "html_url": f"{self.base}/apps/github-actions",
            "created_at": iso(0),
            "updated_at": iso(0),
            "permissions": {"actions": "write", "checks": "write", "metadata": "read"},
            "events": [],
        }

    def check_run(self, repository: Repository, run: Run, job: Job) -> Json:
        """Return the check run of a job; both have the same id."""
        url, html = (
            self.api(repository, f"/check-runs/{job.id}"),
            self.html(repository, f"/actions/runs/{run.id}/job/{job.id}"),
        )
        output = {
            **dict.fromkeys(["title", "summary", "text"], None),
            "annotations_count": len(job.annotations),
            "annotations_url": f"{url}/annotations",
        }
        return {
            "id": job.id,
            "name": job.name,
            "node_id": f"CR_{job.id}",
            "head_sha": run.sha,
            "external_id": f"{run.id}-{job.attempt}-{job.key}",
            "url": url,
            "html_url": html,
            "details_url": html,
            "status": job.status,
            "conclusion": job.conclusion,
            "started_at": iso(job.created_at if job.started_at is None else job.started_at),
            "completed_at": _iso(job.completed_at),
            "output": output,
            "check_suite": {"id": run.id},
            "app": self.app(),
            "pull_requests": [],
        }

    def commit(self, repository: Repository, commit: Commit) -> Json:
        """Return a commit; its author is a name only, never an account."""
        url = self.api(repository, f"/commits/{commit.sha}")
        git_url = self.api(repository, f"/git/commits/{commit.sha}")
        parents = [
            {
                "sha": sha,
                "url": self.api(repository, f"/commits/{sha}"),
                "html_url": self.html(repository, f"/commit/{sha}"),
            }
            for sha in commit.parents
        ]
        inner = {
            "url": git_url,
            "author": vars(commit.author),
            "committer": vars(commit.committer),
            "message": commit.message,
            "tree": {"sha": commit.tree, "url": self.api(repository, f"/git/trees/{commit.tree}")},
            "comment_count": 0,
            "verification": {
                "verified": False,
                "reason": "unsigned",
                "payload": None,
                "signature": None,
                "verified_at": None,
            },
        }
        return {
            "url": url,
            "sha": commit.sha,
            "node_id": f"C_{commit.sha}",
            "html_url": self.html(repository, f"/commit/{commit.sha}"),
            "comments_url": f"{url}/comments",
            "commit": inner,
            "author": None,
            "committer": None,
            "parents": parents,
        }

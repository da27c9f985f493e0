"""People's side of a running loopback GitHub, for programs: the story, the command line, tests."""

from collections.abc import Mapping
from typing import Any

from playground.control_client import WAIT_SECONDS, ControlClient

Json = dict[str, Any]


class GitHubPlayground(ControlClient):
    """A client of the control API; steps are named by run_id=, workflow= (file name), job=, step=."""

    def seq(self) -> int:
        """Return the number of the newest event."""
        return int(self.state()["seq"])

    def state(self) -> Json:
        """Return repositories, runs and addresses."""
        return self._get("state")

    def push(
        self,
        repository: str,
        ref: str,
        files: Mapping[str, str | None] | None = None,
        message: str = "Change",
        who: str = "developer",
    ) -> Json:
        """Commit *files* (None removes one) onto a branch and push it; without files push what is there.

        Return {"sha", "runs"}: the runs that it started.
        """
        body = {
            "repository": repository,
            "ref": ref,
            "files": dict(files or {}),
            "message": message,
            "as": who,
        }
        return self._post("push", body)

    def dispatch_many(self, repository: str, workflow: str, times: int, ref: str = "main") -> list[int]:
        """Start so many runs of a workflow (file name) at once, without inputs; return their numbers."""
        body = {"repository": repository, "workflow": workflow, "ref": ref, "times": times}
        return [int(run) for run in self._post("dispatch", body)["runs"]]

    def hold(self, **which: Any) -> None:
        """Make steps wait when they begin, until they are released."""
        self._post("hold", which)

    def clear_holds(self) -> None:
        """Hold no further steps; those that are held stay so."""
        self._delete("hold")

    def release(self, conclusion: str | None = None, log: str = "", **which: Any) -> int:
        """Let held steps run; with a conclusion end held and running ones so. Return how many."""
        return int(self._post("release", {"conclusion": conclusion, "log": log, **which})["released"])

    def outcome(self, conclusion: str, log: str = "", times: int = 1, **which: Any) -> None:
        """Decide how the next such steps end; they are not run."""
        self._post("outcome", {"conclusion": conclusion, "log": log, "times": times, **which})

    def finish(self, run_id: int, conclusion: str) -> None:
        """End a run now."""
        self._post("finish", {"run_id": run_id, "conclusion": conclusion})

    def cancel(self, run_id: int) -> None:
        """Cancel a run, as somebody would on GitHub's page."""
        self._post("cancel", {"run_id": run_id})

    def review(self, who: str, run_id: int, environment: str, state: str, comment: str = "") -> None:
        """Approve or reject (“approved”, “rejected”) as somebody would on GitHub's page."""
        body = {"as": who, "run_id": run_id, "environment": environment, "state": state, "comment": comment}
        self._post("review", body)

    def delete_run(self, run_id: int) -> None:
        """Delete a run that is over."""
        self._post("delete-run", {"run_id": run_id})

    def add_artifact(self, run_id: int, name: str, content: bytes) -> int:
        """Put an artifact to a run, good zip or not, and return its number."""
        return int(
            self._post("artifacts", {"run_id": run_id, "name": name, "hex": content.hex()})["artifact_id"]
        )

    def token(self, login: str, **fields: Any) -> str:
        """Return a token of somebody: repositories=, permissions=, seconds=."""
        return str(self._post("tokens", {"login": login, **fields})["token"])

    def forget_tokens(self, login: str) -> int:
        """Make somebody's tokens bad; return how many there were."""
        return int(self._post("forget-tokens", {"login": login})["forgotten"])

    def environment(self, repository: str, name: str, **fields: Any) -> int:
        """Protect an environment (reviewers=, prevent_self_review=, wait_minutes=); return its number."""
        return int(self._post("environments", {"repository": repository, "name": name, **fields})["id"])

    def add_repository(self, name: str, path: str, private: bool = True) -> int:
        """Add a repository and return its number."""
        return int(self._post("repositories", {"name": name, "path": path, "private": private})["id"])

    def rename(self, repository: str, name: str) -> None:
        """Rename a repository; its old name leads to the new one."""
        self._post("rename", {"repository": repository, "name": name})

    def send_webhooks_to(self, url: str | None) -> None:
        """Deliver to another address from now on, or only record (None)."""
        self._post("webhook", {"url": url})

    def ping(self) -> None:
        """Send a ping for each repository."""
        self._post("ping", {})

    def deliveries(self) -> list[Json]:
        """Return every event so far with its attempts, oldest first."""
        deliveries: list[Json] = self._get("deliveries")["deliveries"]
        return deliveries

    def payload(self, delivery: str) -> Json:
        """Return what a delivery says."""
        return self._get(f"deliveries/{delivery}")

    def redeliver(self, delivery: str, times: int = 1) -> list[Json]:
        """Send an earlier delivery again, same id, same bytes, and return each attempt."""
        attempts: list[Json] = self._post("redeliver", {"delivery": delivery, "times": times})["attempts"]
        return attempts

    def pause(self) -> None:
        """Hold deliveries back."""
        self._post("pause", {})

    def resume(self, order: str = "in_order") -> None:
        """Let deliveries go again: “in_order”, “reversed” or “dropped”."""
        self._post("resume", {"order": order})

    def counts(self) -> Json:
        """Return requests by endpoint (counted, not modified, refused) and what each caller has used."""
        return self._get("counts")

    def reset_counts(self) -> None:
        """Begin counting anew."""
        self._delete("counts")

    def exhaust(self, who: str = "*", resource: str = "core", reset_seconds: float = 60.0) -> None:
        """Use up the limit of a login (or of everybody who has asked so far)."""
        self._post("exhaust", {"who": who, "resource": resource, "reset_seconds": reset_seconds})

    def fault(self, endpoint: str, **fields: Any) -> None:
        """Make trouble: status=, message=, retry_after=, hang_seconds=, cut=, garbage=, after=, times=."""
        self._post("faults", {"endpoint": endpoint, **fields})

    def clear_faults(self) -> None:
        """Take all trouble away."""
        self._delete("faults")

    def wait_for_run(
        self, run_id: int, action: str = "completed", attempt: int = 1, seconds: float = WAIT_SECONDS
    ) -> Json:
        """Return the event that a run was requested, is in progress, or has completed."""
        return self.wait_for(
            lambda event: (
                (event["kind"], event.get("run_id"), event.get("action"), event.get("attempt"))
                == ("run", run_id, action, attempt)
            ),
            seconds,
        )

    def wait_for_step(
        self, run_id: int, step: str, status: str = "in_progress", seconds: float = WAIT_SECONDS
    ) -> Json:
        """Return the event that a step has begun, or ended."""
        return self.wait_for(
            lambda event: (
                (event["kind"], event.get("run_id"), event.get("step"), event.get("status"))
                == ("step", run_id, step, status)
            ),
            seconds,
        )

"""A loopback GitHub for one test; the fixtures around it are in fixtures.py."""

from collections.abc import Mapping
from typing import Any

import requests

from playground.control_client import TIMEOUT_SECONDS
from playground.github.client import GitHubPlayground
from playground.github.server import RunningGitHub


class GitHubUnderTest(GitHubPlayground):
    """A client of a running loopback GitHub that also knows its token and asks its REST API."""

    def __init__(self, running: RunningGitHub) -> None:
        super().__init__(running.url)
        self.running = running
        self.token_text = running.settings.tokens[0].token.get_secret_value()
        self.webhook_secret = running.settings.webhook_secret.get_secret_value()

    def api(
        self,
        verb: str,
        path: str,
        body: Any = None,
        token: str | None = None,
        headers: Mapping[str, str | None] | None = None,
        **options: Any,
    ) -> requests.Response:
        """Ask the REST API, with the first token of the settings unless another is given."""
        sent = {
            "accept": "application/vnd.github+json",
            "authorization": f"Bearer {token or self.token_text}",
        }
        return self._session.request(
            verb,
            path if path.startswith("http") else self.url + path,
            json=body,
            headers={**sent, **(headers or {})},
            timeout=TIMEOUT_SECONDS,
            **options,
        )

    def dispatch(self, repository: str, workflow: str, ref: str = "main", **inputs: Any) -> int:
        """Dispatch a workflow and return the run's number."""
        reply = self.api(
            "POST",
            f"/repos/{repository}/actions/workflows/{workflow}/dispatches",
            {"ref": ref, "inputs": inputs, "return_run_details": True},
        )
        assert reply.status_code == 200, reply.text
        return int(reply.json()["workflow_run_id"])

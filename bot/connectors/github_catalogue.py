"""What a GitHub has that can be run: repositories, their workflows, branches and tags. It only reads."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from urllib.parse import quote

from bot.connectors.github_client import GitHubClient, refusal
from bot.connectors.github_runs import (
    Repository,
    Workflow,
    read_content,
    read_names,
    read_repository,
    read_workflows,
)
from bot.errors import Refused
from bot.workflow_files import WorkflowFile, WorkflowFileError, read_workflow, with_environments


class GitHubCatalogue:
    """Reads what there is, by conditional requests where nothing changed."""

    def __init__(self, client: GitHubClient) -> None:
        self._client = client

    def repository(self, name: str) -> Repository:
        """Return a repository; one that was renamed answers with its new name."""
        return self._client.get(f"/repos/{name}", read_repository)

    def workflows(self, repository: str) -> tuple[Workflow, ...]:
        """Return the workflows of a repository."""
        return self._client.get_all(f"/repos/{repository}/actions/workflows", read_workflows)

    def workflow_file(self, repository: str, file: str, ref: str) -> WorkflowFile:
        """Return what a workflow file says of itself at *ref*; raise Refused where it cannot be read."""
        path = f"/repos/{repository}/contents/.github/workflows/{quote(file)}"
        try:
            workflow = read_workflow(self._client.get(path, read_content, {"ref": ref}), file)
        except WorkflowFileError as error:
            raise refusal("workflow_broken", f"{file}: {error}.") from None
        if workflow.environments:
            path = f"/repos/{repository}/environments"
            with suppress(Refused):  # without the right to see them, any name goes and GitHub judges it
                names = self._client.get_all(path, partial(read_names, "environments"))
                workflow = with_environments(workflow, names)
        return workflow

    def branches(self, repository: str) -> tuple[str, ...]:
        """Return the names of up to some hundreds of branches."""
        return self._client.get_all(f"/repos/{repository}/branches", partial(read_names, ""))

    def refs(self, repository: str) -> tuple[str, ...]:
        """Return the names of branches and then tags, up to some hundreds of each, to be picked from."""
        tags = self._client.get_all(f"/repos/{repository}/tags", partial(read_names, ""))
        return tuple(dict.fromkeys([*self.branches(repository), *tags]))

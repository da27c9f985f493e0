"""The repositories: a folder each, with what GitHub knows beside git: workflows, environments, ids."""

from dataclasses import dataclass, field

from playground.github import workflow_files
from playground.github.git import Git
from playground.github.settings import Environment
from playground.github.settings import Repository as Chosen
from playground.github.workflow_files import InvalidWorkflow, Workflow


@dataclass
class WorkflowEntry:
    """A workflow file that GitHub has seen, on any branch."""

    id: int
    path: str
    created_at: float
    state: str = "active"
    runs: int = 0


@dataclass
class Repository:
    """One repository."""

    id: int
    full_name: str
    chosen: Chosen
    git: Git
    created_at: float
    environments: dict[str, tuple[int, Environment]] = field(default_factory=dict)
    entries: dict[str, WorkflowEntry] = field(default_factory=dict)
    heads: dict[str, str] = field(default_factory=dict)
    former_names: list[str] = field(default_factory=list)

    @property
    def owner(self) -> str:
        """Return the part before the slash."""
        return self.full_name.partition("/")[0]

    @property
    def name(self) -> str:
        """Return the part after the slash."""
        return self.full_name.partition("/")[2]

    @property
    def private(self) -> bool:
        """Tell whether people without a token see nothing."""
        return self.chosen.private

    def head(self) -> str | None:
        """Return the newest commit of the default branch; None when it is empty."""
        return self.git.commit_of(f"refs/heads/{self.git.default_branch}")

    def workflow_paths(self, sha: str) -> list[str]:
        """Return the paths of workflow files in a commit."""
        entries = self.git.folder_at(sha, workflow_files.FOLDER)
        return [entry.path for entry in entries if entry.path.endswith((".yml", ".yaml"))]

    def workflow_text(self, sha: str, path: str) -> str | None:
        """Return a workflow file's text in a commit; None when it is not there."""
        entry = self.git.entry(sha, path)
        if entry is None or entry.kind != "blob":
            return None
        return self.git.blob(entry.sha).decode("utf-8", "replace")

    def workflow(self, sha: str, path: str) -> Workflow | None:
        """Return a workflow of a commit; None when it is not there. Raises InvalidWorkflow."""
        text = self.workflow_text(sha, path)
        return None if text is None else workflow_files.read(path, text)

    def workflow_name(self, path: str) -> str:
        """Return what a workflow calls itself on the default branch, or its path."""
        try:
            head = self.head()
            found = self.workflow(head, path) if head else None
        except InvalidWorkflow:
            return path
        return found.name if found else path

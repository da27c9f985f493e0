"""The live GitHub: its data and the parts that act on it, used from the server's loop only."""

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

from playground.feed import Feed
from playground.github.access import Access
from playground.github.bodies import Bodies
from playground.github.deliveries import Deliveries
from playground.github.downloads import Downloads
from playground.github.faults import Faults
from playground.github.git import Git
from playground.github.issues import Issue
from playground.github.limits import Limits
from playground.github.repositories import Repository, WorkflowEntry
from playground.github.runs import Deployment, Run
from playground.github.settings import Environment, Settings
from playground.github.settings import Repository as ChosenRepository
from playground.refusals import NotPossible

Json = dict[str, Any]
FIRST_IDS = {
    "repository": 500_001,
    "workflow": 60_000_001,
    "run": 9_000_000_001,
    "job": 25_000_000_001,
    "artifact": 1_500_000_001,
    "environment": 700_001,
    "deployment": 800_000_001,
    "deployment_status": 850_000_001,
    "issue": 2_000_000_001,
    "comment": 2_500_000_001,
}


class Loopback:
    """One GitHub as it runs, at *base_url*."""

    def __init__(self, settings: Settings, base_url: str) -> None:
        self.settings = settings
        self.base_url = base_url
        self.closing = asyncio.Event()
        self.feed = Feed()
        self.bodies = Bodies(base_url)
        self.access = Access(settings, settings.clock)
        self.limits = Limits(settings)
        self.faults = Faults()
        self.deliveries = Deliveries(settings, self.feed)
        # Another name of the same machine: no client should send its token along.
        self.downloads = Downloads(base_url.replace("127.0.0.1", "localhost"), settings.clock)
        self.repositories: dict[int, Repository] = {}
        self.runs: dict[int, Run] = {}
        self.deployments: dict[int, Deployment] = {}
        self.issues: dict[str, list[Issue]] = {}
        self._ids: dict[str, Iterator[int]] = {
            kind: itertools.count(settings.ids_from + at) for kind, at in FIRST_IDS.items()
        }
        for full_name, chosen in settings.repositories.items():
            self.add_repository(full_name, chosen)

    def now(self) -> float:
        """Return seconds since 1970 by the settings' clock."""
        return self.settings.clock()

    def new_id(self, kind: str) -> int:
        """Return the next number of a kind of thing."""
        return next(self._ids[kind])

    def add_repository(self, full_name: str, chosen: ChosenRepository) -> Repository:
        """Add a repository whose folder is there; raise NotPossible otherwise."""
        if full_name.count("/") != 1 or self.find(full_name) is not None:
            raise NotPossible(f"{full_name!r} is no new owner/name")
        git = Git(chosen.path)
        if not chosen.path.is_dir() or not git.is_repository():
            raise NotPossible(f"{chosen.path} is not a git repository")
        repository = Repository(self.new_id("repository"), full_name, chosen, git, self.now())
        repository.heads = {name: commit for name, (_, _, commit) in git.refs("refs").items()}
        self.repositories[repository.id] = repository
        for name, environment in chosen.environments.items():
            self.put_environment(repository, name, environment)
        return repository

    def put_environment(self, repository: Repository, name: str, chosen: Environment) -> None:
        """Add an environment, or change one."""
        known = repository.environments.get(name)
        repository.environments[name] = (known[0] if known else self.new_id("environment"), chosen)

    def find(self, full_name: str) -> Repository | None:
        """Return a repository by its present name, whatever its case."""
        wanted = full_name.lower()
        return next((one for one in self.repositories.values() if one.full_name.lower() == wanted), None)

    def find_former(self, full_name: str) -> Repository | None:
        """Return the repository that once had this name."""
        wanted = full_name.lower()
        found = (one for one in self.repositories.values() if wanted in one.former_names)
        return next(found, None)

    def repository_of(self, run: Run) -> Repository:
        """Return where a run belongs."""
        found = self.find(run.repository) or self.find_former(run.repository)
        if found is None:
            raise NotPossible(f"no repository {run.repository}")
        return found

    def runs_of(self, repository: Repository) -> list[Run]:
        """Return a repository's runs, newest first."""
        names = {repository.full_name.lower(), *repository.former_names}
        return [run for run in reversed(self.runs.values()) if run.repository.lower() in names]

    def entry(self, repository: Repository, path: str) -> WorkflowEntry:
        """Return the workflow with a path, giving it a number the first time."""
        if path not in repository.entries:
            repository.entries[path] = WorkflowEntry(self.new_id("workflow"), path, self.now())
        return repository.entries[path]

    def entries(self, repository: Repository) -> list[WorkflowEntry]:
        """Return the workflows of the default branch, and those that have run from elsewhere."""
        head = repository.head()
        paths = repository.workflow_paths(head) if head else []
        present = [self.entry(repository, path) for path in paths]
        return [
            *present,
            *(entry for entry in repository.entries.values() if entry not in present and entry.runs),
        ]

    def close(self) -> None:
        """Wake who waits; aclose() ends what runs."""
        self.closing.set()
        self.feed.close()

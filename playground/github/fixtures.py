"""pytest fixtures around the loopback GitHub: ``pytest_plugins = ["playground.github.fixtures"]``."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from playground.github.git import make_repository
from playground.github.server import start
from playground.github.settings import Repository, Settings
from playground.github.under_test import GitHubUnderTest


@pytest.fixture
def make_repo(tmp_path: Path) -> Callable[..., Repository]:
    """Make repositories from {path: text}; each call returns settings for one, with more fields if given."""
    made = iter(range(100))

    def make(files: Mapping[str, str], **fields: Any) -> Repository:
        return Repository(path=make_repository(tmp_path / f"repository-{next(made)}", files), **fields)

    return make


@pytest.fixture
def start_github() -> Iterator[Callable[..., GitHubUnderTest]]:
    """Start loopback GitHubs with settings of the test's own; all are stopped at its end."""
    with ExitStack() as stack:

        def begin(**settings: Any) -> GitHubUnderTest:
            running = start(Settings(**settings))
            stack.callback(running.stop)
            return stack.enter_context(GitHubUnderTest(running))

        yield begin

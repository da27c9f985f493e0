"""The loopback GitHub as a program of its own."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from playground.github.__main__ import read_settings
from playground.github.client import GitHubPlayground
from playground.github.git import make_repository
from tests.contracts.processes import has_ended

ROOT = Path(__file__).resolve().parents[2]
WORK = """
on: workflow_dispatch
jobs:
  one:
    runs-on: x
    steps:
      - run: sleep 1000 & echo $! > "$PIDS/child"
      - {name: Endless, run: sleep 1000}
"""


def begin(*arguments: str) -> subprocess.Popen[str]:
    """Start the program."""
    command = [sys.executable, "-m", "playground.github", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_it_says_where_it_listens_and_ends_with_all_it_started(tmp_path: Path) -> None:
    """One JSON line when ready; SIGTERM ends it and a step that is running."""
    make_repository(tmp_path, {".github/workflows/w.yml": WORK})
    program = begin("--repo", f"acme/models={tmp_path}", "--token", "t", "--environ", f"PIDS={tmp_path}")
    assert program.stdout is not None
    with program, GitHubPlayground(json.loads(program.stdout.readline())["listening"]) as github:
        try:
            path = f"{github.url}/repos/acme/models/actions/workflows/w.yml/dispatches"
            body = {"ref": "main", "return_run_details": True}
            reply = requests.post(path, json=body, headers={"authorization": "token t"}, timeout=60)
            run = reply.json()["workflow_run_id"]
            github.wait_for_step(run, "Endless")
        finally:
            program.send_signal(signal.SIGTERM)
        assert program.wait(60) == 0
        assert program.stderr is not None
        assert program.stderr.read() == ""
    has_ended((tmp_path / "child").read_text(encoding="ascii").strip())


@pytest.mark.parametrize("what", ["folder", "port"])
def test_it_says_what_it_cannot_do(tmp_path: Path, what: str) -> None:
    """A folder without a repository, or a taken port, is one sentence and status 1."""
    repository = make_repository(tmp_path / "r", {"a": "1"})
    with begin("--repo", f"acme/models={repository}") as other:
        assert other.stdout is not None
        port = json.loads(other.stdout.readline())["listening"].rpartition(":")[2]
        given = {"folder": ["--repo", f"acme/models={tmp_path}"], "port": ["--port", port]}[what]
        with begin(*given) as program:
            _, told = program.communicate(timeout=100)
        other.terminate()
    assert program.returncode == 1
    assert {"folder": "is not a git repository", "port": f"cannot listen on port {port}"}[what] in told
    assert len(told.splitlines()) == 1


def test_the_command_line_becomes_settings(tmp_path: Path) -> None:
    """Repositories, secrets, variables, environments with reviewers, and an app's key."""
    key = tmp_path / "key.pem"
    key.write_text("PEM", encoding="utf-8")
    words = "--repo a/b=/x=y --secret KEY=1=2 --variable SITE=here --environment prod=owner,viewer"
    more = "--environment open= --login operator --token t --runners 2 --webhook http://x --webhook-secret s"
    arguments = [
        *words.split(),
        *more.split(),
        "--app-key",
        str(key),
        *("--environ", "A=1", "--person", "owner=own"),
        "--ids-from",
        "7",
        "--link",
        "x=/y",
        "--enforce-secondary",
    ]
    settings = read_settings(arguments)
    repository = settings.repositories["a/b"]
    assert (str(repository.path), repository.secrets["KEY"].get_secret_value()) == ("/x=y", "1=2")
    assert repository.variables == {"SITE": "here"}
    assert repository.environments["prod"].reviewers == ("owner", "viewer")
    assert repository.environments["open"].reviewers == ()
    assert [(one.login, one.token.get_secret_value()) for one in settings.tokens] == [
        ("operator", "t"),
        ("owner", "own"),
    ]
    assert settings.app is not None
    assert (settings.app.public_key, settings.runners, settings.environ) == ("PEM", 2, {"A": "1"})
    assert settings.links == {"x": Path("/y")}
    assert settings.ids_from == 7
    assert (settings.webhook_url, settings.enforce_secondary) == ("http://x", True)

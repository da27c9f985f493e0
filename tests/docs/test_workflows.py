"""Workflows keep to their rules: least rights, pinned actions, time-outs, nothing pasted into shells."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ml.__main__ import _parser, read_pairs

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ON_A_TAG = {"azure/login", "Azure/functions-action", "actions/upload-artifact"}


def load(path: Path) -> dict[str, Any]:
    """Parse a workflow; YAML 1.1 reads the key `on` as True, which is put right here."""
    parsed: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in parsed.items()}


def jobs(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name and body of each job."""
    yield from load(path)["jobs"].items()


def steps(path: Path) -> Iterator[dict[str, Any]]:
    """Yield each step of each job."""
    for _, job in jobs(path):
        yield from job.get("steps", [])


@pytest.fixture(params=WORKFLOWS, ids=lambda path: str(path.stem))
def workflow(request: pytest.FixtureRequest) -> Path:
    """Each workflow in turn."""
    path: Path = request.param
    return path


def test_the_workflows_are_there() -> None:
    """There is a workflow that tests, one that deploys, one that trains and one that posts digests."""
    assert {"ci", "deploy", "retrain", "digest"} <= {path.stem for path in WORKFLOWS}


def test_no_rights_by_default(workflow: Path) -> None:
    """A workflow grants nothing at its top, and each job asks for what it needs."""
    assert load(workflow)["permissions"] == {}
    assert [name for name, job in jobs(workflow) if "permissions" not in job] == []


def test_each_job_has_a_timeout(workflow: Path) -> None:
    """No job can hang for GitHub's default of six hours."""
    assert [name for name, job in jobs(workflow) if "uses" not in job and "timeout-minutes" not in job] == []


def test_runs_of_one_kind_do_not_pile_up(workflow: Path) -> None:
    """Each workflow says which of its runs exclude each other."""
    assert "group" in load(workflow)["concurrency"]


def test_actions_are_pinned(workflow: Path) -> None:
    """An action is named by the hash of a commit, its version beside it; a few are listed as exceptions."""
    text = workflow.read_text(encoding="utf-8")
    for used in (step["uses"] for step in steps(workflow) if "uses" in step):
        name, _, reference = used.partition("@")
        if name in ON_A_TAG:
            assert re.fullmatch(r"v\d+", reference), used
        else:
            assert re.fullmatch(r"[0-9a-f]{40}", reference), used
            assert re.search(re.escape(used) + r" # v\d+\.\d+\.\d+$", text, re.MULTILINE), used


def test_one_action_has_one_version() -> None:
    """The same action is pinned alike everywhere."""
    used = {step["uses"] for path in WORKFLOWS for step in steps(path) if "uses" in step}
    assert len(used) == len({one.partition("@")[0] for one in used})


def test_checkouts_keep_no_credentials(workflow: Path) -> None:
    """The token of a checkout does not stay in the clone for later steps to find."""
    checkouts = [
        step for step in steps(workflow) if str(step.get("uses", "")).startswith("actions/checkout@")
    ]
    assert [step for step in checkouts if step["with"]["persist-credentials"] is not False] == []


def test_nothing_is_pasted_into_a_shell(workflow: Path) -> None:
    """Values reach scripts by the environment, where they cannot become commands."""
    assert [step["run"] for step in steps(workflow) if "${{" in step.get("run", "")] == []


def test_secrets_belong_to_an_environment(workflow: Path) -> None:
    """A job that sees a secret runs in an environment, which a team can protect."""
    assert [name for name, job in jobs(workflow) if "secrets." in str(job) and "environment" not in job] == []


def test_deployment_waits_for_the_tests_and_is_announced() -> None:
    """Pushing to main tests, deploys to Flex Consumption without a stored password, and says how it ended."""
    deploy = load(ROOT / ".github" / "workflows" / "deploy.yml")
    assert deploy["on"]["push"] == {"branches": ["main"]}
    assert deploy["jobs"]["test"]["uses"] == "./.github/workflows/ci.yml"
    assert deploy["jobs"]["deploy"]["needs"] == "test"
    assert deploy["jobs"]["deploy"]["permissions"]["id-token"] == "write"
    publish = next(s for s in deploy["jobs"]["deploy"]["steps"] if "functions-action" in s.get("uses", ""))
    assert (publish["with"]["sku"], publish["with"]["remote-build"]) == ("flexconsumption", True)
    assert deploy["jobs"]["announce"]["needs"] == ["test", "deploy"]
    assert deploy["jobs"]["announce"]["if"].startswith("always()")


def test_the_image_is_published_by_one_job_with_the_rights_for_it() -> None:
    """Only that job writes packages, after the tests; it tries the image, pushes it, and says whose it is."""
    path = ROOT / ".github" / "workflows" / "deploy.yml"
    writing = [name for name, job in jobs(path) if job["permissions"].get("packages") == "write"]
    assert writing == ["image"]
    image = load(path)["jobs"]["image"]
    assert image["needs"] == "test"
    assert image["permissions"] == {
        "contents": "read",
        "packages": "write",
        "id-token": "write",
        "attestations": "write",
    }
    done = [step.get("run") or step["uses"] for step in image["steps"]]
    order = ("docker build", "docker run", "docker login", "docker push", "actions/attest-build-provenance")
    found = [next(at for at, text in enumerate(done) if words in text) for words in order]
    assert found == sorted(found)
    push = next(step for step in image["steps"] if step.get("id") == "push")
    attest = image["steps"][-1]["with"]
    assert attest["subject-digest"] == "${{ steps.push.outputs.digest }}"
    assert "digest=${pushed##*@}" in push["run"]
    assert "secrets." not in str(image)


def test_ci_calls_the_same_commands_as_people() -> None:
    """CI runs `make check`, `make test` and the demo, on every Python that is promised."""
    ci = ROOT / ".github" / "workflows" / "ci.yml"
    assert {"make check", "make test", "make demo ONCE=1"} <= {step.get("run") for step in steps(ci)}
    promised = set(re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text(encoding="utf-8")))
    assert set(load(ci)["jobs"]["test"]["strategy"]["matrix"]["python"]) == promised


def test_a_training_can_be_found_reported_and_stored() -> None:
    """The bot's id is in the run's name and makes the key; the report is handed over however it ended."""
    retrain = load(ROOT / ".github" / "workflows" / "retrain.yml")
    inputs = retrain["on"]["workflow_dispatch"]["inputs"]
    assert set(inputs) == {"model", "since", "until", "toban_id"}
    assert [name for name, one in inputs.items() if one.get("required")] == ["model"]
    assert "inputs.toban_id" in retrain["run-name"]
    job = retrain["jobs"]["train"]
    assert job["permissions"] == {"contents": "read", "id-token": "write"}
    train = next(step for step in job["steps"] if "ml train" in step.get("run", ""))
    assert "inputs.toban_id" in train["env"]["KEY"]
    assert "github.run_attempt" in train["env"]["KEY"]
    upload = next(step for step in job["steps"] if "upload-artifact" in step.get("uses", ""))
    assert upload["if"] == "always()"
    assert upload["with"]["path"] in train["run"]


def test_a_training_is_called_as_the_command_line_wants_it() -> None:
    """The line of the workflow, with its values filled in by a shell, is one that `python -m ml` reads."""
    script = next(
        step["run"]
        for step in steps(ROOT / ".github" / "workflows" / "retrain.yml")
        if "ml train" in step.get("run", "")
    )
    values = {"MODEL": "arrival-delay", "KEY": "7-1", "SINCE": "2013-01", "UNTIL": ""}
    shown = subprocess.run(
        ["sh", "-c", script.replace(".venv/bin/python -m ml", "printf '%s\\n'")],
        env=values | {"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    options, rest = _parser().parse_known_args(shown)
    assert (options.command, options.model, options.key) == ("train", "arrival-delay", "7-1")
    assert options.report == Path("toban-report.json")
    assert read_pairs(rest) == {"since": "2013-01"}


def test_a_digest_is_posted_by_the_same_command_as_by_hand() -> None:
    """The scheduled digest is `toban digest`, with the name given to a start by hand."""
    digest = load(ROOT / ".github" / "workflows" / "digest.yml")
    assert set(digest["on"]) == {"schedule", "workflow_dispatch"}
    assert any("python -m bot digest" in step.get("run", "") for step in digest["jobs"]["post"]["steps"])


def test_each_week_every_test_runs() -> None:
    """The long tests, which no change waits for, run by the clock."""
    weekly = load(ROOT / ".github" / "workflows" / "weekly.yml")
    assert set(weekly["on"]) == {"schedule", "workflow_dispatch"}
    assert weekly["jobs"]["test"]["steps"][-1] == {"run": "make test-full"}


def test_known_weaknesses_are_asked_for() -> None:
    """CI asks whether a locked package has a known weakness, in a job of its own, as people do."""
    job = load(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]["audit"]
    assert [step["run"] for step in job["steps"] if "run" in step] == ["make audit"]
    recipe = (ROOT / "Makefile").read_text("utf-8").split("\naudit:", 1)[1].split("\n\n", 1)[0]
    assert "--require-hashes -r requirements/audit.txt" in recipe
    assert "-r requirements/lock.txt" in recipe

"""Workflow files: what is read, what is refused, which pushes start one."""

import pytest

from playground.github.workflow_files import InvalidWorkflow, NotRunHere, read, wants_push

STEPS = "runs-on: ubuntu-latest\n    steps: [{run: 'true'}]"


def workflow(on: str, job: str = STEPS) -> str:
    """A file with one job."""
    return f"on: {on}\njobs:\n  one:\n    {job}\n"


def test_yaml_is_read_as_github_reads_it() -> None:
    """“on” is a key, a date and a time stay texts, yes is a text, numbers are numbers."""
    text = """
on:
  workflow_dispatch:
    inputs:
      since: {default: 2013-01-01, required: true}
      at: {default: 12:30}
      word: {default: yes}
      size: {default: 3, type: number}
      part: {default: 0.5, type: number}
      dry: {default: false, type: boolean}
      where: {type: choice, options: [1, two]}
      bare:
jobs:
  one:
    runs-on: ubuntu-latest
    steps: [{run: "true"}]
"""
    inputs = read("w.yml", text).inputs()
    defaults = {name: about.default for name, about in inputs.items()}
    assert defaults == {
        "since": "2013-01-01",
        "at": "12:30",
        "word": "yes",
        "size": 3,
        "part": 0.5,
        "dry": False,
        "where": None,
        "bare": None,
    }
    assert inputs["since"].required
    assert inputs["where"].options == ("1", "two")
    assert read("w.yml", text).name == "w.yml"


@pytest.mark.parametrize("on", ["push", "[push]", "{push: }"])
def test_events_may_be_written_in_three_ways(on: str) -> None:
    """A word, a list and a mapping mean the same."""
    assert read("w.yml", workflow(on)).on == {"push": {}}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("on: [push", "w.yml"),
        ("just words", "no mapping"),
        (workflow("push", "needs: two\n    " + STEPS), "unknown jobs"),
        (workflow("push", "runs-on: x"), "no steps"),
        (workflow("push", "runs-on: x\n    steps: [{name: idle}]"), "run` or `uses"),
        (workflow("push", "runs-on: x\n    steps: [{run: a, uses: b}]"), "run` or `uses"),
        (
            workflow("{workflow_dispatch: {inputs: {" + ", ".join(f"i{n}: " for n in range(26)) + "}}}"),
            "more than 25",
        ),
    ],
)
def test_a_file_that_github_would_not_take_is_invalid(text: str, why: str) -> None:
    """Broken YAML, circles, empty jobs and steps, and too many inputs are refused with a reason."""
    with pytest.raises(InvalidWorkflow, match=why):
        read("w.yml", text)


@pytest.mark.parametrize(
    "job",
    [
        "strategy: {matrix: {a: [1]}}\n    " + STEPS,
        "services: {db: {image: x}}\n    " + STEPS,
        "container: x\n    " + STEPS,
        "uses: ./.github/workflows/other.yml",
    ],
)
def test_what_the_loopback_cannot_run_is_named(job: str) -> None:
    """A matrix, services, containers and called workflows are refused, with the job's name."""
    with pytest.raises(NotRunHere, match=r"`(strategy|services|container|uses)` \(job one in w\.yml\)"):
        read("w.yml", workflow("push", job)).prove_runnable()


@pytest.mark.parametrize(
    ("about", "ref", "paths", "wanted"),
    [
        ("{}", "refs/heads/any", ["a"], True),
        ("{branches: [main]}", "refs/heads/main", ["a"], True),
        ("{branches: [main]}", "refs/heads/other", ["a"], False),
        ("{branches: [main]}", "refs/tags/v1", ["a"], False),
        ("{branches: ['releases/**']}", "refs/heads/releases/a/b", ["a"], True),
        ("{branches: ['releases/*']}", "refs/heads/releases/a/b", ["a"], False),
        ("{branches: ['**', '!wip']}", "refs/heads/wip", ["a"], False),
        ("{branches-ignore: ['wip*']}", "refs/heads/wip-1", ["a"], False),
        ("{tags: ['v[0-9]+.[0-9]+']}", "refs/tags/v1.20", ["a"], True),
        ("{tags: ['v[0-9]+.[0-9]+']}", "refs/tags/v1x20", ["a"], False),
        ("{tags: [v1]}", "refs/heads/main", ["a"], False),
        ("{paths: ['docs/**']}", "refs/heads/main", ["src/a", "docs/b/c.md"], True),
        ("{paths: ['**.py']}", "refs/heads/main", ["docs/a.md"], False),
        ("{paths-ignore: ['docs/**']}", "refs/heads/main", ["docs/a", "docs/b"], False),
        ("{paths-ignore: ['docs/**']}", "refs/heads/main", ["docs/a", "src/b"], True),
    ],
)
def test_pushes(about: str, ref: str, paths: list[str], wanted: bool) -> None:
    """Branches, tags and paths are matched by GitHub's globs."""
    assert wants_push(read("w.yml", workflow(f"{{push: {about}}}")), ref, paths) is wanted


def test_without_push_nothing_is_wanted() -> None:
    """A workflow for another event ignores pushes."""
    assert not wants_push(read("w.yml", workflow("workflow_dispatch")), "refs/heads/main", ["a"])

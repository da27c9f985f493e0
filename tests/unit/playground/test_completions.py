"""What the page's box completes: the bot's commands with what models, settings and repository name."""

from __future__ import annotations

from pathlib import Path

from bot.commands import COMMANDS
from playground.completions import Repository, build_completions, read_workflows
from playground.gallery.records import RUN_ID, model, run
from playground.slack.completions import Verb

TEAM = Path(__file__).resolve().parents[3] / "playground" / "repository"
ENDED = "20130101t000000-abcdef"
REPOSITORY = Repository(("acme/flights",), read_workflows(TEAM), {"api": "to production"})


def verb(name: str, repository: Repository | None = REPOSITORY) -> Verb:
    """Return what is completed after a verb."""
    runs = [run(), run(run_id=ENDED, state="succeeded")]
    made = build_completions("/ml", COMMANDS.values(), [model()], repository, runs)
    return next(one for one in made.commands[0].verbs if one.name == name)


def words(name: str, place: int = 0, first: str = "*") -> list[str]:
    """Return the words at a place after a verb."""
    return [word.name for word in verb(name).words[place][first]]


def test_workflows_are_completed_with_the_inputs_of_their_files() -> None:
    """Only those that people can start; the branch is an input of each."""
    files = words("run")

    assert "smoke.yml" in files
    for file in files:
        declared = list((REPOSITORY.workflows[file].schema or {})["properties"])
        named = [one.name for one in verb("run").inputs[file]]
        assert sorted(named) == sorted([*declared, "ref"])


def test_a_file_that_is_no_workflow_is_left_out(tmp_path: Path) -> None:
    """One broken file takes nothing away from the others."""
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "broken.yml").write_bytes(b"\xff: [")
    (folder / "pushed.yml").write_text("on: push\n", encoding="utf-8")
    (folder / "good.yaml").write_text("on: workflow_dispatch\n", encoding="utf-8")

    assert list(read_workflows(tmp_path)) == ["good.yaml"]


def test_models_and_versions_are_completed() -> None:
    """Where a version follows, it is one of the model that was named."""
    assert words("show", 1, "arrival-delay") == ["v1"]
    assert len(verb("compare").words) == 3
    assert "date" in [one.name for one in verb("predict").inputs["arrival-delay"]]


def test_runs_are_completed() -> None:
    """Any can be shown, as can a model; one that has not ended can be cancelled."""
    assert words("show") == ["arrival-delay", RUN_ID, ENDED]
    assert words("cancel") == [RUN_ID]
    assert verb("cancel").words[0]["*"][0].summary == "arrival-delay, running"


def test_deployments_and_subscriptions_are_completed() -> None:
    """Targets, repositories, and what can be told of."""
    assert words("deploy") == ["api"]
    assert words("subscribe") == ["acme/flights"]
    inputs = {one.name: one.values for one in verb("subscribe").inputs["*"]}
    assert "recovery" in inputs["on"]
    assert "smoke.yml" in inputs["workflow"]
    assert "on" not in [one.name for one in verb("unsubscribe").inputs["*"]]


def test_experiments_and_help_are_completed() -> None:
    """An experiment's fields and what it may start; each command after help, and its model."""
    assert "purpose" in [one.name for one in verb("experiment").inputs["*"]]
    assert words("experiment", 1, "start") == ["retrain", "run"]
    assert {"arrival-delay", "smoke.yml"} <= set(words("experiment", 2, "start"))
    assert set(words("help")) == set(COMMANDS)
    assert words("help", 1, "predict") == ["arrival-delay"]
    assert "predict" in words("form")


def test_without_a_repository_nothing_is_made_up() -> None:
    """A workspace without GitHub completes what there is."""
    assert verb("run", None).words == ()
    assert verb("deploy", None).words == ()

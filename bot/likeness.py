"""Whether an experiment was done before: which old ones it resembles, and by what.

Two measures, each said in words to whoever starts it: the very same command with the same inputs (a model and
its parameters, among them the window of its data; a workflow with its inputs and its branch), or a purpose
whose wording is alike by at least `ALIKE`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any

from pydantic import BaseModel, ConfigDict

from bot.experiments import Experiment, Issue, Start
from ml.contract import RunView

ALIKE = 0.8
MOST_COMPARED = 600
"""Characters of a purpose that are compared: longer texts differ early or not at all."""
MOST_SHOWN = 5


class Resemblance(BaseModel):
    """An old experiment or run that is alike, and why, in clauses."""

    model_config = ConfigDict(frozen=True)

    what: str
    about: str = ""
    url: str | None = None
    at: datetime
    why: tuple[str, ...]


def similarity(one: str, other: str) -> float:
    """Return how alike two texts are, 0 to 1: twice the characters in common, by the length of both.

    Case, width and white space do not count. Source: https://docs.python.org/3/library/difflib.html
    """
    matcher = SequenceMatcher(None, _plain(one), _plain(other), autojunk=False)
    if matcher.real_quick_ratio() < ALIKE or matcher.quick_ratio() < ALIKE:
        return 0.0
    return matcher.ratio()


def find_resemblances(
    experiment: Experiment, issues: Iterable[Issue], runs: Iterable[RunView], defaults: Mapping[str, Any]
) -> list[Resemblance]:
    """Return what was done before and is alike, newest first, at most `MOST_SHOWN`.

    *runs* are earlier runs of the model, *defaults* the parameters that it takes where none are given.
    """
    found = [_of_issue(experiment, issue) for issue in issues]
    found += [_of_run(experiment.facts.start, run, defaults) for run in runs]
    alike = sorted((one for one in found if one is not None), key=lambda one: one.at, reverse=True)
    return alike[:MOST_SHOWN]


def _of_issue(experiment: Experiment, issue: Issue) -> Resemblance | None:
    facts, why = issue.facts, []
    if facts is not None and facts.id == experiment.facts.id:
        return None
    start, earlier = experiment.facts.start, facts.start if facts else None
    if start is not None and earlier is not None and _same_work(start, earlier):
        why.append(f"it started the same: {start.name} with the same inputs")
    alike = similarity(experiment.purpose, issue.purpose)
    if alike >= ALIKE:
        why.append(f"its purpose is {alike:.0%} alike")
    if not why:
        return None
    return Resemblance(
        what=f"#{issue.number}", about=issue.title, url=issue.url, at=issue.created_at, why=tuple(why)
    )


def _of_run(start: Start | None, run: RunView, defaults: Mapping[str, Any]) -> Resemblance | None:
    if start is None or start.verb != "retrain" or run.kind != "retrain" or run.model != start.model:
        return None
    if _settled(defaults, run.params) != _settled(defaults, start.inputs):
        return None
    made = f", which made v{run.result.version}" if run.result and run.result.version else f" ({run.state})"
    return Resemblance(
        what=f"run {run.run_id}", at=run.created_at, why=(f"the same model and parameters{made}",)
    )


def _same_work(one: Start, other: Start) -> bool:
    return (one.verb, one.model, one.words) == (other.verb, other.model, other.words) and (
        one.effective == other.effective
    )


def _settled(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (dict(defaults) | dict(given)).items() if value is not None}


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())[:MOST_COMPARED]

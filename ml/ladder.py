"""The ladder of safety valves: champion, previous champion, then what the business chose for the model.

Each row is answered by the highest rung that can, and its answer names that rung. A rung that cannot be
loaded, that raises, or whose answer fails an output check passes its rows on; nothing here raises for a
failing model. Inputs and outputs are checked by two independent lists: the recipe's `input_checks` before,
its `output_checks` after.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ml.answers import Answer, Answers, Intervals, build_answer
from ml.calibration import offsets
from ml.contract import Source
from ml.manifest import Manifest
from ml.recipe import Predicted, Recipe, Table
from ml.sessions import NUMBERS, TEXTS, LoadedModel, graph_inputs

MODEL_FAILED = "model_failed"
"""The reason code of rows that were before a model when it raised."""

_log = logging.getLogger("toban.serving")


class RungMissing(Exception):
    """A rung cannot answer at all; `reason_code` says why."""

    def __init__(self, reason_code: str, detail: str = "") -> None:
        super().__init__(f"{reason_code}: {detail}")
        self.reason_code = reason_code


@dataclass(frozen=True)
class Rung:
    """A version that is loaded and can be asked."""

    model: LoadedModel
    manifest: Manifest
    recipe: Recipe

    @cached_property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """The smallest and largest value of each number that training saw; infinite where it saw none."""
        seen = [self.manifest.feature_ranges.get(name) for name in self.recipe.numbers]
        low = [-np.inf if r is None or r.minimum is None else r.minimum for r in seen]
        high = [np.inf if r is None or r.maximum is None else r.maximum for r in seen]
        return np.array(low, dtype=np.float32), np.array(high, dtype=np.float32)

    @cached_property
    def choices(self) -> list[frozenset[str] | None]:
        """The values of each text that training saw; None where that is not known."""
        seen = [self.manifest.feature_ranges.get(name) for name in self.recipe.texts]
        return [None if r is None or r.choices is None else frozenset(r.choices) for r in seen]


OpenRung = tuple[Source, Callable[[], Rung]]
"""Which rung it is, and how to get at it; may raise RungMissing."""


def climb(
    recipe: Recipe, table: Table, rungs: Sequence[OpenRung], reasons: Sequence[str | None] | None = None
) -> list[Answer]:
    """Return an answer for each row of *table*, from the highest rung that can give it.

    *reasons* says by row why a rung above these could not.
    """
    answers: list[Answer | None] = [None] * len(table)
    because: list[str | None] = [None] * len(table) if reasons is None else list(reasons)
    pending = list(range(len(table)))
    for source, open_rung in rungs:
        if not pending:
            break
        found = _ask(recipe, _part(table, pending), source, open_rung)
        left = []
        for place, row in enumerate(pending):
            reason = found if isinstance(found, str) else found.failed[place]
            if reason is None and not isinstance(found, str):
                answers[row] = _because(found.answers.row(place), because[row])
            else:
                because[row] = because[row] or reason
                left.append(row)
        pending = left
    if pending:
        last = _last_rung(recipe, _part(table, pending), [because[row] or "no_champion" for row in pending])
        for row, answer in zip(pending, last, strict=True):
            answers[row] = answer
    return [answer for answer in answers if answer is not None]


def climb_together(recipe: Recipe, table: Table, rungs: Sequence[OpenRung]) -> Answers:
    """Return the same answers as `climb`, as columns where the first rung gives them."""
    (source, open_rung), *lower = rungs
    found = _ask(recipe, table, source, open_rung)
    if isinstance(found, str):
        return Answers.of_rows(climb(recipe, table, lower, [found] * len(table)))
    left = [row for row, code in enumerate(found.failed) if code is not None]
    if left:
        rest = climb(recipe, _part(table, left), lower, [found.failed[row] for row in left])
        found.answers.apart.update(zip(left, rest, strict=True))
    return found.answers


def _part(table: Table, rows: list[int]) -> Table:
    return table if len(rows) == len(table) else table.take(np.array(rows))


def refuse(reason_code: str, problem: Any) -> Answer:
    """Return the answer of a row that no rung was asked about."""
    return build_answer("refused", "none", reason_code=reason_code, problem=problem)


def _because(answer: Answer, reason: str | None) -> Answer:
    """Return the answer of a lower rung with the reason why the champion did not give it."""
    if reason is not None:
        answer["reason_code"] = answer["reason_code"] or reason
        answer["fallback"] = True
        if answer["outcome"] == "predicted":
            answer["outcome"] = "fallback"
    return answer


@dataclass(slots=True)
class _Found:
    """What one rung says: answers, and for each row the code of the check that its answer fails, or None."""

    answers: Answers
    failed: list[str | None]


def _ask(recipe: Recipe, table: Table, source: Source, open_rung: Callable[[], Rung]) -> str | _Found:
    """Return the answers of one rung, or the reason code of why it has none."""
    try:
        rung = open_rung()
        inputs = graph_inputs(recipe, recipe.features(table), len(table))
        predicted = rung.model.run(inputs, table)
        failed = _failed_checks(recipe, predicted, table)
        return _Found(_dress(rung, source, table, inputs, predicted), failed)
    except RungMissing as missing:
        return missing.reason_code
    except Exception as error:  # noqa: BLE001 - whatever a model does, its rows go to the next rung
        _log.error("model failed", extra={"source": source, "error": repr(error)[:300]})
        return MODEL_FAILED


def _failed_checks(recipe: Recipe, predicted: Predicted, table: Table) -> list[str | None]:
    """Return for each row the code of the output check that its answer fails, None if it passes all."""
    numbers = predicted.values if predicted.probabilities is None else predicted.probabilities.sum(axis=1)
    if len(numbers) != len(table):
        raise ValueError(f"{len(numbers)} answers for {len(table)} rows")
    failed: list[str | None] = [None] * len(table)
    finite = np.isfinite(numbers)
    checks = [("answer_not_finite", ~finite)] if not finite.all() else []
    checks += [(check.code, check.bad(predicted, table)) for check in recipe.output_checks]
    for code, bad in checks:
        if bad.any():
            for row in np.flatnonzero(bad).tolist():
                failed[row] = failed[row] or code
    return failed


def _dress(rung: Rung, source: Source, table: Table, inputs: dict[str, Any], predicted: Predicted) -> Answers:
    """Return the contract's answers: value, interval, confidence, warnings, or why there is no value."""
    recipe, manifest = rung.recipe, rung.manifest
    shared = build_answer(
        "predicted",
        source,
        unit=recipe.unit,
        version=manifest.version,
        data_version=manifest.data_version,
    )
    confidence = None if predicted.confidence is None else predicted.confidence.tolist()
    intervals = _intervals(recipe, manifest, table, predicted)
    answers = Answers(shared, predicted.values.tolist(), intervals, confidence)
    warnings = _outside(rung, inputs)
    for row in sorted(warnings.keys() | _unsure(recipe, answers)):
        answer = answers.row(row)
        if row in warnings:
            answer["warnings"] = warnings[row]
        answers.apart[row] = _unless_unsure(recipe, answer)
    return answers


def _unsure(recipe: Recipe, answers: Answers) -> set[int]:
    """Return the rows whose interval is too wide or whose confidence is too low for the recipe's measure."""
    policy, intervals, confidence = recipe.policy, answers.intervals, answers.confidence
    if intervals is not None and (widest := policy.max_interval_width) is not None:
        ends = zip(intervals.low, intervals.high, strict=True)
        return {row for row, (low, high) in enumerate(ends) if high - low > widest}
    if confidence is not None and (least := policy.min_confidence) is not None:
        return {row for row, share in enumerate(confidence) if share < least}
    return set()


def _unless_unsure(recipe: Recipe, answer: Answer) -> Answer:
    """Return the answer, or its abstention where the recipe's measure says that it cannot be relied on."""
    policy, interval, confidence = recipe.policy, answer["interval"], answer["confidence"]
    outside = answer["warnings"]
    if outside and any(warning["field"] in policy.abstain_outside for warning in outside):
        reason = "outside_training_range"
    elif (
        interval is not None
        and policy.max_interval_width is not None
        and interval["high"] - interval["low"] > policy.max_interval_width
    ):
        reason = "interval_too_wide"
    elif confidence is not None and policy.min_confidence is not None and confidence < policy.min_confidence:
        reason = "low_confidence"
    else:
        return answer
    answer.update(outcome="abstain", value=None, reason_code=reason, safe_action=policy.safe_action)
    return answer


def _intervals(recipe: Recipe, manifest: Manifest, table: Table, predicted: Predicted) -> Intervals | None:
    if manifest.calibration is None or recipe.classes:
        return None
    low, high = offsets(manifest.calibration, recipe.calibration_groups(table))
    lows, highs = (predicted.values + low).tolist(), (predicted.values + high).tolist()
    return Intervals(lows, highs, manifest.calibration.coverage)


def _outside(rung: Rung, inputs: dict[str, Any]) -> dict[int, list[dict[str, Any]]]:
    """Return warnings by row for values that training never saw."""
    found: dict[int, list[dict[str, Any]]] = {}
    numbers = inputs[NUMBERS]
    low, high = rung.bounds
    outside = (numbers < low) | (numbers > high)
    for row, place in np.argwhere(outside).tolist() if outside.any() else ():
        name = rung.recipe.numbers[place]
        text = f"{name} is {numbers[row, place]:g}; training saw {low[place]:g} to {high[place]:g}"
        found.setdefault(row, []).append(_warning(name, text))
    for place, choices in enumerate(rung.choices):
        values = [] if choices is None else inputs[TEXTS][:, place].tolist()
        if choices is None or choices.issuperset(values):
            continue
        name = rung.recipe.texts[place]
        for row, value in enumerate(values):
            if value not in choices:
                found.setdefault(row, []).append(_warning(name, f"training never saw {name} {value[:40]!r}"))
    return found


def _warning(name: str, text: str) -> dict[str, Any]:
    return {"code": "outside_training_range", "field": name, "message": text}


def _last_rung(recipe: Recipe, table: Table, reasons: Sequence[str]) -> list[Answer]:
    """Return what the business chose for rows that no version could answer."""
    policy = recipe.policy
    if policy.on_failure == "no_action":
        return [
            build_answer(
                "no_action", "none", reason_code=reason, safe_action=policy.safe_action, fallback=True
            )
            for reason in reasons
        ]
    if policy.on_failure == "constant":
        return [
            build_answer("fallback", "constant", value=policy.constant, unit=recipe.unit, reason_code=reason)
            for reason in reasons
        ]
    values: list[Any] = [None] * len(table)
    if policy.on_failure == "rule":
        values = _rule_values(recipe, table)
    return [
        _no_answer(reason)
        if value is None
        else build_answer("fallback", "rule", value=value, unit=recipe.unit, reason_code=reason)
        for value, reason in zip(values, reasons, strict=True)
    ]


def _rule_values(recipe: Recipe, table: Table) -> list[Any]:
    """Return the rule's values, None where it has none: even a rule is code."""
    try:
        predicted = recipe.rule(table)
        values: list[Any] = predicted.values.tolist()
    except Exception as error:  # noqa: BLE001 - the last rung must not raise either
        _log.error("rule failed", extra={"error": repr(error)[:300]})
        return [None] * len(table)
    return [None if isinstance(value, float) and not np.isfinite(value) else value for value in values]


def _no_answer(reason: str) -> Answer:
    problem = {
        "title": "No answer",
        "status": 503,
        "detail": f"no version of the model could answer ({reason}), and there is nothing to fall back on",
        "reason_code": reason,
    }
    return build_answer("refused", "none", reason_code=reason, problem=problem, fallback=True)

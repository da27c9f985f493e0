"""What a comparison says, in words and as a table, from its recorded facts only and for any metric."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.messages.blocks import Block, table
from bot.messages.text import inline, listed
from bot.messages.units import decimals_to_tell_apart, number, quantity, scaled, short_digest, unit_name
from ml.contract import Evidence, MetricComparison

LUCK = 0.05
"""A paired test with a p-value from here on is called luck: nothing is said to be better for sure."""
SLIGHT = 0.03
"""A relative change up to this is called slight."""


def verdict(evidence: Evidence) -> str:
    """Return two or three plain sentences: what got better, what did not, luck or skill, and the rule."""
    parts = (_against_champion(evidence), _luck(evidence), _against_rule(evidence))
    return " ".join(filter(None, parts))


def comparison_table(evidence: Evidence) -> Block:
    """Return one row per metric: champion, candidate, difference, plain rule; ★ marks the business metric.

    Where there is no champion yet, nothing is said of one.
    """
    candidate, rows = f"candidate v{evidence.candidate}", map(_row, evidence.metrics)
    if evidence.champion is None:
        return table(
            ["metric", "unit", candidate, "plain rule"], [[*row[:2], row[3], row[5]] for row in rows]
        )
    head = ["metric", "unit", f"champion v{evidence.champion}", candidate, "difference", "plain rule"]
    return table(head, rows)


def why_line(evidence: Evidence) -> str:
    """Return on which rows the numbers rest, and what the marks in the table mean."""
    rows = evidence.rows
    window = f" from {inline(rows.since)} to {inline(rows.until)}" if rows.since and rows.until else ""
    directions = {
        "lower": "lower is better",
        "higher": "higher is better",
        "zero": "nearer to zero is better",
    }
    ways = "; ".join(
        f"{_mark(metric)}{inline(metric.title)}: {directions[metric.direction]}"
        for metric in evidence.metrics
    )
    star = " ★ is the business metric." if any(metric.business for metric in evidence.metrics) else ""
    return (
        f"All scored on the same {rows.count:,} rows{window} (evaluation rows of v{rows.version}, "
        f"data {inline(short_digest(rows.digest))}). {ways}.{star}"
    )


def _row(metric: MetricComparison) -> list[str]:
    places = _places(metric)
    shown = [_shown(value, metric, places) for value in (metric.champion, metric.candidate)]
    return [
        f"{_mark(metric)}{metric.title}",
        unit_name(metric.unit),
        *shown,
        _difference(metric, places),
        _shown(metric.rule, metric, places),
    ]


def _mark(metric: MetricComparison) -> str:
    return "★ " if metric.business else ""


def _shown(value: float | None, metric: MetricComparison, places: int) -> str:
    return "–" if value is None else number(scaled(value, metric.unit), places)


def _difference(metric: MetricComparison, places: int) -> str:
    if metric.champion is None:
        return "–"
    word = "equal" if metric.better is None else "better" if metric.better else "worse"
    return f"{number(scaled(metric.candidate - metric.champion, metric.unit), places, signed=True)} ({word})"


def _places(metric: MetricComparison) -> int:
    return decimals_to_tell_apart(
        *(
            None if value is None else scaled(value, metric.unit)
            for value in (metric.candidate, metric.champion, metric.rule)
        )
    )


def _against_champion(evidence: Evidence) -> str:
    candidate, champion = f"v{evidence.candidate}", f"v{evidence.champion}"
    if evidence.champion is None:
        return f"{candidate} is compared with the plain rule only: there was no champion beside it."
    rated = [metric for metric in evidence.metrics if metric.champion is not None]
    better = [metric for metric in rated if metric.better is True]
    worse = [metric for metric in rated if metric.better is False]
    equal = [metric for metric in rated if metric.better is None]
    if not better and not worse:
        return f"{candidate} and {champion} score the same."
    if not better:
        return f"{candidate} does not beat {champion}: it is {_worse(worse)}{_and_equal(equal)}."
    said = f"{candidate} beats {champion} on {_named(better)}"
    return said + (f", but is {_worse(worse)}" if worse else "") + f"{_and_equal(equal)}."


def _worse(metrics: Sequence[MetricComparison]) -> str:
    slightly = "slightly " if all(map(_slight, metrics)) else ""
    return f"{slightly}worse on {_named(metrics)}"


def _and_equal(metrics: Sequence[MetricComparison]) -> str:
    return f", and equal on {listed(_title(metric) for metric in metrics)}" if metrics else ""


def _named(metrics: Sequence[MetricComparison]) -> str:
    return listed(f"{_title(metric)} ({_numbers(metric)})" for metric in metrics)


def _title(metric: MetricComparison) -> str:
    return f"*{inline(metric.title)}*"


def _numbers(metric: MetricComparison) -> str:
    places, champion = _places(metric), metric.champion or 0.0
    ours, theirs = (quantity(value, metric.unit, places) for value in (metric.candidate, champion))
    unit = inline(unit_name(metric.unit))
    return f"{ours if unit == '%' else ours.removesuffix(f' {unit}')} against {theirs}"


def _slight(metric: MetricComparison) -> bool:
    if metric.champion is None:
        return False
    distance: Callable[[float], float] = abs if metric.direction == "zero" else float
    size = max(abs(metric.champion), abs(metric.candidate))
    return size == 0 or abs(distance(metric.candidate) - distance(metric.champion)) / size <= SLIGHT


def _luck(evidence: Evidence) -> str:
    test = evidence.test
    if test is None:
        return ""
    title = next((metric.title for metric in evidence.metrics if metric.name == test.metric), test.metric)
    chance = (
        "p < 0.001"
        if test.p_value < 0.001
        else f"p = {test.p_value:.3f}"
        if test.p_value < 0.1
        else f"p = {test.p_value:.2f}"
    )
    word = "is unlikely to be luck" if test.p_value < LUCK else "may well be luck"
    return f"The difference in {inline(title)} {word} ({chance}, {test.rows:,} rows)."


def _against_rule(evidence: Evidence) -> str:
    candidate = f"v{evidence.candidate}"
    if evidence.beats_rule:
        return f"{candidate} beats the plain rule." if evidence.champion is None else ""
    if evidence.champion is None:
        return _alone_against_rule(evidence, candidate)
    if evidence.beats_champion:
        return f"*{candidate} does not beat the plain rule.*"
    return f"*{candidate} beats neither the champion nor the plain rule.*"


def _alone_against_rule(evidence: Evidence, candidate: str) -> str:
    """Return what is to be said where no champion stands beside: a lead that may be luck is called so."""
    ahead = [metric for metric in evidence.metrics if _ahead_of_rule(metric)]
    if not ahead:
        return f"*{candidate} beats not even the plain rule.*"
    titles = listed(_title(metric) for metric in ahead)
    return f"{candidate} is ahead of the plain rule on {titles}, but *its lead may be luck.*"


def _ahead_of_rule(metric: MetricComparison) -> bool:
    if metric.rule is None:
        return False
    if metric.direction == "zero":
        return abs(metric.candidate) < abs(metric.rule)
    return (metric.candidate < metric.rule) == (
        metric.direction == "lower"
    ) and metric.candidate != metric.rule

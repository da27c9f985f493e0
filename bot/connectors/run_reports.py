"""Reading `toban-report.json`, the file by which a run says what came of it.

A report comes from code that is not ours: what is malformed, too large or not understood becomes one of the
report's `problems`, in a sentence, and never a failure. See docs/github.md.
"""

from __future__ import annotations

import difflib
import json
import math
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any, get_args

from bot.connectors.connector import Report, ReportMetric
from ml.contract import Direction, MetricSpec

REPORT_FILE = "toban-report.json"
MOST_REPORT_BYTES = 256 * 1024
MOST_METRICS = 50
MOST_FIELDS = 50
MOST_TEXT = 500
MOST_UNIT = 30
_METRIC_KEYS = frozenset({"name", "value", "unit", "direction", "business"})


def read_archive(content: bytes) -> Report:
    """Return the report in a zip archive; no more is unpacked than a report may be large."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            member = next((one for one in archive.infolist() if one.filename == REPORT_FILE), None)
            if member is None:
                return Report(problems=(f"The artifact holds no {REPORT_FILE}.",))
            with archive.open(member) as file:
                raw = file.read(MOST_REPORT_BYTES + 1)
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError, ValueError):
        return Report(problems=("The artifact is not a zip archive that can be read.",))
    except Exception as error:  # noqa: BLE001 - zlib and lzma raise errors of their own for damaged data
        return Report(problems=(f"The artifact is damaged ({type(error).__name__}).",))
    return read_report(raw)


def read_report(raw: bytes) -> Report:
    """Return the report in *raw*, with a sentence for each thing in it that cannot be used."""
    if len(raw) > MOST_REPORT_BYTES:
        return Report(problems=(f"The report is larger than {MOST_REPORT_BYTES >> 10} KiB.",))
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        return Report(problems=("The report is not proper JSON.",))
    if not isinstance(content, dict):
        return Report(problems=("The report is not a JSON object.",))
    problems: list[str] = []
    metrics = tuple(_metrics(content.pop("metrics", []), problems))
    named = {key: _named(content.pop(key, None), key, problems) for key in ("version", "data", "cost")}
    return Report(metrics=metrics, **named, fields=_fields(content, problems), problems=tuple(problems))


def judge(report: Report, model: str, metrics: Sequence[MetricSpec] | None) -> Report:
    """Return the report with a sentence for each metric that *model* does not have, or not in that unit.

    Such a metric is shown as a bare number: without direction and mark, since nothing can be made of it.
    None for *metrics* says that they are not known at present; nothing is judged by them then.
    """
    problems: list[str] = []
    if report.fields.get("model", model) != model:
        other = str(report.fields["model"])[:100]
        problems.append(f"The report speaks of the model {other}, not of {model}.")
    known = {one.name: one for one in metrics or ()}
    judged = [_judged(one, model, known, problems) if known else one for one in report.metrics]
    return report.model_copy(update={"metrics": tuple(judged), "problems": (*report.problems, *problems)})


def _judged(
    metric: ReportMetric, model: str, known: Mapping[str, MetricSpec], problems: list[str]
) -> ReportMetric:
    spec = known.get(metric.name)
    bare = metric.model_copy(update={"direction": None, "business": False})
    if spec is None:
        near = difflib.get_close_matches(metric.name, known, n=1, cutoff=0.5)
        meant = f"did you mean {near[0]}" if near else f"it has {', '.join(known)}"
        problems.append(f"Metric {metric.name} is none that {model} has ({meant}); it is shown and not used.")
        return bare
    if metric.unit and metric.unit != spec.unit:
        problems.append(
            f"Metric {metric.name} is given in {metric.unit}; {model} has it in {spec.unit or 'no unit'}. "
            "It is shown and not used."
        )
        return bare
    ours = {"unit": spec.unit, "direction": spec.direction, "business": spec.business}
    return metric.model_copy(update=ours)


def _metrics(given: Any, problems: list[str]) -> Iterator[ReportMetric]:
    if isinstance(given, dict):  # {"mae": 12.3} is enough where nothing is to be said about it
        given = [{"name": name, "value": value} for name, value in given.items()]
    if not isinstance(given, list):
        problems.append("`metrics` is neither a list nor an object.")
        return
    if len(given) > MOST_METRICS:
        problems.append(f"Only the first {MOST_METRICS} of {len(given)} metrics are shown.")
    seen: set[str] = set()
    for at, one in enumerate(given[:MOST_METRICS], start=1):
        metric = _metric(one, at, problems)
        if metric is not None and metric.name in seen:
            problems.append(f"Metric {metric.name} is given twice; the first one counts.")
        elif metric is not None:
            seen.add(metric.name)
            yield metric


def _metric(given: Any, at: int, problems: list[str]) -> ReportMetric | None:
    if not isinstance(given, dict) or not isinstance(given.get("name"), str) or not given["name"].strip():
        problems.append(f"Metric {at} has no name.")
        return None
    name, value = given["name"].strip()[:100], given.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
        problems.append(f"Metric {name} has no number as its value.")
        return None
    unknown = sorted(set(map(str, given)) - _METRIC_KEYS)
    if unknown:
        problems.append(f"Metric {name} has keys that nobody reads: {', '.join(unknown)[:100]}.")
    unit, direction = given.get("unit") or "", given.get("direction")
    if not isinstance(unit, str) or len(unit) > MOST_UNIT:
        problems.append(f"Metric {name} has a unit that is no short text.")
        unit = ""
    if direction is not None and direction not in get_args(Direction):
        problems.append(f"Metric {name} has a direction that is none of lower, higher and zero.")
        direction = None
    business = given.get("business") is True
    return ReportMetric(name=name, value=float(value), unit=unit, direction=direction, business=business)


def _finite(value: float) -> bool:
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _named(value: Any, key: str, problems: list[str]) -> str | None:
    if value is None or isinstance(value, str | int | float):
        return None if value is None else str(value)[:MOST_TEXT]
    problems.append(f"`{key}` is neither text nor a number.")
    return None


def _fields(content: dict[str, Any], problems: list[str]) -> dict[str, Any]:
    if len(content) > MOST_FIELDS:
        problems.append(f"Only the first {MOST_FIELDS} of {len(content)} other fields are kept.")
    return dict(list(content.items())[:MOST_FIELDS])

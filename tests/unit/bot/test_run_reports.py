"""Reports of runs: what is read, and what is said of what cannot be."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.connectors.run_reports import MOST_REPORT_BYTES, judge, read_archive, read_report
from ml.contract import MetricSpec


def packed(content: bytes, name: str = "toban-report.json") -> bytes:
    """Return a zip archive with one file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()


def test_report_is_read_whole() -> None:
    """Metrics with unit and direction, version, data, cost, and fields of the team's own."""
    content = {
        "metrics": [{"name": "mae", "value": 14.9, "unit": "min", "direction": "lower", "business": True}],
        "version": 7,
        "data": "sha256:ab",
        "cost": "0.12 USD",
        "rows": 100,
    }
    report = read_archive(packed(json.dumps(content).encode()))
    assert report.metrics[0].model_dump() == content["metrics"][0]  # type: ignore[index]
    assert (report.version, report.data, report.cost, report.fields) == (
        "7",
        "sha256:ab",
        "0.12 USD",
        {"rows": 100},
    )
    assert report.problems == ()


def test_metrics_by_name_are_enough() -> None:
    """The shortest report is an object of numbers."""
    assert [one.name for one in read_report(b'{"metrics": {"mae": 1, "rmse": 2.5}}').metrics] == [
        "mae",
        "rmse",
    ]


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ({"value": 1}, "Metric 1 has no name."),
        ({"name": "a"}, "Metric a has no number"),
        ({"name": "a", "value": "1"}, "Metric a has no number"),
        ({"name": "a", "value": True}, "Metric a has no number"),
        ({"name": "a", "value": 1, "unit": 3}, "a unit that is no short text"),
        ({"name": "a", "value": 1, "direction": "up"}, "none of lower, higher and zero"),
        ({"name": "a", "value": 1, "colour": "red"}, "keys that nobody reads: colour"),
        (5, "Metric 1 has no name."),
    ],
)
def test_odd_metric_is_a_problem_and_nothing_worse(metric: Any, said: str) -> None:
    """What is wrong with one metric is said; the other one is shown."""
    content = {"metrics": [metric, {"name": "good", "value": 2}]}
    report = read_report(json.dumps(content).encode())
    assert said in " ".join(report.problems)
    assert "good" in [one.name for one in report.metrics]


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"metrics": 3}', b'{"version": []}']
)
def test_malformed_report_is_a_problem(raw: bytes) -> None:
    """Whatever the file holds, there is a report with a sentence."""
    assert read_report(raw).problems


def test_numbers_that_are_none() -> None:
    """JSON's extensions and numbers beyond any float do not get through."""
    report = read_report(b'{"metrics": {"a": NaN, "b": Infinity, "c": 1' + b"0" * 400 + b', "d": 1}}')
    assert [one.name for one in report.metrics] == ["d"]


def test_zip_bomb_is_bounded() -> None:
    """A file that would unpack to half a gigabyte is given up at the limit."""
    bomb = packed(b"0" * (1 << 26))
    assert len(bomb) < 1 << 17
    assert str(MOST_REPORT_BYTES >> 10) in read_archive(bomb).problems[0]


@pytest.mark.parametrize(
    "content",
    [b"", b"PK", packed(b"{}", "other.json"), packed(b"{}" * 99)[:60]],
    ids=["empty", "two bytes", "another file", "cut"],
)
def test_archive_without_report(content: bytes) -> None:
    """No archive, a cut one, or one without the file: said, not raised."""
    assert read_archive(content).problems


@given(st.binary(max_size=200), st.integers(0, 150))
def test_damaged_archives_never_raise(noise: bytes, at: int) -> None:
    """Any damage to an archive ends in a report."""
    good = packed(b'{"metrics": {"a": 1}}')
    assert read_archive(good[:at] + noise + good[at + len(noise) :]) is not None


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["metrics", "name", "value", "unit", "version"]), inner)
        ),
    )
)
def test_any_json_makes_a_report(content: Any) -> None:
    """Any JSON is read or said to be none."""
    assert read_report(json.dumps(content).encode()) is not None


SPECS = (
    MetricSpec(name="mae", title="MAE", unit="min", direction="lower"),
    MetricSpec(name="within_15", title="within 15", unit="share", direction="higher", business=True),
)


def test_report_is_judged_by_the_model() -> None:
    """Unknown metrics name the nearest, other units the right one; both are shown bare; others get ours."""
    given = [
        {"name": "mea", "value": 1, "direction": "higher", "business": True},
        {"name": "zzz", "value": 2},
        {"name": "mae", "value": 3, "unit": "s", "direction": "lower"},
        {"name": "within_15", "value": 0.6},
    ]
    read = read_report(json.dumps({"metrics": given, "model": "other"}).encode())
    judged = judge(read, "arrival-delay", SPECS)
    assert judged.problems == (
        "The report speaks of the model other, not of arrival-delay.",
        "Metric mea is none that arrival-delay has (did you mean mae); it is shown and not used.",
        "Metric zzz is none that arrival-delay has (it has mae, within_15); it is shown and not used.",
        "Metric mae is given in s; arrival-delay has it in min. It is shown and not used.",
    )
    bare = [(one.value, one.direction, one.business) for one in judged.metrics[:3]]
    assert bare == [(1.0, None, False), (2.0, None, False), (3.0, None, False)]
    ours = judged.metrics[3]
    assert (ours.unit, ours.direction, ours.business) == ("share", "higher", True)


def test_report_waits_for_nobody() -> None:
    """Where the model's metrics are not known at present, the report stays as it came."""
    read = read_report(b'{"metrics": {"x": 1}}')
    assert judge(read, "arrival-delay", None) == read

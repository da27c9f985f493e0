"""Reports by template: each part as text, table, chart or file, and said plainly where that cannot be."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from bot.command_tables import ReportPart
from bot.connectors.connector import Report, ReportMetric
from bot.messages.message import compose
from bot.messages.reports import report_blocks

FIELDS = {
    "total": 1234.5,
    "ok": True,
    "note": "see <!channel> & <@U1>",
    "tags": ["a", "b"],
    "days": [{"day": "07-04", "rows": 120, "sum": "=1+1"}, {"day": "07-05", "rows": None}],
    "sizes": {"a": 1, "b": 2.5, "c": "x"},
    "many": [[str(at), at] for at in range(200)],
}


def shown(show: str, value: str, unit: str = "", report: Report | None = None) -> tuple[str, tuple[str, ...]]:
    """Return the text of one part and the names of its files."""
    part = ReportPart.model_validate({"title": "The Part", "show": show, "value": value, "unit": unit})
    blocks, files = report_blocks([part], report or Report(fields=FIELDS))
    return compose(*blocks, files=files).text, tuple(file.filename for file in files)


@pytest.mark.parametrize(
    ("show", "value", "unit", "words"),
    [
        ("text", "total", "rows", "*The Part*: 1,234 rows"),
        ("text", "ok", "", "*The Part*: yes"),
        ("text", "tags", "", "*The Part*: a, b"),
        ("text", "missing", "", "nothing was reported"),
        ("text", "sum(note)", "", "does not fit"),
        ("table", "days", "", "07-05"),
        ("table", "sizes", "", "2.5"),
        ("table", "many", "", "and 150 more"),
        ("table", "tags", "", "The Part: value"),
        ("chart", "tags", "", "no list of names and numbers"),
    ],
)
def test_parts_say_what_was_found(show: str, value: str, unit: str, words: str) -> None:
    """Numbers, yes and no, lists, tables; and why there is nothing to see."""
    assert words in shown(show, value, unit)[0]


def test_nothing_reported_rings_a_phone() -> None:
    """Text of a report is escaped."""
    text, _ = shown("text", "note")
    assert "<!channel>" not in text
    assert "<@U1>" not in text


def test_charts_are_pictures_with_words() -> None:
    """A chart is a PNG with a description; what is no number is left out."""
    part = ReportPart(title="Sizes", show="chart", value="sizes", unit="MB")
    _, (file,) = report_blocks([part], Report(fields=FIELDS))
    assert Image.open(io.BytesIO(file.content)).format == "PNG"
    assert file.alt_text == "Bars: a 1 and b 2.5 MB"
    assert "24 of 200" in shown("chart", "many")[0]


def test_files_hold_the_whole() -> None:
    """A list of objects is CSV that no spreadsheet runs, text is text, the rest JSON."""
    part = ReportPart(title="All days", show="file", value="days")
    _, (file,) = report_blocks([part], Report(fields=FIELDS))
    assert file.filename == "all-days.csv"
    assert file.content == b"\xef\xbb\xbfday,rows,sum\r\n07-04,120,'=1+1\r\n07-05,,\r\n"
    assert shown("file", "note")[1] == ("the-part.txt",)
    assert shown("file", "sizes")[1] == ("the-part.json",)


def test_without_a_template_plain_values_are_shown() -> None:
    """What an endpoint answered is shown in short; nested values wait for a template."""
    blocks, files = report_blocks([], Report(fields=FIELDS))
    text = compose(*blocks).text
    assert "*total*" in text
    assert "days" not in text
    assert files == ()
    assert report_blocks([], None) == ((), ())


def test_metrics_of_a_report_are_found_by_name() -> None:
    """What a report holds beside its own fields can be shown, too."""
    report = Report(metrics=(ReportMetric(name="mae", value=15.0, unit="min"),), version="v3")
    assert "15" in shown("text", "metrics[0].value", "min", report)[0]
    assert "v3" in shown("text", "version", "", report)[0]

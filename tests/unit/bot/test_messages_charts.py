"""The picture of a comparison."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.messages import charts
from ml.contract import Histogram
from playground.gallery.records import evidence

EDGES = (0.0, 5.0, 15.0)


def test_the_chart_shows_each_contender_and_says_so_in_words() -> None:
    """Bars in three colours on a light card, and alt text with the first numbers."""
    chart = charts.evidence_chart(evidence())
    assert chart is not None
    picture = Image.open(io.BytesIO(chart.content))
    colours = {f"#{r:02x}{g:02x}{b:02x}" for r, g, b in picture.get_flattened_data()}

    assert picture.size == (charts.WIDTH, charts.HEIGHT)
    assert colours >= {charts.CARD, *charts.COLOURS.values()}
    assert chart.filename == "arrival-delay-v2-errors.png"
    assert chart.alt_text == (
        "Bar chart of absolute errors on 28,000 rows. Within 0 to 5 min of the truth: "
        "30 % for candidate v2, 29 % for champion v1 and 25 % for plain rule."
    )


def test_the_same_evidence_gives_the_same_picture() -> None:
    """A chart drawn again after a crash is the same file."""
    first, second = charts.evidence_chart(evidence()), charts.evidence_chart(evidence())

    assert first == second


def test_longer_bars_stand_for_larger_shares() -> None:
    """The bar of the larger share has more pixels of its colour."""
    few_and_many = (
        Histogram(contender="candidate", edges=EDGES, shares=(0.9, 0.1), unit="min"),
        Histogram(contender="rule", edges=EDGES, shares=(0.2, 0.1), unit="min"),
    )
    chart = charts.evidence_chart(evidence(histograms=few_and_many))
    assert chart is not None
    counted = Image.open(io.BytesIO(chart.content)).getcolors(1 << 24) or []
    pixels = {f"#{r:02x}{g:02x}{b:02x}": count for count, (r, g, b) in counted}

    assert pixels[charts.COLOURS["candidate"]] > 2 * pixels[charts.COLOURS["rule"]]


@pytest.mark.parametrize(
    "histograms",
    [
        (),
        (Histogram(contender="candidate", edges=EDGES, shares=(1.0,), unit="min"),),
        (
            Histogram(contender="candidate", edges=EDGES, shares=(0.5, 0.5), unit="min"),
            Histogram(contender="rule", edges=(0.0, 1.0, 2.0), shares=(0.5, 0.5), unit="min"),
        ),
    ],
    ids=["none", "wrong length", "different edges"],
)
def test_what_cannot_be_compared_is_not_drawn(histograms: tuple[Histogram, ...]) -> None:
    """No picture is better than a wrong one."""
    assert charts.evidence_chart(evidence(histograms=histograms)) is None


def test_empty_shares_are_drawn_flat() -> None:
    """No rows in any bin is no error."""
    flat = Histogram(contender="candidate", edges=EDGES, shares=(0.0, 0.0), unit="")

    assert charts.evidence_chart(evidence(histograms=(flat,))) is not None


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
@settings(max_examples=20)
def test_every_value_is_in_the_histogram(values: list[float]) -> None:
    """Whatever the values, each is counted once between round numbers, and the words say how many where."""
    chart = charts.histogram("Predictions", values, "min", "predictions.png")
    assert chart.alt_text is not None
    said = re.findall(r"([\d,]+) from (\S+) to (\S+?)(?:,| and|\.$)", chart.alt_text)
    assert sum(int(count.replace(",", "")) for count, _, _ in said) == len(values)
    assert Image.open(io.BytesIO(chart.content)).size == (charts.WIDTH, charts.HEIGHT)


@pytest.mark.parametrize(
    ("values", "edges"),
    [
        ([3.0], 2),
        ([0.0], 2),
        ([5.0] * 100, 2),
        ([-3.0, 3.0], 2),
        ([0.001, 0.002], 2),
        (list(range(1000)), 2),
        ([1.7e308, -1.7e308], 2),
        ([5e-324, 0.0], 2),
        ([1e12, 1e12 + 0.001], 2),
    ],
)
def test_edges_are_round_and_few(values: list[float], edges: int) -> None:
    """From two to seventeen round numbers at even distances hold all values between them."""
    found = charts._round_edges(float(min(values)), float(max(values)))
    assert edges <= len(found) <= charts.BINS + 2
    assert found[0] <= min(values)
    assert max(values) <= found[-1]
    assert found == sorted(set(found))

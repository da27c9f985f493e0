"""The picture of a comparison."""

from __future__ import annotations

import io

import pytest
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

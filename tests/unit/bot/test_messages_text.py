"""Escaping, mentions and cutting."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages.text import (
    channel_link,
    code,
    counted,
    cut,
    escape,
    escape_markup,
    inline,
    listed,
    mention,
    plain,
    split,
    unescape,
)
from tests.unit.bot.slack_proof import BROADCAST, assert_markup

markup = st.lists(
    st.sampled_from(["a b", "&amp;", "`x y`", "```\nf\n```", "\n", "<@U123>", "&lt;", "é", " "]), max_size=80
).map("".join)


@given(st.text())
def test_escaped_text_holds_no_markup(text: str) -> None:
    """Any text comes out with nothing that Slack would act on."""
    for shown in (escape(text), inline(text), code(text)):
        assert_markup(shown)
        assert not BROADCAST.search(shown)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc", "Cf"])))
def test_escaping_loses_nothing_but_backticks(text: str) -> None:
    """Undoing the escapes gives the text back, as Slack shows it."""
    assert unescape(escape(text)).replace("\u2060", "") == text.replace("`", "'")


@given(st.text())
def test_slacks_escapes_are_undone_once(text: str) -> None:
    """A text that already looks escaped survives a round trip."""
    assert unescape(escape_markup(text)) == text


@pytest.mark.parametrize("word", ["@here", "@channel", "@everyone", "@Here", "x@here!"])
def test_broadcasts_are_broken(word: str) -> None:
    """No copy of the text rings everybody's phone."""
    assert "\u2060" in escape(word)
    assert "\u2060" in plain(word)


def test_a_name_that_begins_like_a_broadcast_is_left_alone() -> None:
    """`@hereford` is a name."""
    assert escape("@hereford") == "@hereford"


def test_right_to_left_text_is_isolated() -> None:
    """It cannot reorder the numbers around it, and override marks are gone."""
    assert inline("שלום") == "\u2068שלום\u2069"
    assert inline("\u202eabc") == "abc"


def test_half_characters_become_question_marks() -> None:
    """A lone surrogate cannot be sent to Slack."""
    assert escape("a\ud800b") == "a?b"


@pytest.mark.parametrize(
    ("slack_id", "shown"),
    [
        ("U0OWNER", "<@U0OWNER>"),
        ("W123", "<@W123>"),
        ("S0LEADS", "<!subteam^S0LEADS>"),
        ("nightly schedule", "nightly schedule"),
        ("<!channel>", "&lt;\u2060!channel&gt;"),
        ("U1> <!here", "U1&gt; &lt;\u2060!here"),
    ],
)
def test_only_slack_ids_become_mentions(slack_id: str, shown: str) -> None:
    """Anything else is shown as it is."""
    assert mention(slack_id) == shown


def test_channels_are_linked_by_id_however_they_are_recorded() -> None:
    """`slack:team/channel` is how a caller's place is written."""
    assert channel_link("C0ML") == "<#C0ML>"
    assert channel_link("slack:T0TEAM/C0ML") == "<#C0ML>"
    assert channel_link("slack:C0ML") == "<#C0ML>"
    assert channel_link("a notebook/C1") == "a notebook/C1"


@given(markup, st.integers(30, 200))
def test_a_cut_breaks_no_markup(text: str, limit: int) -> None:
    """What is cut stays within its limit, well-formed, and shows that it was cut."""
    short = cut(text, limit)

    assert len(short) <= limit
    assert_markup(short)
    assert short == text if len(text) <= limit else "…" in short


@given(markup, st.integers(40, 200))
def test_pieces_are_whole_and_lose_nothing(text: str, limit: int) -> None:
    """Each piece is well-formed and within the limit, and together they hold every word."""
    pieces = split(text, limit)

    for piece in pieces:
        assert len(piece) <= limit
        assert_markup(piece)
    strip = str.maketrans("", "", "`\n ")
    assert "".join(pieces).translate(strip) == text.translate(strip)


def test_words_are_listed_and_counted() -> None:
    """Lists and plurals read as people write them."""
    assert [listed([]), listed(["a"]), listed(["a", "b"]), listed("abc", "or")] == [
        "",
        "a",
        "a and b",
        "a, b or c",
    ]
    assert [counted(1, "run"), counted(1200, "run"), counted(2, "entry", "entries")] == [
        "1 run",
        "1,200 runs",
        "2 entries",
    ]

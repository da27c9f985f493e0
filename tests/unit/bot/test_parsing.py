"""What people type after the slash command, as phones type it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.parsing import Parsed, format_command, parse

typed = st.one_of(
    st.text(max_size=200),
    st.lists(
        st.sampled_from(
            [
                "predict",
                "a=1",
                "--b",
                "—c",
                "d:",
                "=",
                ":",
                "“x y”",
                "'",
                '"',
                "\\",
                "<@U1|x>",
                "<",
                "&lt;",
                "\u3000",
                "\n",
                "Ａ＝１",
                "İ=1",
            ]
        ),
        max_size=20,
    ).map(" ".join),
    st.text(alphabet="ab=:-–— \"'“”’\\<>&|　＝", max_size=60),
)


@pytest.mark.parametrize(
    "text",
    [
        "predict arrival-delay flight=UA1545 date=2013-07-04",
        "predict arrival-delay flight:UA1545 date:2013-07-04",
        "predict arrival-delay --flight UA1545 --date 2013-07-04",
        "predict arrival-delay --flight=UA1545 --date=2013-07-04",
        "predict arrival-delay —flight UA1545 –date=2013-07-04",
        "\u200bpredict\ufeff arrival-\u2060delay flight=UA1545\u200b date=\u202d2013-07-04\u202c\u200b",
        "predict arrival-delay flight=“UA1545” date=‘2013-07-04’",
        "predict arrival-delay flight=\"UA1545\" date='2013-07-04'",
        "predict　arrival-delay　flight＝UA1545　date：2013-07-04",
        "Predict\narrival-delay\nFlight: UA1545\nDATE = 2013-07-04",
        "date=2013-07-04 flight=UA1545 predict arrival-delay",
        "ｐｒｅｄｉｃｔ arrival-delay ｆｌｉｇｈｔ=UA1545 date=2013-07-04",
    ],
)
def test_every_way_of_typing_means_the_same(text: str) -> None:
    """Signs, dashes, quotes, widths, case, order and line breaks do not matter."""
    assert parse(text) == Parsed("predict", ("arrival-delay",), {"flight": "UA1545", "date": "2013-07-04"})


@pytest.mark.parametrize(
    ("text", "inputs"),
    [
        ("p m url=https://example.com/a?b=c:d", {"url": "https://example.com/a?b=c:d"}),
        ("p m at=05:15", {"at": "05:15"}),
        ("p m delay=-5", {"delay": "-5"}),
        ("p m --delay -5", {"delay": "-5"}),
        ("p m note=“it’s late”", {"note": "it’s late"}),
        ("p m note='it's late'", {"note": "it's late"}),
        (r'p m note="say \"hi\" \\ bye"', {"note": r'say "hi" \ bye'}),
        (r"p m path=C:\temp\new", {"path": r"C:\temp\new"}),
        ("p m dep-delay=1", {"dep_delay": "1"}),
        ("p m Dep_Delay=1", {"dep_delay": "1"}),
        ("p m until=", {"until": ""}),
        ("p m until= since=2013", {"until": "", "since": "2013"}),
        ("p m --force", {"force": ""}),
        ('p m until=""', {"until": ""}),
        ("p m a=b=c", {"a": "b=c"}),
        ("p m note=&lt;b&gt; &amp;amp;", {"note": "<b>"}),
    ],
)
def test_values_are_read_whole(text: str, inputs: dict[str, str]) -> None:
    """Addresses, times, signs, quotes and escapes stay part of their value."""
    assert parse(text).inputs == inputs


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("p https://example.com/x", ("https://example.com/x",)),
        ("p &lt;https://example.com&gt;", ("<https://example.com>",)),
        ("p <https://example.com|example.com>", ("example.com",)),
        ("p <https://example.com/x|the page>", ("https://example.com/x",)),
        ("p <mailto:a@example.com|a@example.com>", ("a@example.com",)),
        ("p <tel:20130710|2013-07-10> <tel:2013-07-10>", ("2013-07-10", "2013-07-10")),
        ("p <@U123|sam> <#C123|general> <!subteam^S1|@leads>", ("U123", "C123", "S1")),
        ("p <!here>", ("@here",)),
        ("p <model>", ("model",)),
        ("p 05:15 12:30:00", ("05:15", "12:30:00")),
        ("p 'a=b' “c: d”", ("a=b", "c: d")),
        ("p don't", ("don't",)),
        ("p a = ", ("a", "=")),
    ],
)
def test_words_are_read_as_slack_sends_them(text: str, words: tuple[str, ...]) -> None:
    """People, channels, links and times are words, and quotes keep a word from being an input."""
    assert parse(text).words == words


def test_a_key_given_twice_is_a_problem() -> None:
    """The first value stays; the second is named."""
    parsed = parse("predict m date=2013-07-04 Date:2013-07-05")

    assert parsed.inputs == {"date": "2013-07-04"}
    assert [(problem.field, problem.value) for problem in parsed.problems] == [("date", "2013-07-05")]


def test_an_open_quote_is_a_problem() -> None:
    """Everything after it is taken as the value, and the problem names the field."""
    parsed = parse("predict m note=“half a sentence")

    assert parsed.inputs == {"note": "half a sentence"}
    assert [problem.field for problem in parsed.problems] == ["note"]


def test_nothing_typed_asks_for_nothing() -> None:
    """An empty command has no verb."""
    assert parse(" \u3000\n") == Parsed()


@given(typed)
def test_parsing_never_raises(text: str) -> None:
    """Any text is read, and its keys are in their one spelling."""
    for key in parse(text).inputs:
        assert parse(f"{key}=1").inputs == {key: "1"}


@given(typed)
def test_what_was_read_can_be_written_and_read_again(text: str) -> None:
    """Writing a command and reading it back changes nothing."""
    first = parse(text)
    again = parse(format_command(first))

    assert (again.verb, again.words, again.inputs) == (first.verb, first.words, first.inputs)
    assert again.problems == ()


@given(
    st.text(),
    st.lists(st.text()),
    st.dictionaries(st.from_regex("[a-z][a-z0-9_]{0,9}", fullmatch=True), st.text()),
)
def test_any_command_survives_being_written(verb: str, words: list[str], inputs: dict[str, str]) -> None:
    """Any words and values, however odd, come back as they were."""
    first = parse(format_command(Parsed(verb, tuple(words), inputs)))

    assert first.words == tuple(words)
    assert first.inputs == inputs
    assert first.problems == ()


@pytest.mark.parametrize("part", ["“", "1=“", "a=“b ", "<", "<@", "--a ", "= ", "&", "\\"])
def test_long_texts_are_read_in_one_go(part: str) -> None:
    """Forty thousand odd characters are no trouble."""
    parse("predict m " + part * (40_000 // len(part)))

"""The one place that proves a message inside Slack's limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import blocks as build
from bot.messages.message import (
    OVERFLOW_NAME,
    Attachment,
    Message,
    bounded,
    compose,
    file_note,
    text_table,
    without_files,
)
from bot.messages.text import code, escape, inline
from tests.unit.bot.slack_proof import assert_fits, everything, strings

NASTY = (
    "<!channel> @here @Channel <@U123> <https://example.com|x>",
    "`code` ```fence *bold* _it_ & &amp; ~x~",
    "当番の機械学習モデル " * 30,
    "\u202eright to left\u202c שלום عالم " * 5,
    "😀👩‍🔬\ud800\x00\x1b[31m\r\n\ttab",
    "x" * 40_000,
    "`&<>" * 10_000,
    "word " * 8_000,
    "line\n" * 8_000,
)
wild = st.one_of(st.sampled_from(NASTY), st.text(max_size=400))

any_block = st.one_of(
    wild.map(build.header),
    wild.map(lambda text: build.section(escape(text))),
    wild.map(lambda text: build.section(f"*{inline(text)}* {code(text)}")),
    st.lists(wild.map(code), min_size=1, max_size=14).map(lambda lines: build.context(*lines)),
    wild.map(build.markdown),
    wild.map(lambda text: build.section(build.fenced(text))),
    st.tuples(st.integers(1, 25), st.integers(0, 130), wild).map(
        lambda size: build.table([f"c{at}" for at in range(size[0])], [[size[2][:40]] * size[0]] * size[1])
    ),
    st.just(build.divider()),
)


@given(st.lists(any_block, min_size=1, max_size=60))
def test_any_blocks_become_a_message_that_slack_takes(blocks: list[build.Block]) -> None:
    """Whatever the texts, the message is inside every limit, fully escaped, and with its buttons."""
    press = build.actions(build.button("Promote", "version.promote", "v"))
    message = compose(*blocks, press)

    assert_fits(message)
    assert any(block["type"] == "actions" for block in message.blocks)


@given(st.lists(any_block, min_size=1, max_size=60))
def test_a_bounded_message_stays_as_it_is(blocks: list[build.Block]) -> None:
    """Proving a message a second time changes nothing."""
    message = compose(*blocks)

    assert bounded(message) == message


def test_what_does_not_fit_goes_whole_into_a_file() -> None:
    """A cut message says so and carries its whole text, unescaped, as a file."""
    message = compose(build.header("Long"), build.section(escape("a<b " * 10_000 + "THE END")))

    assert [file.filename for file in message.files] == [OVERFLOW_NAME]
    assert message.files[0].content.decode().endswith("a<b THE END")
    assert OVERFLOW_NAME in message.text
    assert OVERFLOW_NAME in message.blocks[-1]["elements"][0]["text"]


def test_a_long_section_is_split_without_loss() -> None:
    """A section over Slack's limit becomes several that together say the same."""
    lines = "\n".join(f"line {number} of a long report" for number in range(300))
    message = compose(build.section(lines))

    assert not message.files
    assert "\n".join(block["text"]["text"] for block in message.blocks) == lines


def test_a_second_table_is_set_as_text() -> None:
    """Slack takes one table in a message; the next one stays readable."""
    table = build.table(["a"], [["1"]])
    message = compose(table, table)

    assert [block["type"] for block in message.blocks] == ["table", "section"]
    assert "```" in message.blocks[1]["text"]["text"]


def test_rows_beyond_slacks_limit_are_in_the_file() -> None:
    """Row 150 of a table is in the file, and the table keeps its header."""
    message = compose(build.table(["row"], [[f"row-{number}"] for number in range(1, 151)]))

    assert len(message.blocks[0]["rows"]) == 100
    assert "row-150" in message.files[0].content.decode()


def test_block_ids_change_with_the_content_only() -> None:
    """An edited block gets a new id, as Slack asks for; an equal message keeps its ids."""
    before, same, after = (compose(build.section(text)) for text in ("one", "one", "two"))

    assert before == same
    assert before.blocks[0]["block_id"] != after.blocks[0]["block_id"]


def test_text_and_blocks_say_the_same() -> None:
    """The fallback text holds the headline, the paragraphs, the small print and the table."""
    message = compose(
        build.header("A & B"), build.section("*x*"), build.context("small"), build.table(["n"], [[1]])
    )

    assert message.text == "*A &amp; B*\n*x*\nsmall\n```\n  n\n---\n  1\n```"


def test_a_private_answer_promises_no_file() -> None:
    """Without files, no line speaks of a file any more, in blocks or text."""
    message = compose(build.section("x " * 20_000), file_note("All is in the file *x.csv*."))
    private = without_files(message)

    assert message.files
    assert not private.files
    assert "file" not in everything(private)
    assert_fits(private)


def test_a_message_without_files_is_left_alone() -> None:
    """Nothing changes where there is no file."""
    message = compose(build.section("short"))

    assert without_files(message) is message


def test_files_given_are_kept() -> None:
    """The overflow file comes beside the message's own files."""
    own = Attachment("a.csv", b"1", "A")
    message = bounded(Message("x", (build.section("x" * 40_000),), (own,)))

    assert [file.filename for file in message.files] == ["a.csv", OVERFLOW_NAME]


def test_a_button_value_is_never_cut() -> None:
    """A value over Slack's limit is an error, because a cut one would mean something else."""
    with pytest.raises(ValueError, match=r"version\.promote"):
        build.button("Promote", "version.promote", "x" * 2001)


def test_columns_of_numbers_are_set_right() -> None:
    """Numbers, also with signs, per cent and remarks, stand right; words stand left; gaps do not count."""
    table = build.table(
        ["metric", "value", "share", "difference", "empty"],
        [["MAE", "−15.0", "64.1 %", "−0.1 (better)", None], ["bias", "1,200", "–", "+6.1 (worse)", ""]],
    )

    assert [column["align"] for column in table["column_settings"]] == [
        "left",
        "right",
        "right",
        "right",
        "left",
    ]


def test_wide_characters_keep_a_text_table_aligned() -> None:
    """Japanese letters count as two columns."""
    lines = text_table(["名前", "n"], [["当番", "1"], ["ab", "22"]]).split("\n")

    assert lines[2] == "当番      1"
    assert lines[3] == "ab       22"


def test_no_text_of_a_block_is_lost_in_the_proof() -> None:
    """The proof looks at every text, also in tables and buttons."""
    table = build.table(["h"], [["cell"]])

    assert list(strings(table))[:2] == ["h", "cell"]


def words_of(length: int) -> str:
    """Return a text of words, of exactly this length."""
    return ("word " * length)[: length - 1] + "x"


@pytest.mark.parametrize(("blocks", "files"), [(50, 0), (51, 1), (101, 1)])
def test_blocks_at_the_limit_and_beyond(blocks: int, files: int) -> None:
    """Fifty blocks are sent as they are; of more, the whole is in the file."""
    message = compose(*(build.section(f"line {number}") for number in range(1, blocks + 1)))

    assert_fits(message)
    assert (len(message.blocks), len(message.files)) == (50, files)
    assert f"line {blocks}" in everything(message)


@pytest.mark.parametrize(("length", "sections"), [(3000, 1), (3001, 2)])
def test_a_section_at_the_limit_and_beyond(length: int, sections: int) -> None:
    """One character too many makes a second section and loses nothing."""
    message = compose(build.section(words_of(length)))

    assert_fits(message)
    assert len(message.blocks) == sections
    assert not message.files
    shown = " ".join(block["text"]["text"].strip() for block in message.blocks)
    assert shown == words_of(length)


@pytest.mark.parametrize(("length", "files"), [(150, 0), (151, 1)])
def test_a_header_at_the_limit_and_beyond(length: int, files: int) -> None:
    """A longer headline ends in an ellipsis, and is whole in the file."""
    message = compose(build.header(words_of(length)))

    assert_fits(message)
    assert len(message.files) == files
    assert words_of(length) in everything(message)


@pytest.mark.parametrize(("lines", "files"), [(10, 0), (11, 1)])
def test_small_print_at_the_limit_and_beyond(lines: int, files: int) -> None:
    """Ten small lines stand in a block; the eleventh is in the file."""
    message = compose(build.context(*(f"line {number}" for number in range(1, lines + 1))))

    assert_fits(message)
    assert len(message.files) == files
    assert f"line {lines}" in everything(message)


@pytest.mark.parametrize(
    ("rows", "columns", "files"), [(99, 20, 0), (100, 20, 1), (9, 21, 1), (500, 4, 1), (3, 200, 1)]
)
def test_a_table_at_the_limit_and_beyond(rows: int, columns: int, files: int) -> None:
    """A hundred rows with the head, twenty columns; a cell beyond is in the file."""
    table = build.table([f"c{at}" for at in range(columns)], [["1"] * (columns - 1) + ["end"]] * rows)
    message = compose(table)

    assert_fits(message)
    assert len(message.files) == files
    assert everything(message).count("end") >= rows
    assert f"c{columns - 1}" in everything(message)


@pytest.mark.parametrize("length", [11_900, 12_100, 13_200, 13_201, 40_000])
def test_all_text_together_stays_in_slacks_budget(length: int) -> None:
    """What Slack would answer with msg_blocks_too_long is shortened, whole in the file."""
    message = compose(build.section(words_of(length)), build.actions(build.button("Open", "a", "v")))

    assert_fits(message)
    assert bool(message.files) == (length > 12_000)
    assert message.blocks[-1]["type"] == "actions" or message.blocks[-2]["type"] == "actions"


def test_a_link_is_never_cut_in_two() -> None:
    """Where a paragraph is split, a link or a mention goes as a whole into one of the pieces."""
    link = "<https://example.com/a|two words>"
    message = compose(build.section(f"{words_of(2970)} {link} {words_of(100)}"))

    assert_fits(message)
    assert sum(link in block["text"]["text"] for block in message.blocks) == 1


def test_buttons_have_words() -> None:
    """A label of nothing, or of what does not print, is shown as a dash."""
    assert [build.button(label, "a", "v")["text"]["text"] for label in ("", " ", "\x00")] == ["–"] * 3

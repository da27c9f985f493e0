"""What the transcript looks like to a person, and to a program that reads it."""

import io

import pytest

from playground.terminal import Terminal


class Screen(io.StringIO):
    """A terminal that a person looks at."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("*v2 was promoted* by @owner", "v2 was promoted by @owner"),
        ("*a*, *b c*", "a, b c"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("snake*case*name", "snake*case*name"),
        ("**", "**"),
    ],
)
def test_bold_is_shown_without_its_asterisks(line: str, shown: str) -> None:
    """Asterisks around words are Slack's bold; any other asterisk stays."""
    out = io.StringIO()
    Terminal(out).seen(line)
    assert out.getvalue() == f"  │ {shown}\n"


def test_bold_is_bold_where_somebody_looks() -> None:
    """On a screen the words are bold."""
    out = Screen()
    Terminal(out).seen("*yes*")
    assert "\x1b[1myes\x1b[0m" in out.getvalue()


def test_the_moving_line_is_overwritten_only_on_a_screen() -> None:
    """A file gets each new state on a line of its own, once."""
    out, screen = io.StringIO(), Screen()
    for terminal in (Terminal(out), Terminal(screen)):
        terminal.moving("fit 10 %")
        terminal.moving("fit 10 %")
        terminal.moving("fit 20 %")
        terminal.line("done")
    assert out.getvalue() == "  fit 10 %\n  fit 20 %\ndone\n"
    assert "\n" not in screen.getvalue().removesuffix("done\n")


def test_a_private_message_names_who_sees_it() -> None:
    """What only one person sees is marked so."""
    out = io.StringIO()
    Terminal(out).seen("hello", only="viewer")
    assert "only viewer sees this" in out.getvalue()

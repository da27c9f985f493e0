"""An experiment and its issue: written, read back, and changed only between the bot's own marks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.experiments import (
    NAMES,
    PENDING,
    RESULT_BEGIN,
    RESULT_END,
    Experiment,
    Facts,
    Issue,
    Start,
    about,
    build_body,
    id_mark,
    quoted,
    read_facts,
    read_texts,
    with_result,
)
from bot.likeness import find_resemblances, similarity
from ml.contract import RunView

AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
START = Start(
    verb="retrain", model="arrival-delay", inputs={"until": "2013-06"}, effective={"until": "2013-06"}
)


def made(
    purpose: str = "Does half a year do?", start: Start | None = START, flow_id: str = "c-1"
) -> Experiment:
    """Return an experiment."""
    model = start.model if start else None
    return Experiment(texts={"purpose": purpose}, facts=Facts(id=flow_id, model=model, start=start))


def issue(experiment: Experiment, number: int = 1) -> Issue:
    """Return the issue of an experiment."""
    return Issue(
        number=number, title=experiment.title, url="https://x", body=build_body(experiment), created_at=AT
    )


@given(texts=st.dictionaries(st.sampled_from(NAMES), st.text(max_size=80)), flow_id=st.text(max_size=20))
def test_whatever_people_write_the_issue_keeps_its_form(texts: dict[str, str], flow_id: str) -> None:
    """No text makes a heading, a mark or a fact of its own, and the facts come back as they were."""
    body = build_body(Experiment(texts=texts, facts=Facts(id=flow_id, start=START)))
    assert body.count("\n### ") + body.startswith("### ") == len(NAMES)
    assert (body.count(RESULT_BEGIN), body.count(RESULT_END)) == (1, 1)
    assert read_facts(body) == Facts(id=flow_id, start=START)
    assert set(read_texts(body)) <= {name for name, text in texts.items() if text.strip()}


def test_texts_are_read_back() -> None:
    """What stands under a heading is found, written by the bot or by hand; an empty answer is none."""
    assert read_texts(build_body(made())) == {"purpose": "Does half a year do?"}
    assert read_texts("### Purpose\r\n\r\nWhy?\r\n\r\n### Data set\r\n\r\n_No response_") == {
        "purpose": "Why?"
    }
    assert read_facts("### Purpose\n\nWhy?") is None
    assert read_facts("<!-- toban:experiment {broken} -->") is None


def test_the_issue_of_a_flow_is_found_by_its_mark() -> None:
    """Each flow's mark stands in its own issue and in no other."""
    assert id_mark("c-1") in build_body(made())
    assert id_mark("c-1") not in build_body(made(flow_id="c-12"))


@pytest.mark.parametrize(
    "text", ["### Result", "  # a", "---", "=====", "<!-- toban:result -->", "ask @owner"]
)
def test_text_of_people_is_only_text(text: str) -> None:
    """Headings, rules, comments and mentions are shown and do nothing."""
    shown = quoted(text)
    assert shown != text
    assert not shown.startswith(("#", "---", "===", "<!--"))
    assert "@owner" not in shown


def test_a_result_goes_between_the_marks_only() -> None:
    """Everything that people wrote elsewhere stays, and a later result takes the place of the first."""
    body = build_body(made()).replace("### Discussion\n\n_No response_", "### Discussion\n\nMine.")
    first = with_result(body, "one", None)
    assert first is not None
    assert first == body.replace(PENDING, "one")
    assert with_result(first, "one", None) == first
    assert with_result(first, "two", "one") == body.replace(PENDING, "two")


def test_what_is_not_safe_to_change_is_left() -> None:
    """Without the marks, with two of them, or with somebody's words between them, nothing is changed."""
    body = build_body(made())
    assert with_result("no marks", "one", None) is None
    assert with_result(body + RESULT_BEGIN, "one", None) is None
    assert with_result(body.replace(PENDING, "my own words"), "one", None) is None
    assert with_result(body.replace(RESULT_END, ""), "one", None) is None


def test_similarity_is_of_the_wording() -> None:
    """Case, width and spaces do not count; another question is another question; other scripts work."""
    assert similarity("Does  weather help?", "DOES WEATHER HELP？") == 1.0
    assert similarity("Does weather help?", "Is half a year enough?") == 0.0
    assert similarity("天気は役に立つか", "天気は役に立つか？") > 0.9


def test_the_same_start_or_a_like_purpose_resembles() -> None:
    """Each resemblance says by which of the measures; an experiment does not resemble itself."""
    mine = made("Something else entirely", flow_id="c-2")
    (same,) = find_resemblances(mine, [issue(made())], [], {})
    assert same.why == ("it started the same: retrain arrival-delay with the same inputs",)
    other = START.model_copy(update={"effective": {"until": "2013-05"}})
    assert find_resemblances(made("Something else entirely", other, "c-2"), [issue(made())], [], {}) == []
    (alike,) = find_resemblances(made("Does half a year do", None, "c-2"), [issue(made())], [], {})
    assert "% alike" in alike.why[0]
    assert find_resemblances(made(), [issue(made())], [], {}) == []


def test_a_run_with_the_same_parameters_resembles() -> None:
    """Parameters are compared with their defaults, so that saying one is the same as leaving it."""
    run = RunView(
        run_id="20130801t060000-a1b2c3",
        model="arrival-delay",
        kind="retrain",
        state="failed",
        params={"until": "2013-06"},
        created_at=AT,
        event=3,
    )
    (found,) = find_resemblances(made(), [], [run], {"since": "2013-01"})
    assert found.why == ("the same model and parameters (failed)",)
    explicit = run.model_copy(update={"params": {"until": "2013-06", "since": "2013-01"}})
    assert len(find_resemblances(made(), [], [explicit], {"since": "2013-01"})) == 1
    assert find_resemblances(made(), [], [explicit], {"since": "2013-02"}) == []


def test_what_an_experiment_is_about() -> None:
    """The bot's own say which model; of one by hand its text does."""
    assert about(issue(made()), "arrival-delay")
    assert not about(issue(made()), "wine-class")
    by_hand = Issue(number=2, title="Wine-class again", url="https://x", created_at=AT)
    assert about(by_hand, "wine-class")

"""Messages of experiments fit Slack whatever people wrote, and results are plain tables of Markdown."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from bot.connectors.connector import Report, ReportMetric, RunHandle, RunStatus
from bot.experiment_records import Recorded
from bot.experiments import Experiment, Facts, Issue, Start
from bot.likeness import Resemblance
from bot.messages import experiments as messages
from ml.contract import Problem
from playground.gallery.records import evidence, job, succeeded_run
from tests.unit.bot.slack_proof import assert_fits

AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
NASTY = "<!channel> @here `*_~ ``` & <@U123> <https://example.com|x>\n\n> quote\n# head | b"
PROBLEM = Problem(title="no", status=422, detail="It said no.", reason_code="github_refused")


@given(text=st.text(max_size=300))
@example(text=NASTY)
@example(text="当番 שלום \u202eevil\u202c 😀 \ud800")
@example(text="x" * 5000)
def test_any_text_makes_a_message_that_slack_takes(text: str) -> None:
    """Every message of an experiment is within Slack's limits and escaped."""
    start = Start(verb="run", words=(text,))
    made = Experiment(texts={"purpose": text}, facts=Facts(id="c-1", start=start))
    asked = job("experiment", f"/ml experiment {text}")
    issue = Issue(number=1, title=text, url="https://github.example/1", author=text, created_at=AT)
    alike = Resemblance(what=text, about=text, at=AT, why=(text, text))
    record = Recorded(flow_id="c-1", repository="a/b", number=1, place={}, result=None)
    handle = RunHandle(connector="github_actions", id="1", url="https://github.example/r")
    report = Report(metrics=(ReportMetric(name=text, value=1.0, unit="min"),), version=text, problems=(text,))
    status = RunStatus(handle=handle, name=text, state="succeeded", report=report)
    result = messages.result_of_status(asked, status)
    for message in (
        messages.recording(asked, made),
        messages.resembles(asked, made, [alike] * 5),
        messages.stopped(asked, made, None),
        messages.not_recorded(asked, made, PROBLEM),
        messages.recorded(asked, made, issue),
        messages.listing([issue] * 30, text, text),
        messages.listing([], None, text),
        messages.result_written(asked, record, result, "body"),
        messages.result_not_written(asked, record, result, PROBLEM),
    ):
        assert_fits(message)


@given(name=st.text(max_size=60))
@example(name=NASTY)
def test_a_name_stays_in_its_cell(name: str) -> None:
    """A table has one line for each metric, with as many cells as its head, whatever the metric is called."""
    report = Report(metrics=(ReportMetric(name=name, value=1.0, unit="min"),))
    handle = RunHandle(connector="github_actions", id="1")
    status = RunStatus(handle=handle, name="r", state="succeeded", report=report)
    table = messages.result_of_status(job(), status).markdown.split("\n\n")[1].splitlines()
    assert len(table) == 3
    assert {line.replace("\\|", "").count("|") for line in table} == {4}


def test_a_comparison_as_markdown() -> None:
    """Candidate and champion stand side by side with units, and it says on which rows and by which run."""
    run = succeeded_run()
    said = messages.result_of_run(job(), run).markdown
    assert f"of {run.model}" in said
    assert f"run `{run.run_id}`" in said
    assert "| metric | unit | champion v1 | candidate v2 |" in said
    assert f"{evidence().rows.count:,} rows" in said


def test_what_never_ran_says_why() -> None:
    """A start that was refused has its reason as the result."""
    assert "**It gave no result.**" in messages.result_of_problem(job(), PROBLEM).markdown
    assert "It said no." in messages.result_of_problem(job(), PROBLEM).line

"""What answers, what runs, what waits, and who asks."""

from __future__ import annotations

from datetime import timedelta

from bot.messages import status
from ml.contract import HealthView, ModelSummary, ModelsView, RunsView, StoreHealth, UsageView
from playground.gallery.records import AT, OPERATOR, RUN_ID, alias, failed_run, job, run, succeeded_run

NOW = AT + timedelta(seconds=65)
MODELS = ModelsView(
    models=(
        ModelSummary(name="arrival-delay", title="Arrival delay", champion=alias()),
        ModelSummary(name="tumour", title="Tumour", problem="its recipe cannot be loaded"),
    )
)
USAGE = {
    "arrival-delay": UsageView(
        model="arrival-delay",
        since=AT,
        until=NOW,
        total=1200,
        by_outcome={},
        by_source={},
        fallback_share=0.02,
        abstain_share=0.004,
    )
}


def health(*, reachable: bool = True, seconds: float | None = 0.3) -> HealthView:
    """Return the health of a function app whose store answers, or not."""
    store = StoreHealth(reachable=reachable, seconds=seconds, detail=None if reachable else "timed out")
    return HealthView(status="ok" if reachable else "degraded", versions={"toban": "0.1.0"}, store=store)


def test_an_ordinary_day_is_said_in_one_line() -> None:
    """Everything answers, nothing runs, nothing waits."""
    text = status.status(health(), MODELS, USAGE, (), (), NOW).text

    assert ":large_green_circle: *Everything answers.*\nObject store: answers in 0.3 s." in text
    assert "Nothing runs and nothing waits." in text
    assert "toban 0.1.0" in text


def test_each_model_shows_its_champion_and_its_use() -> None:
    """A model with a problem stays in the list, with the problem below."""
    message = status.status(health(), MODELS, USAGE, (), (), NOW)
    table = next(block for block in message.blocks if block["type"] == "table")

    assert [[cell["text"] for cell in row] for row in table["rows"][1:]] == [
        ["arrival-delay", "v1", "3 days", "1,200", "2 %", "under 1 %"],
        ["tumour", "none", "–", "–", "–", "–"],
    ]
    assert ":warning: *tumour*: its recipe cannot be loaded" in message.text


def test_what_runs_and_what_waits_is_listed_with_its_place() -> None:
    """Runs with stage and share, waiting jobs with who typed them."""
    text = status.status(health(), MODELS, USAGE, (run(),), (job(), job(user="U0OTHER")), NOW).text

    assert f":gear: retrain *arrival-delay* · fit · 42 % · 1 min · `{RUN_ID}`" in text
    assert f":hourglass: waits, place 1: `/ml retrain arrival-delay until=2013-06` by <@{OPERATOR}>" in text
    assert "place 2" in text


def test_a_store_that_does_not_answer_is_said_with_what_it_means() -> None:
    """Predictions go on, but are not logged."""
    text = status.status(health(reachable=False), MODELS, {}, (), (), NOW).text

    assert "predictions go on, but are not logged. It said: timed out" in text


def test_a_function_app_that_does_not_answer_is_said_too() -> None:
    """The status is shown even then."""
    text = status.status(None, None, {}, (), (job(),), NOW).text

    assert ":red_circle: *The function app does not answer.*" in text
    assert "waits, place 1" in text


def test_runs_are_a_table_newest_first_as_given() -> None:
    """What each made or why it failed, and whether there are older ones."""
    message = status.runs(RunsView(runs=(succeeded_run(), failed_run()), after=RUN_ID), NOW)
    table = next(block for block in message.blocks if block["type"] == "table")
    rows = [[cell["text"] for cell in row][3:] for row in table["rows"][1:]]

    assert rows == [
        ["succeeded", "v2", "1 min 33 s", "1 min", "–"],
        ["failed", "–", "1 min", "1 min", "Killed at 2.0 GB with 80,789 rows."],
    ]
    assert "There are older ones." in message.text
    assert status.runs(RunsView(runs=()), NOW).text == "There are no runs yet."


def test_one_run_is_shown_with_stages_result_and_parameters() -> None:
    """Everything that is known of it."""
    text = status.run(succeeded_run(), NOW).text

    assert ":white_check_mark: *Retrain of arrival-delay: succeeded*\nIt made *v2*." in text
    assert "• load: done · 4.0 s" in text
    assert "v2 beats v1 on *MAE*" in text
    assert f"asked by <@{OPERATOR}> in <#C01ARRIVALS>" in text
    assert "until=2013-06" in text


def test_whoami_says_what_the_roles_are_good_for() -> None:
    """The roles, the commands, and the models to decide on."""
    models = {"arrival-delay": ("owner",), "tumour": ("owner", "operator")}
    text = status.whoami(OPERATOR, ("operator",), models).text

    assert f"You are <@{OPERATOR}>, with the role `operator`." in text
    assert "`retrain`" in text
    assert "`promote`" not in text
    assert "You decide on new versions of `tumour`." in text


def test_whoami_tells_a_stranger_whom_to_ask() -> None:
    """No role, no command, and what to do about it."""
    text = status.whoami("U0STRANGER", (), {"arrival-delay": ("owner",)}).text

    assert "with no role." in text
    assert "the bot's owner gives roles in `toban.toml`" in text
    assert "You decide on no model's versions." in text

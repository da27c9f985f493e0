"""The Home tab shows what concerns a person, and says what it cannot show."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from slack_sdk.models.blocks import Block

from bot.messages.home import MOST_BUTTONS, MOST_MODELS, Asked, HomeFacts, Waiting, home
from ml.contract import ModelSummary
from playground.gallery.records import AT, OPERATOR, alias, run
from tests.unit.bot.slack_proof import strings

NOW = AT + timedelta(minutes=5)
LINK = "https://example.com/archives/C1/p1"
MODELS = (ModelSummary(name="arrival-delay", title="Arrival delay", champion=alias()),)
FULL = HomeFacts(
    user=OPERATOR,
    role="operator",
    models=MODELS,
    waiting=(Waiting("arrival-delay", 2, LINK),),
    running=((run(), LINK),),
    works=(Asked(AT, "/ml run retrain.yml", "running", LINK),),
    results=(Asked(AT, "/ml retrain arrival-delay", link=LINK),),
    asked=(Asked(AT, "/ml predict arrival-delay flight=UA1"),),
)


def page(facts: HomeFacts) -> str:
    """Return all that the page says."""
    return "\n".join(strings(list(home(facts, "/ml", NOW))))


def elements(facts: HomeFacts) -> list[dict[str, Any]]:
    """Return the page's buttons."""
    rows = [block for block in home(facts, "/ml", NOW) if block["type"] == "actions"]
    return [one for row in rows for one in row["elements"]]


def test_each_part_is_there() -> None:
    """What waits, what runs, the models, the last results and what was asked, each with where it stands."""
    said = page(FULL)
    for words in (
        "shall v2 become the champion?",
        "`/ml run retrain.yml` · <https://example.com/archives/C1/p1|open> · running",
        "*Arrival delay* · champion v1",
        "/ml retrain arrival-delay",
        "flight=UA1` · 5 min",
        f"<@{OPERATOR}>",
        "You are `operator`",
    ):
        assert words in said, words
    assert said.count(f"<{LINK}|open>") == 4


def test_what_there_is_none_of_has_no_heading() -> None:
    """A page for a newcomer is short, and has its buttons all the same."""
    bare = HomeFacts(OPERATOR, "viewer", ())
    for title in (
        "What waits for you",
        "Running for you",
        "Your models",
        "Your last results",
        "You asked lately",
    ):
        assert f"*{title}*" not in page(bare)
        assert f"*{title}*" in page(FULL)
    assert [one["value"] for one in elements(bare)] == ["models", "status", "runs", "help", "refresh"]


def test_who_has_no_role_is_told_who_gives_one() -> None:
    """The page says what to do."""
    assert "the bot's owner gives roles" in page(HomeFacts(OPERATOR, None, ()))


def test_a_function_app_that_is_away_is_said() -> None:
    """The rest of the page is drawn without it."""
    said = page(replace(FULL, models=None))
    assert "does not answer just now" in said
    assert "/ml retrain arrival-delay" in said


def test_many_models_fit_and_the_rest_is_counted() -> None:
    """So many are listed and have a button; action ids differ, as Slack wants within a row."""
    many = tuple(
        ModelSummary(name=f"model-{at}", title=f"Model {at} <!channel>", problem="broken") for at in range(30)
    )
    facts = replace(FULL, models=many)
    said = page(facts)
    assert f"… and {30 - MOST_MODELS} more: press *Models*." in said
    assert "<!channel>" not in said
    predict = [one for one in elements(facts) if one["action_id"].startswith("form.")]
    assert [one["value"] for one in predict] == [f"predict model-{at}" for at in range(MOST_BUTTONS)]
    assert len({one["action_id"] for one in elements(facts)}) == len(elements(facts))


def test_the_page_is_one_that_slack_takes() -> None:
    """At most a hundred blocks, each valid, also when every list is as long as it gets."""
    crowd = replace(
        FULL,
        waiting=FULL.waiting * 5,
        running=tuple(FULL.running) * 5,
        works=tuple(FULL.works) * 5,
        results=(Asked(AT, "/ml predict " + "x" * 3_000, link=LINK),) * 5,
        asked=(Asked(AT, "/ml predict " + "<!here> & `" * 250),) * 5,
    )
    blocks = list(home(crowd, "/ml", NOW))
    assert len(blocks) <= 100
    for block in Block.parse_all(blocks):
        block.validate_json()
    assert len({block["block_id"] for block in blocks}) == len(blocks)

"""The digest."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from bot.messages.digests import DigestFacts, DigestModel, digest
from ml.contract import UsageView
from playground.gallery.records import AT, OWNER, alias, failed_run, run, succeeded_run
from tests.unit.bot.slack_proof import strings

TOKYO = ZoneInfo("Asia/Tokyo")
USAGE = UsageView(
    model="arrival-delay",
    since=AT,
    until=AT,
    total=1234,
    by_outcome={},
    by_source={},
    fallback_share=0.02,
    abstain_share=0.11,
)


def facts(**more: object) -> DigestFacts:
    """Return the facts of an ordinary day."""
    fields = {
        "name": "daily",
        "since": (AT - timedelta(days=1)).astimezone(TOKYO),
        "until": AT.astimezone(TOKYO),
        "models": (DigestModel(name="arrival-delay", champion=alias(), usage=USAGE),),
        "runs": (succeeded_run(), failed_run()),
    }
    return DigestFacts.model_validate({**fields, **more})


def test_models_champions_and_use_are_in_one_table() -> None:
    """Version, age, volume, fallback and abstain share; who promoted it is below."""
    message = digest(facts())
    table = next(block for block in message.blocks if block["type"] == "table")

    assert [cell["text"] for cell in table["rows"][1]] == [
        "arrival-delay",
        "v1",
        "3 days",
        "1,234",
        "2 %",
        "11 %",
    ]
    assert f"*arrival-delay* v1: promoted by <@{OWNER}> 29 Jul 2013 06:00 UTC" in message.text
    assert "31 Jul 2013 15:00 JST to 1 Aug 2013 15:00 JST" in message.text


def test_failures_come_first() -> None:
    """With their reason; then what succeeded and what it made."""
    lines = digest(facts()).text.split("\n")

    assert lines[-3] == "*2 runs*: 1 failed and 1 succeeded"
    assert lines[-2].startswith(":x: retrain arrival-delay failed")
    assert lines[-2].endswith("Training ran out of memory. Killed at 2.0 GB with 80,789 rows.")
    assert lines[-1].startswith(":white_check_mark: retrain arrival-delay succeeded · v2")


def test_numbers_are_the_same_in_blocks_and_text() -> None:
    """Whoever reads the text alone reads the same numbers."""
    message = digest(facts())

    for number in ("1,234", "2 %", "11 %", "3 days", "v1", "v2"):
        assert number in message.text
        assert any(number in text for text in strings(list(message.blocks)))


def test_a_gap_is_named() -> None:
    """After downtime one digest comes, and says what it covers."""
    one = digest(facts(missed=(AT - timedelta(days=1),))).text
    three = digest(facts(missed=tuple(AT - timedelta(days=days) for days in (3, 2, 1)))).text

    assert "1 earlier digest could not be sent (31 Jul 2013 06:00 UTC); this one covers that time too." in one
    assert "3 earlier digests could not be sent (29 Jul 2013 06:00 UTC to 31 Jul 2013 06:00 UTC)" in three


def test_a_champion_of_this_window_stands_out() -> None:
    """A promotion is news."""
    new = DigestModel(name="arrival-delay", champion=alias(2, at=AT - timedelta(hours=2)))

    assert "*arrival-delay* v2: :trophy: new champion, promoted by" in digest(facts(models=(new,))).text


def test_what_is_not_known_is_said() -> None:
    """No usage, no champion, a function app that did not answer."""
    unknown = DigestModel(name="arrival-delay", problem="its recipe cannot be loaded")
    text = digest(facts(models=(unknown,), runs=(), problem="the function app did not answer")).text

    assert "unknown" in text
    assert ":warning: the function app did not answer" in text
    assert ":warning: *arrival-delay*: its recipe cannot be loaded" in text
    assert "What ran since the last digest is not known." in text
    assert "There are no models yet." in digest(facts(models=())).text


def test_partial_counts_are_marked() -> None:
    """A count that could not be read whole is a lower bound."""
    partial = DigestModel(name="arrival-delay", usage=USAGE.model_copy(update={"complete": False}))

    assert "1,234 or more" in digest(facts(models=(partial,))).text


def test_many_runs_are_counted_and_the_rest_summed_up() -> None:
    """Twenty lines are enough."""
    text = digest(facts(runs=tuple(run(state="succeeded") for _ in range(35)))).text

    assert "*35 runs*: 35 succeeded" in text
    assert text.endswith("and 15 more")

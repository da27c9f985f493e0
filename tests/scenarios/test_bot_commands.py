"""What people type and are answered: each verb and each refusal, over signed HTTP, by the real bot."""

from __future__ import annotations

import pytest

from tests.stand_ins.function_app import KEY, MODEL, problem
from tests.stand_ins.team import OVER_ALL, Team, over

pytestmark = over(OVER_ALL)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("/ml", "What you can ask for"),
        ("/ml help", "Ask a model for a prediction"),
        ("/ml help retrain", "since"),
        ("/ml help mlflow", "/ml registry"),
        ("/ml help predct", "Did you mean"),
        ("/ml models", "Arrival delay"),
        ("/ml models arrival-delay", "dep_delay"),
        ("/ml status", "Everything answers"),
        ("/ml runs", "no runs yet"),
        ("/ml runs arrival-delay", "no runs yet"),
        ("/ml show arrival-delay v1", "Card of arrival-delay v1"),
        ("/ml show arrival-delay", "Arrival delay"),
        ("/ml whoami", "with the role `operator`"),
        ("/ml snippet arrival-delay", "x-functions-key: $PREDICT_KEY"),
        ("/ml snippet arrival-delay flight=UA7", '[{"flight": "UA7"}]'),
        ("/ml snippet arrival-dely", "Did you mean `arrival-delay`"),
        ("/ml snippet arrival-delay carrier=XX", "`carrier` cannot be `XX`"),
    ],
)
def test_lookups_are_answered_privately(team: Team, text: str, answer: str) -> None:
    """What somebody looks up is shown to them alone."""
    before = team.say("operator", text)
    private = team.private(before)
    assert answer in private["plain"]
    assert private["visible_to"] == ["U01OPERATOR"]


@pytest.mark.parametrize(
    ("who", "text", "words"),
    [
        ("viewer", "/ml predct arrival-delay", ["no command `predct`", "Did you mean `predict`"]),
        ("viewer", "/ml predict arrival-dely flight=UA1", ["no such model", "Did you mean `arrival-delay`"]),
        ("viewer", "/ml predict flight=UA1", ["something is missing", "Name the model"]),
        ("viewer", "/ml predict arrival-delay carrier=XX", ["`carrier` cannot be `XX`", "UA, AA"]),
        (
            "viewer",
            "/ml predict arrival-delay dep_delay=99999 carier=UA",
            ["`dep_delay`", "1,500", "`carier`"],
        ),
        ("viewer", "/ml predict arrival-delay UA1545", ["`UA1545`", "name=value"]),
        ("viewer", "/ml predict arrival-delay flight=ZZ1", ["No flight ZZ1"]),
        ("viewer", "/ml predict arrival-delay flight=UA1 flight=UA2", ["`flight`"]),
        (
            "viewer",
            "/ml retrain arrival-delay",
            ["roles do not cover", "operator or owner", "you are viewer"],
        ),
        ("viewer", "/ml compare arrival-delay v1 v1", ["roles do not cover"]),
        ("viewer", "/ml cancel 20130801t060000-abcdef", ["roles do not cover"]),
        ("operator", "/ml promote arrival-delay v1", ["roles do not cover", "role owner"]),
        ("owner", "/ml promote arrival-delay v1", ["is the champion already"]),
        ("owner", "/ml promote arrival-delay v9", ["no version 'v9'", "it has v1"]),
        ("owner", "/ml promote arrival-delay", ["Name one version"]),
        ("operator", "/ml retrain arrival-delay rows=none", ["`rows`"]),
        ("operator", "/ml retrain arrival-delay until=2013-06 fast", ["`fast`"]),
        ("operator", "/ml compare arrival-delay v1 v1", ["cannot be compared with itself"]),
        ("operator", "/ml compare arrival-delay v1", ["Name two versions"]),
        ("operator", "/ml cancel", ["Name the run"]),
        ("operator", "/ml cancel 20130801t060000-zzzzzz", ["no such run"]),
        ("operator", "/ml show 20130801t060000-zzzzzz", ["no such run"]),
        ("operator", "/ml show", ["Say what to show"]),
        ("operator", "/ml runs arrival-dely", ["no such model"]),
    ],
)
def test_refusals_are_private_and_exact(team: Team, who: str, text: str, words: list[str]) -> None:
    """A refusal names what was seen and what is allowed, to the asker alone, and nothing is done."""
    runs = len(team.functions.runs)
    before = team.say(who, text)
    private = team.private(before)
    assert [word for word in words if word.casefold() not in private["plain"].casefold()] == []
    assert len(private["visible_to"]) == 1
    assert len(team.functions.runs) == runs


def test_a_snippet_never_holds_the_bots_key(team: Team) -> None:
    """The programs say where the function app is and where they look for a key, never the bot's own."""
    said = team.told("viewer", f"/ml snippet {MODEL}")
    assert f"{team.functions.url}/api/models/{MODEL}/predict" in said
    assert KEY not in said


def test_prediction_is_shown_in_the_channel(team: Team) -> None:
    """A prediction is seen by everybody, with who asked and what was typed; the call says who and where."""
    before = team.say("viewer", f"/ml predict {MODEL} flight=UA1545 date=2013-07-04")
    shown = team.state(before, "done")
    assert "about 12 min" in shown["plain"]
    assert "asked by @viewer" in shown["plain"]
    assert f"/ml predict {MODEL} flight=UA1545 date=2013-07-04" in shown["plain"]
    assert team.functions.callers[-1] == {"who": "U01VIEWER00", "where": "slack:T01LOOPBACK/C01ARRIVALS"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"/ml predict {MODEL} flight=UA1", ["/invite @toban", f"/ml predict {MODEL} flight=UA1"]),
        (f"/ml retrain {MODEL}", ["/invite @toban", f"/ml retrain {MODEL}"]),
        ("/ml models", ["Arrival delay"]),
        ("/ml predict nothing-such", ["no such model"]),
    ],
)
def test_where_the_bot_is_no_member_it_answers_privately(team: Team, text: str, words: list[str]) -> None:
    """In a channel without the bot, the asker is told how to invite it, or gets what is private anyway."""
    runs = len(team.functions.runs)
    before = team.say("operator", text, "random")
    private = team.private(before)
    assert [word for word in words if word not in private["plain"]] == []
    assert private["channel"] == "C01RANDOM00"
    assert len(team.functions.runs) == runs


def test_somebody_without_a_role_may_do_nothing(team: Team) -> None:
    """A person whom no role covers is refused even what viewers may, and whoami says so."""
    team.slack.add_person("guest", channels=["ml-arrivals"])
    assert "you hold no role" in team.told("guest", f"/ml predict {MODEL} flight=UA1")
    assert "you hold no role" in team.told("guest", "/ml models")


def test_function_app_that_does_not_answer_is_named(team: Team) -> None:
    """Who asks while the function app is down is told so, and so is who asks for the status."""
    team.told("viewer", f"/ml models {MODEL}")
    team.functions.down = True
    assert "function app does not answer" in team.told("viewer", f"/ml predict {MODEL} flight=UA1")
    assert "not" in team.told("viewer", "/ml status")


def test_function_app_with_another_key_is_named(team: Team) -> None:
    """A wrong key is told as what it is, without the key."""
    team.functions.key = "another"
    told = team.told("viewer", "/ml models")
    assert "does not accept the bot's key" in told
    assert "function-key-of-the-test" not in told


def test_refusal_of_the_function_app_is_passed_on(team: Team) -> None:
    """What the function app refuses reaches the card, with its reason."""
    team.functions.refuse_next = [(422, problem(422, "no_rows", "No rows before 2013."))]
    before = team.say("operator", f"/ml retrain {MODEL} until=2012-01")
    assert "No rows before 2013." in team.state(before, "done")["plain"]
    assert team.cards()[-1]["metadata"]["event_payload"]["state"] == "done"


def test_the_only_model_need_not_be_named(team: Team) -> None:
    """With several models the bot asks which one, and names them."""
    assert "flower-species" in team.told("viewer", "/ml predict flight=UA1")


def test_the_same_delivery_acts_once(team: Team) -> None:
    """A command that Slack delivers three times is one prediction."""
    asked = team.functions.predictions
    said = team.slack.say("viewer", "ml-arrivals", f"/ml predict {MODEL} flight=UA9")
    team.functions.wait_until(lambda: team.functions.predictions == asked + 1)
    assert [ack["ok"] for ack in team.slack.redeliver(said["delivery"], times=2)] == [True, True]
    team.told("viewer", "/ml whoami")
    assert team.functions.predictions == asked + 1


def test_text_cannot_call_the_whole_channel(team: Team) -> None:
    """What somebody types is shown, but rings nobody."""
    before = team.say("viewer", f"/ml predict {MODEL} flight=UA1 date=2013-07-04 <!channel>")
    private = team.private(before)
    assert "<!channel>" not in str(private["message"])

"""Requests as other senders write them: what differs is never one request, what is the same always is."""

from __future__ import annotations

from typing import Any

import pytest
from slack_bolt import App, BoltRequest
from slack_bolt.authorization import AuthorizeResult

from bot.event_doors import EventDoors
from bot.intake import Entry
from bot.listeners import Doors
from bot.slack import Identity

Json = dict[str, Any]

OURS, THEIRS, USER = "T01", "T02", "U01"
# The ids of the examples in https://docs.slack.dev/interactivity/implementing-slash-commands
TRIGGER = "13345224609.738474920.8088930838d88f008e0"
COMMAND = {"command": "/ml", "user_id": USER, "channel_id": "C01", "team_id": OURS}


class Kept:
    """An intake that keeps what it was given."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def submit(self, entry: Entry) -> None:
        """Keep *entry*."""
        self.entries.append(entry)

    def ids(self) -> list[str]:
        """Return the ids of the flows that were asked for."""
        return [entry.flow_id for entry in self.entries]


class Entrance:
    """All doors before one intake."""

    def __init__(self) -> None:
        self.kept = Kept()
        identity = Identity(team_id=OURS, team="Ours", user_id="U0BOT", user="toban", bot_id="B0")
        self.doors = Doors("/ml", identity, self.kept)  # type: ignore[arg-type]
        self.events = EventDoors(self.doors, identity, self.kept)  # type: ignore[arg-type]
        known = AuthorizeResult(enterprise_id=None, team_id=OURS, bot_token="xoxb-" + "test")
        self.app = App(authorize=lambda **_: known, signing_secret="none")
        self.events.register(self.app)

    def dispatch(self, body: Json) -> int:
        """Hand *body* to Bolt as a socket does; return the status of its answer."""
        return self.app.dispatch(BoltRequest(body=body, mode="socket_mode")).status


@pytest.fixture
def entrance() -> Entrance:
    """Return doors that lead into an intake which only keeps."""
    return Entrance()


def button(**fields: Any) -> Json:
    """Return a press of a button that shows the Home tab's models."""
    action = {"action_id": "home.models", "value": "models", "action_ts": "1548261231.200"}
    return {"user": {"id": USER, "team_id": OURS}, "team": {"id": OURS}, "actions": [action]} | fields


@pytest.mark.parametrize(
    "other",
    [{"text": "whoami"}, {"channel_id": "C02"}, {"user_id": "U02"}, {"trigger_id": "1.2.3"}],
    ids=lambda other: next(iter(other)),
)
def test_two_commands_that_differ_are_two(entrance: Entrance, other: Json) -> None:
    """Another text, channel, person or trigger is another request, also where the rest is the same."""
    first = COMMAND | {"text": "models", "trigger_id": TRIGGER}
    for body in (first, first | other, first):
        assert entrance.doors.take_command(body) is None
    ids = entrance.kept.ids()
    assert (ids[0] == ids[2], ids[0] == ids[1]) == (True, False)


def test_commands_without_a_trigger_are_never_taken_for_one(entrance: Entrance) -> None:
    """Where Slack's own id is missing, each command is carried out."""
    for _ in range(2):
        entrance.doors.take_command(COMMAND | {"text": "models"})
    assert len(set(entrance.kept.ids())) == 2


def test_a_long_command_is_read_whole_or_not_at_all(entrance: Entrance) -> None:
    """What stands behind a long value counts; a command beyond what is read is refused with its length."""
    text = f"retrain arrival-delay note={'x' * 39_000} until=2013-06"
    assert entrance.doors.take_command(COMMAND | {"text": text, "trigger_id": TRIGGER}) is None
    job = entrance.kept.entries[0].args[0]
    assert (len(job["inputs"]["note"]), job["inputs"]["until"]) == (39_000, "2013-06")
    refused = entrance.doors.take_command(COMMAND | {"text": f"retrain arrival-delay note={'x' * 40_000}"})
    assert refused is not None
    assert "at most 40,000 characters" in refused["text"]
    assert len(entrance.kept.entries) == 1


def test_a_models_name_may_be_typed_in_any_case(entrance: Entrance) -> None:
    """A phone's capital at the beginning of a name is no other model."""
    entrance.doors.take_command(COMMAND | {"text": "Retrain Arrival-Delay"})
    assert entrance.kept.entries[0].args[0]["model"] == "arrival-delay"


@pytest.mark.parametrize(
    ("body", "taken"),
    [
        (button(), True),
        (button(team=None, enterprise={"id": "E01"}, is_enterprise_install=True), True),
        (button(team=None, view={"app_installed_team_id": OURS}, user={"id": USER}), True),
        (button(team=None, user={"id": USER, "team_id": THEIRS}), False),
        (button(team={"id": THEIRS}), False),
        (button(team={"id": THEIRS}, view={"app_installed_team_id": OURS}), False),
        (button(team=None, user={"id": USER}), False),
    ],
    ids=["ours", "grid", "grid, by view", "grid, theirs", "theirs", "shared form", "unsaid"],
)
def test_a_press_is_taken_in_the_workspace_of_the_app_only(
    entrance: Entrance, body: Json, taken: bool
) -> None:
    """In an Enterprise Grid the team may be null; then it is known by the view or the person."""
    entrance.events.take_home_button(body)
    assert len(entrance.kept.entries) == taken


@pytest.mark.parametrize(
    ("text", "verb", "words"),
    [
        ("<@U0BOT> models", "models", []),
        ("hello <@U0BOT|toban>: models arrival-delay", "models", ["arrival-delay"]),
        ("<@U0BOT> /ml models", "models", []),
        ("<@U0BOT> `/ml models arrival-delay`", "models", ["arrival-delay"]),
        ("<@U0BOT> ```models\n```", "models", []),
        ("<@U0BOT>\xa0models", "models", []),
        ("<@U0BOT> *models*", "models", []),
        ("*<@U0BOT>* models", "models", []),
        ("*<@U0BOT> models*", "models", []),
        ("hey _*<@U0BOT>: models arrival-delay*_", "models", ["arrival-delay"]),
        ("<@U0BOT> models *", "models", ["*"]),
    ],
)
def test_a_command_may_be_copied_behind_a_mention(
    entrance: Entrance, text: str, verb: str, words: list[str]
) -> None:
    """Marks around it or the mention, and the slash command's name before it are no part of what is asked."""
    event = {"type": "app_mention", "user": USER, "channel": "C01", "ts": "1.2", "text": text}
    entrance.events.take_mention({"team_id": OURS, "event": event, "event_id": "Ev1"})
    job = entrance.kept.entries[0].args[0]
    assert (job["verb"], job["words"]) == (verb, words)


def mentioned(text: str, ts: str = "1.2", **more: Any) -> Json:
    """Return a mention in a channel, as https://docs.slack.dev/reference/events/app_mention has it."""
    event = {"type": "app_mention", "user": USER, "channel": "C01", "ts": ts, "event_ts": ts, "text": text}
    return {"type": "event_callback", "team_id": OURS, "event": event | more}


def test_an_edited_mention_is_asked_again_only_in_other_words(entrance: Entrance) -> None:
    """Slack sends an edited message as a new event; the same words in it are the command that was taken."""
    edited = {"edited": {"user": USER, "ts": "1.5"}}
    for number, body in enumerate(
        [
            mentioned("<@U0BOT> models"),
            mentioned("<@U0BOT> models", **edited),
            mentioned("<@U0BOT> runs", **edited),
            mentioned("<@U0BOT> models", ts="1.3"),
        ]
    ):
        entrance.events.take_mention(body | {"event_id": f"Ev{number}"})
    first, same, other_words, other_message = entrance.kept.ids()
    assert first == same
    assert len({first, other_words, other_message}) == 3


@pytest.mark.parametrize(
    ("team", "granted", "home", "taken"),
    [
        (THEIRS, OURS, None, True),
        (THEIRS, OURS, OURS, True),
        (THEIRS, OURS, "E01", True),
        (THEIRS, OURS, THEIRS, False),
        (OURS, THEIRS, None, False),
        (OURS, None, None, True),
    ],
    ids=["shared", "shared, ours", "shared, grid", "stranger", "another app", "organization"],
)
def test_a_mention_in_a_shared_channel_is_for_whose_app_it_is_sent_to(
    entrance: Entrance, team: str, granted: str | None, home: str | None, taken: bool
) -> None:
    """The envelope may name another workspace of the channel; people of that one are not served."""
    body = mentioned("<@U0BOT> models", **({"user_team": home} if home else {}))
    granted_to = [{"team_id": granted, "enterprise_id": "E01", "user_id": "U0BOT", "is_bot": True}]
    entrance.events.take_mention(body | {"team_id": team, "authorizations": granted_to})
    assert len(entrance.kept.entries) == taken


def test_slacks_word_that_it_holds_events_back_is_acked(
    entrance: Entrance, caplog: pytest.LogCaptureFixture
) -> None:
    """It is no event and begins nothing; the log says so to whoever runs the bot."""
    told = {"type": "app_rate_limited", "team_id": OURS, "minute_rate_limited": 1518467820}
    assert entrance.dispatch(told) == 200
    assert entrance.kept.entries == []
    assert "holds events back" in caplog.text


@pytest.mark.parametrize(
    "event",
    [
        {"type": "reaction_added", "user": USER, "item": {"type": "message"}},
        {"type": "message", "channel": "C01", "user": USER, "text": "hello"},
        {"type": "message", "subtype": "channel_join", "channel": "C01", "user": USER},
        {"type": "app_home_opened", "user": USER, "channel": "D01", "tab": "messages"},
        {"type": "an_event_of_next_year"},
    ],
    ids=lambda event: event["type"],
)
def test_events_that_are_not_for_us_are_acked(entrance: Entrance, event: Json) -> None:
    """An event that nobody asked for begins nothing, and Slack need not send it again."""
    body = {"type": "event_callback", "team_id": OURS, "event_id": "Ev1", "event": event}
    assert entrance.dispatch(body) == 200
    assert entrance.kept.entries == []


@pytest.mark.parametrize("value", [None, "", "{", "[]", "5", "{}", '{"model": "m"}'])
def test_a_choice_that_names_no_file_is_answered(entrance: Entrance, value: str | None) -> None:
    """A button of the question for a model that carries something else leads to words, not to an error."""
    action = {"type": "button", "action_id": "file.predict_1", "block_id": "b", "value": value}
    body = {"type": "block_actions", **button(), "actions": [action], "container": {"channel_id": "C01"}}
    assert entrance.dispatch(body) == 200
    assert [(entry.flow, entry.args[1:]) for entry in entrance.kept.entries] == [("file", (None,))]

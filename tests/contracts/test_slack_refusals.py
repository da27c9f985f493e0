"""Each Web API method that the bot calls, refused for its rate, failing or cut off: done once."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from slack_sdk import WebClient

import bot
from bot.errors import SlackBusy, SlackUnreachable
from bot.messages.message import Attachment, Message
from bot.settings import SlackSettings
from bot.slack import SlackDesk
from bot.slack_turns import METHODS, Turns, waiting_at_most
from playground.slack.loopback import Loopback
from playground.slack.server import start
from playground.slack.settings import Settings
from playground.slack.under_test import SlackUnderTest

CHANNEL, PERSON = "C01ARRIVALS", "U01VIEWER00"
ABOUT = {"flow_id": "c-1"}
WORDS = Message("words", ())
REFUSED_SECONDS = 30
SAID = re.compile(r'api_call\(\s*"([\w.]+)"')
NOT_POSTS = sorted(METHODS.keys() - {"chat.postMessage", "files.completeUploadExternal", "views.open"})
"""What may be repeated without a look at what came of it, or, privately, rather shown twice than never."""

Act = Callable[[], Any]


class Watched(Turns):
    """Turns on a clock that goes on when somebody waits; they note who went when."""

    def __init__(self) -> None:
        self.now = 1_000.0
        super().__init__(lambda: self.now, self._pass)
        self.went: list[tuple[float, str]] = []
        self.refused_at: list[float] = []

    def _pass(self, seconds: float) -> None:
        self.now += seconds

    def wait(self, method: str, channel: str | None = None) -> None:
        """Wait, and note when that was over."""
        super().wait(method, channel)
        self.went.append((self.now, method))

    def hold(self, method: str, channel: str | None, seconds: float) -> None:
        """Note the refusal."""
        super().hold(method, channel, seconds)
        self.refused_at.append(self.now)


class Office:
    """A loopback Slack, the bot's hands in it, and the clock by which they wait."""

    def __init__(self, slack: SlackUnderTest) -> None:
        self.slack = slack
        self.turns = Watched()
        settings = SlackSettings(bot_token=SecretStr(slack.bot_token), api_url=slack.api_url)
        self.desk = SlackDesk(settings, self.turns)

    @property
    def workspace(self) -> Loopback:
        """The workspace as it runs."""
        served = self.slack.running._served
        assert isinstance(served, Loopback)
        return served

    def done_by(self, act: Act) -> tuple[Any, list[str]]:
        """Do something; return what it returns, and what happened in Slack."""
        before = self.slack.seq()
        said = act()
        return said, [event["kind"] for event in self.slack.feed(before)]


@pytest.fixture(scope="module")
def running() -> Iterator[SlackUnderTest]:
    """One Slack for the module; tests leave nothing behind that matters to others."""
    running = start(Settings())
    with SlackUnderTest(running) as slack:
        yield slack
    running.stop()


@pytest.fixture
def office(running: SlackUnderTest) -> Iterator[Office]:
    """Hands of their own for each test."""
    yield Office(running)
    running.clear_faults()


def place(office: Office) -> dict[str, str]:
    """Post a card, with a reply under it; return where it stands."""
    card = office.desk.post(CHANNEL, WORDS, about=ABOUT)
    office.desk.post(CHANNEL, WORDS, thread_ts=card["ts"], about={"flow_id": "c-2"})
    return card


def view(office: Office) -> dict[str, Any]:
    """Return a form with an id of its own."""
    title = {"type": "plain_text", "text": "Form"}
    return {
        "type": "modal",
        "title": title,
        "blocks": [{"type": "section", "text": title}],
        "external_id": f"view-{office.slack.seq()}",
    }


def update_view(office: Office) -> Act:
    """Open a form to be replaced."""
    form = view(office)
    assert office.desk.open_view(office.workspace.triggers.issue(PERSON).id, form)
    return lambda: office.desk.update_view(form)


def look_in_named_channel(office: Office) -> Act:
    """Post what is to be found where the settings give the channel by name."""
    place(office)
    return lambda: office.desk.find("#ml-arrivals", ABOUT) is not None


def look_in_thread(office: Office) -> Act:
    """Post what is to be found."""
    card = place(office)
    return lambda: office.desk.find(CHANNEL, {"flow_id": "c-2"}, thread_ts=card["ts"]) is not None


def read_file(office: Office) -> Act:
    """Share a file whose address Slack does not tell at once."""
    shared = office.slack.share("viewer", "ml-arrivals", "rows.csv", b"flight\nUA1\n")["file"]
    return lambda: office.desk.read_file({"id": shared["id"]})


def upload(office: Office) -> Act:
    """Have a card to put a file under."""
    card, file = place(office), Attachment("rows.csv", b"flight\nUA1\n", "Rows")
    return lambda: office.desk.upload(CHANNEL, card["ts"], [file])


def edit(office: Office) -> Act:
    """Have a card to change."""
    card = place(office)
    return lambda: office.desk.edit(card, Message("new words", ()))


def look_in_channel(office: Office) -> Act:
    """Post what is to be found."""
    place(office)
    return lambda: office.desk.find(CHANNEL, ABOUT) is not None


def link(office: Office) -> Act:
    """Post what is to be linked."""
    card = place(office)
    return lambda: bool(office.desk.permalink(card))


def open_view(office: Office) -> Act:
    """Let somebody do what opens a form."""
    trigger, form = office.workspace.triggers.issue(PERSON).id, view(office)
    return lambda: office.desk.open_view(trigger, form)


def publish(office: Office) -> Act:
    """Draw a start page."""
    return lambda: office.desk.publish_home(PERSON, view(office)["blocks"])


def open_socket(office: Office) -> Act:
    """Ask for a socket, as Bolt's handler of Socket Mode does."""
    return lambda: bool(office.desk.client.apps_connections_open(app_token=office.slack.app_token)["url"])


ACTS: dict[str, Callable[[Office], Act]] = {
    "apps.connections.open": open_socket,
    "auth.test": lambda office: office.desk.identity,
    "chat.getPermalink": link,
    "chat.postEphemeral": lambda office: lambda: office.desk.whisper(CHANNEL, PERSON, WORDS),
    "chat.postMessage": lambda office: lambda: office.desk.post(CHANNEL, WORDS)["channel"],
    "chat.update": edit,
    "conversations.history": look_in_channel,
    "conversations.replies": look_in_thread,
    "files.completeUploadExternal": upload,
    "files.getUploadURLExternal": upload,
    "files.info": read_file,
    "usergroups.list": lambda office: office.desk.groups,
    "users.conversations": look_in_named_channel,
    "views.open": open_view,
    "views.publish": publish,
    "views.update": update_view,
}
"""What makes the bot call each method; each returns the same when it is done again."""


def test_every_method_is_tried() -> None:
    """A method that the bot may call has its act here."""
    assert ACTS.keys() == METHODS.keys()


def test_every_method_is_known() -> None:
    """What the code names or calls of Slack's methods has a limit; `toban check` has methods of its own."""
    functions = inspect.getmembers(WebClient, inspect.isfunction)
    called = {name: set(SAID.findall(inspect.getsource(function))) for name, function in functions}
    called["files_upload_v2"] = called["files_getUploadURLExternal"] | called["files_completeUploadExternal"]
    known = set().union(*called.values())
    found: set[str] = set()
    root = Path(bot.__file__).parent
    for path in root.rglob("*.py"):
        if path.name == "slack_turns.py" or "hops" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and node.value in known:
                found.add(str(node.value))
            if isinstance(node, ast.Attribute):
                found |= called.get(node.attr, set())
    found.add("apps.connections.open")  # called by Bolt's handler of Socket Mode
    assert found == set(METHODS)


@pytest.mark.parametrize("times", [1, pytest.param(3, marks=pytest.mark.slow)])
@pytest.mark.parametrize("method", ACTS)
def test_a_retry_after_is_honoured(office: Office, method: str, times: int) -> None:
    """Nothing calls the method before its time is over; then it is done, once."""
    usual = office.done_by(ACTS[method](office))
    act = ACTS[method](office)
    office.turns.went.clear()
    office.slack.fault(method, retry_after=REFUSED_SECONDS, times=times)
    assert office.done_by(act) == usual
    refused = office.turns.refused_at
    assert len(refused) == times
    for at in refused:
        later = [went for went, name in office.turns.went if name == method and went > at]
        assert min(later) >= at + REFUSED_SECONDS
    assert sum(name == method for _, name in office.turns.went) == times + 1


@pytest.mark.parametrize("method", ACTS)
def test_who_does_not_wait_is_told_and_nothing_was_done(office: Office, method: str) -> None:
    """A caller who has no time hears after one call that Slack takes no more of them; so does the next."""
    act = ACTS[method](office)
    office.slack.fault(method, retry_after=REFUSED_SECONDS)
    before = office.slack.seq()
    with waiting_at_most(2.0):
        for _ in range(2):
            with pytest.raises(SlackBusy):
                act()
    assert [event["kind"] for event in office.slack.feed(before)] == []
    assert len(office.turns.refused_at) == 1
    assert office.done_by(act)[1] == office.done_by(ACTS[method](office))[1]


@pytest.mark.parametrize(
    "trouble",
    [
        {"status": 500},
        pytest.param({"error": "internal_error"}, marks=pytest.mark.slow),
        pytest.param({"cut": True}, marks=pytest.mark.slow),
    ],
    ids=["500", "error", "cut"],
)
@pytest.mark.parametrize("method", NOT_POSTS)
def test_what_may_be_repeated_is(office: Office, method: str, trouble: dict[str, Any]) -> None:
    """A server error and a lost connection are tried again at once, and the effect is there once."""
    usual = office.done_by(ACTS[method](office))
    act = ACTS[method](office)
    office.slack.fault(method, **trouble)
    if method == "files.getUploadURLExternal":  # what puts a file there is one call of ours: looked up first
        with pytest.raises(SlackUnreachable):
            act()
    assert office.done_by(act) == usual


@pytest.mark.parametrize("trouble", [{"status": 500}, {"cut": True}], ids=["500", "cut"])
@pytest.mark.parametrize("after", [False, True], ids=["not taken", "taken"])
@pytest.mark.parametrize("method", ["chat.postMessage", "files.completeUploadExternal"])
def test_what_may_stand_there_is_not_sent_again(
    office: Office, method: str, trouble: dict[str, Any], after: bool
) -> None:
    """A post whose answer was lost is not repeated here: its step looks first whether it is there."""
    _, usual = office.done_by(ACTS[method](office))
    act = ACTS[method](office)
    office.turns.went.clear()
    before = office.slack.seq()
    office.slack.fault(method, after=after, **trouble)
    with pytest.raises(SlackUnreachable):
        act()
    assert sum(name == method for _, name in office.turns.went) == 1
    assert [event["kind"] for event in office.slack.feed(before)] == (usual if after else [])

"""Forms of an unmodified slack_bolt app in the loopback Slack, over HTTP and over Socket Mode."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.errors import SlackApiError
from slack_sdk.models.views import View, ViewState
from slack_sdk.webhook import WebhookClient

from playground.slack.client import PlaygroundError
from playground.slack.settings import Settings
from playground.slack.under_test import SlackUnderTest, served

pytest_plugins = ["playground.slack.fixtures"]

Json = dict[str, Any]
CONNECT = Callable[[App], None]
MODES = ("http", "socket")


@pytest.fixture(params=MODES)
def connect(request: pytest.FixtureRequest, slack: SlackUnderTest) -> Iterator[CONNECT]:
    """Connect an app by Bolt's own adapters: a signed request to it, or its socket."""
    with ExitStack() as stack:

        def begin(app: App) -> None:
            if request.param == "http":
                slack.point_at(stack.enter_context(served(app)))
                return
            handler = SocketModeHandler(app, slack.app_token)
            stack.callback(handler.close)
            after = slack.seq()
            handler.connect()
            slack.wait_for(lambda event: event["kind"] == "socket_connected", after=after)

        yield begin


def plain(text: str) -> Json:
    """A plain_text object."""
    return {"type": "plain_text", "text": text}


def option(value: str) -> Json:
    """An option whose text is its value in capitals."""
    return {"text": plain(value.upper()), "value": value}


def field(block_id: str, element: Json, **more: Any) -> Json:
    """An input block."""
    element = {"action_id": f"{block_id}.entry", **element}
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(block_id.title()),
        "element": element,
        **more,
    }


def modal(*blocks: Json, callback_id: str = "form", **more: Any) -> Json:
    """A modal with a submit button."""
    return {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain("A form"),
        "submit": plain("Send"),
        "blocks": [*blocks] or [{"type": "divider"}],
        **more,
    }


class Forms:
    """An app whose /form opens a modal, and what its listeners were given."""

    def __init__(self, slack: SlackUnderTest, *blocks: Json, **view: Any) -> None:
        self.slack = slack
        self.bodies: list[Json] = []
        self.answers: list[Json] = []
        self.app = slack.bolt_app()

        @self.app.command("/form")
        def form(ack: Any, client: Any, command: Json) -> None:
            ack()
            client.views_open(trigger_id=command["trigger_id"], view=modal(*blocks, **view))

        @self.app.view("form")
        def submitted(ack: Any, body: Json) -> None:
            self.bodies.append(body)
            ack(*self.answers[:1])  # the whole body, as Bolt passes a dict on
            del self.answers[:1]

    def open(self) -> Json:
        """Let the owner open the form; return the view."""
        assert self.slack.say("owner", "ml-arrivals", "/form")["ok"]
        return self.slack.views("owner")[-1]


ENTRIES = [
    ({"type": "plain_text_input"}, "two\nlines", {"value": "two\nlines"}),
    ({"type": "number_input", "is_decimal_allowed": True}, 2.5, {"value": "2.5"}),
    ({"type": "email_text_input"}, "owner@example.com", {"value": "owner@example.com"}),
    ({"type": "url_text_input"}, "https://example.com/a", {"value": "https://example.com/a"}),
    ({"type": "datepicker"}, "2013-07-04", {"selected_date": "2013-07-04"}),
    ({"type": "timepicker"}, "09:30", {"selected_time": "09:30"}),
    ({"type": "datetimepicker"}, 1_373_000_000, {"selected_date_time": 1_373_000_000}),
    ({"type": "static_select", "options": [option("a"), option("b")]}, "b", {"selected_option": option("b")}),
    ({"type": "static_select", "options": [option("a"), option("b")]}, "A", {"selected_option": option("a")}),
    (
        {"type": "static_select", "option_groups": [{"label": plain("g"), "options": [option("a")]}]},
        "a",
        {"selected_option": option("a")},
    ),
    ({"type": "multi_static_select", "options": [option("a")]}, ["a"], {"selected_options": [option("a")]}),
    ({"type": "radio_buttons", "options": [option("a")]}, "a", {"selected_option": option("a")}),
    ({"type": "checkboxes", "options": [option("a")]}, ["a"], {"selected_options": [option("a")]}),
    ({"type": "users_select"}, "viewer", {"selected_user": "U01VIEWER00"}),
    ({"type": "multi_users_select"}, ["viewer"], {"selected_users": ["U01VIEWER00"]}),
    ({"type": "channels_select"}, "#ml-wine", {"selected_channel": "C01WINE0000"}),
    ({"type": "multi_channels_select"}, ["ml-wine"], {"selected_channels": ["C01WINE0000"]}),
    ({"type": "conversations_select"}, "ml-wine", {"selected_conversation": "C01WINE0000"}),
    ({"type": "multi_conversations_select"}, ["ml-wine"], {"selected_conversations": ["C01WINE0000"]}),
]


def test_every_kind_of_input_arrives_in_slacks_state(slack: SlackUnderTest, connect: CONNECT) -> None:
    """A form with every input: each value stands under its own key, and an untouched one is empty."""
    filled = [field(f"b{number}", dict(element)) for number, (element, _, _) in enumerate(ENTRIES)]
    left = [
        field(f"e{number}", dict(element), optional=True) for number, (element, _, _) in enumerate(ENTRIES)
    ]
    forms = Forms(slack, *filled, *left)
    connect(forms.app)
    forms.open()
    result = slack.submit("owner", {f"b{number}": value for number, (_, value, _) in enumerate(ENTRIES)})
    assert result["ok"], result
    (body,) = forms.bodies
    values = body["view"]["state"]["values"]
    for number, (element, _, state) in enumerate(ENTRIES):
        assert values[f"b{number}"][f"b{number}.entry"] == {"type": element["type"], **state}
        (key,) = state
        empty = [] if isinstance(state[key], list) else None
        assert values[f"e{number}"][f"e{number}.entry"] == {"type": element["type"], key: empty}
    # The SDK's model of the state knows every kind but this one.
    known = {name: held for name, held in values.items() if "datetimepicker" not in str(held)}
    assert ViewState(values=known).to_dict()["values"].keys() == known.keys()
    assert slack.views("owner") == []


def test_a_submission_has_slacks_shape(slack: SlackUnderTest, connect: CONNECT) -> None:
    """The payload names the person and holds the view with its metadata, hash and place in the stack."""
    forms = Forms(
        slack, field("why", {"type": "plain_text_input"}), private_metadata="m" * 3_000, external_id="one"
    )
    connect(forms.app)
    opened = forms.open()
    assert slack.submit("owner", {"Why": "because"}, "form")["ok"]
    (body,) = forms.bodies
    view = body.pop("view")
    assert body.pop("trigger_id").count(".") == 2
    assert body.pop("token")
    assert body == {
        "type": "view_submission",
        "user": {"id": "U01OWNER000", "username": "owner", "name": "owner", "team_id": "T01LOOPBACK"},
        "api_app_id": "A01TOBANAPP",
        "team": {"id": "T01LOOPBACK", "domain": "loopback"},
        "enterprise": None,
        "is_enterprise_install": False,
        "response_urls": [],
    }
    assert (view["private_metadata"], view["external_id"]) == ("m" * 3_000, "one")
    assert (view["id"], view["root_view_id"], view["previous_view_id"]) == (opened["id"], opened["id"], None)
    assert view["hash"] == opened["hash"]
    assert View(**{name: view[name] for name in ("type", "blocks", "title", "submit", "callback_id")})


def test_slacks_own_client_checks_first(slack: SlackUnderTest, connect: CONNECT) -> None:
    """What is missing, too short, no number or out of range is said at its field and never sent."""
    forms = Forms(
        slack,
        field("name", {"type": "plain_text_input", "min_length": 3, "max_length": 4}),
        field(
            "rows", {"type": "number_input", "is_decimal_allowed": False, "min_value": "1", "max_value": "9"}
        ),
        field("mail", {"type": "email_text_input"}),
        field("page", {"type": "url_text_input"}),
        field("note", {"type": "plain_text_input"}, optional=True),
        field(
            "day",
            {"type": "multi_static_select", "options": [option("a"), option("b")], "max_selected_items": 1},
        ),
    )
    connect(forms.app)
    forms.open()
    refused = slack.submit("owner", {"rows": 10, "mail": "nobody", "page": "no page", "day": ["a", "b"]})
    assert (refused["ok"], refused["error"], refused["delivery"]) == (False, "invalid_input", None)
    assert set(refused["errors"]) == {"name", "rows", "mail", "page", "day"}
    assert slack.views("owner")[0]["errors"]["rows"] == "Please enter a number of at most 9."
    for name, value in (("name", "ab"), ("name", "abcde"), ("rows", "1.5"), ("rows", 0)):
        assert set(slack.submit("owner", {name: value})["errors"]) >= {name}
    assert slack.submit(
        "owner", {"name": "abc", "rows": 9, "mail": "a@b.c", "page": "https://x", "day": "a"}
    )["ok"]
    assert len(forms.bodies) == 1


def test_errors_of_the_app_appear_at_their_fields(slack: SlackUnderTest, connect: CONNECT) -> None:
    """response_action errors keeps the form open with the entries; the next try may succeed."""
    forms = Forms(slack, field("day", {"type": "plain_text_input"}))
    forms.answers = [{"response_action": "errors", "errors": {"day": "not that day"}}]
    connect(forms.app)
    forms.open()
    refused = slack.submit("owner", {"day": "friday"})
    assert (refused["ok"], refused["error"], refused["errors"]) == (
        False,
        "refused_input",
        {"day": "not that day"},
    )
    (view,) = slack.views("owner")
    assert view["errors"] == {"day": "not that day"}
    assert view["state"]["values"]["day"]["day.entry"]["value"] == "friday"
    assert slack.submit("owner")["ok"]
    assert slack.views("owner") == []


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "errors", "errors": {"nowhere": "x"}},
        {"response_action": "errors", "errors": {}},
        {"response_action": "update", "view": modal({"type": "nonsense"})},
        {"response_action": "dance"},
    ],
)
def test_answers_that_slack_cannot_use_leave_the_form(
    slack: SlackUnderTest, serve: Any, answer: Json
) -> None:
    """Errors at blocks that are no inputs, or unfit views: the person reads of trouble connecting."""
    forms = Forms(slack, field("day", {"type": "plain_text_input"}))
    forms.answers = [answer]
    slack.point_at(serve(forms.app))
    forms.open()
    result = slack.submit("owner", {"day": "x"})
    assert (result["ok"], result["error"]) == (False, "invalid_response")
    assert len(slack.views("owner")) == 1


def test_a_form_can_be_updated_pushed_and_cleared(slack: SlackUnderTest, connect: CONNECT) -> None:
    """An update keeps the view's id, a push lays a second view on top, clear takes all away."""
    forms = Forms(slack, field("first", {"type": "plain_text_input"}))
    second = modal(field("second", {"type": "plain_text_input"}))
    forms.answers = [
        {"response_action": "update", "view": second},
        {"response_action": "push", "view": modal(field("third", {"type": "plain_text_input"}))},
        {"response_action": "clear"},
    ]
    connect(forms.app)
    opened = forms.open()
    assert slack.submit("owner", {"first": "1"})["response_action"] == "update"
    (updated,) = slack.views("owner")
    assert (updated["id"], updated["hash"] != opened["hash"]) == (opened["id"], True)
    assert slack.submit("owner", {"second": "2"})["response_action"] == "push"
    under, front = slack.views("owner")
    assert (front["root_view_id"], front["previous_view_id"]) == (under["id"], under["id"])
    with pytest.raises(PlaygroundError, match="another view lies on top"):
        slack.submit("owner", {}, under)
    assert slack.submit("owner", {"third": "3"})["response_action"] == "clear"
    assert slack.views("owner") == []


def test_the_fixtures_play_a_whole_story(
    slack: SlackUnderTest, serve: Any, say: Any, press: Any, submit: Any, messages: Any
) -> None:
    """A mention, a button that opens a form, and the answer, by say, messages, press and submit alone."""
    forms = Forms(slack, field("why", {"type": "plain_text_input"}))
    button = {"type": "button", "action_id": "ask", "text": plain("Ask")}

    @forms.app.event("app_mention")
    def mentioned(say: Any) -> None:
        say(text="?", blocks=[{"type": "actions", "elements": [button]}])

    @forms.app.action("ask")
    def ask(ack: Any, client: Any, body: Json) -> None:
        ack()
        client.views_open(
            trigger_id=body["trigger_id"], view=modal(field("why", {"type": "plain_text_input"}))
        )

    slack.point_at(serve(forms.app))
    assert say("owner", "ml-arrivals", "<@bot> hello")["ok"]
    assert press("owner", messages("ml-arrivals", "owner")[-1], "ask")["ok"]
    assert submit("owner", {"Why": "because"})["ok"]
    assert forms.bodies[0]["view"]["state"]["values"]["why"]["why.entry"]["value"] == "because"


def test_a_submitted_view_gives_way_to_the_one_below(slack: SlackUnderTest, connect: CONNECT) -> None:
    """An empty ack closes the front view only; views.push takes triggers of forms only, three in a stack."""
    forms = Forms(
        slack,
        {"type": "actions", "elements": [{"type": "button", "action_id": "more", "text": plain("More")}]},
    )
    errors: list[str] = []

    @forms.app.action("more")
    def more(ack: Any, client: Any, body: Json) -> None:
        ack()
        assert (body["container"], body["view"]["id"]) == (
            {"type": "view", "view_id": body["view"]["id"]},
            body["view"]["id"],
        )
        assert not {"message", "response_url"} & body.keys()
        button = {"type": "button", "action_id": "more", "text": plain("More")}
        try:
            client.views_push(
                trigger_id=body["trigger_id"], view=modal({"type": "actions", "elements": [button]})
            )
        except SlackApiError as error:
            errors.append(error.response["error"])

    @forms.app.command("/push")
    def push(ack: Any, client: Any, command: Json) -> None:
        ack()
        try:
            client.views_push(trigger_id=command["trigger_id"], view=modal())
        except SlackApiError as error:
            errors.append(error.response["error"])

    connect(forms.app)
    slack.say("owner", "ml-arrivals", "/push")
    forms.open()
    for _ in range(3):
        assert slack.press("owner", None, "more")["ok"]
    assert errors == ["not_found", "push_limit_reached"]
    assert len(slack.views("owner")) == 3
    assert slack.submit("owner")["ok"]
    assert len(slack.views("owner")) == 2


def test_closing_tells_the_app_that_asked(slack: SlackUnderTest, connect: CONNECT) -> None:
    """Cancel sends view_closed for a view with notify_on_close; the cross takes the whole stack."""
    forms = Forms(slack, field("why", {"type": "plain_text_input"}, optional=True), notify_on_close=True)
    closed: list[tuple[str, bool]] = []

    @forms.app.view_closed("form")
    def gone(ack: Any, body: Json) -> None:
        ack()
        closed.append((body["view"]["id"], body["is_cleared"]))

    connect(forms.app)
    first = forms.open()
    assert slack.close_view("owner")["ok"]
    forms.answers = [{"response_action": "push", "view": modal()}]
    second = forms.open()
    slack.submit("owner")
    assert slack.close_view("owner", everything=True)["ok"]
    assert closed == [(first["id"], False), (second["id"], True)]
    assert slack.views("owner") == []
    with pytest.raises(PlaygroundError, match="no form is open"):
        slack.close_view("owner")


def test_a_menu_that_searches_asks_the_app(slack: SlackUnderTest, connect: CONNECT) -> None:
    """block_suggestion carries query and view; too short a query is not sent; the choice is sent off."""
    menu = {"type": "external_select", "min_query_length": 2}
    forms = Forms(
        slack, field("dest", dict(menu)), field("grouped", {"type": "multi_external_select"}, optional=True)
    )
    asked: list[Json] = []

    @forms.app.options("dest.entry")
    def dest(ack: Any, body: Json) -> None:
        asked.append(body)
        ack(
            options=[option(each) for each in ("lax", "las", "bos") if each.startswith(body["value"].lower())]
        )

    @forms.app.options("grouped.entry")
    def grouped(ack: Any) -> None:
        ack(option_groups=[{"label": plain("g"), "options": [option("one"), option("two")]}])

    connect(forms.app)
    forms.open()
    short = slack.suggest("owner", None, "dest.entry", "l")
    assert (short["options"], short["min_query_length"], asked) == ([], 2, [])
    assert [each["value"] for each in slack.suggest("owner", None, "dest.entry", "la")["options"]] == [
        "lax",
        "las",
    ]
    body = asked[0]
    assert (body["type"], body["action_id"], body["block_id"]) == ("block_suggestion", "dest.entry", "dest")
    assert (body["container"]["view_id"], body["view"]["callback_id"]) == (body["view"]["id"], "form")
    assert slack.suggest("owner", None, "grouped.entry", "one")["option_groups"][0]["label"] == plain("g")
    with pytest.raises(PlaygroundError, match="no option 'nowhere'"):
        slack.submit("owner", {"dest": "nowhere"})
    assert slack.submit("owner", {"dest": "bos", "grouped": ["one", "two"]})["ok"]
    values = forms.bodies[0]["view"]["state"]["values"]
    assert values["dest"]["dest.entry"] == {"type": "external_select", "selected_option": option("bos")}
    assert [each["value"] for each in values["grouped"]["grouped.entry"]["selected_options"]] == [
        "one",
        "two",
    ]


def test_more_than_a_hundred_suggestions_are_refused(slack: SlackUnderTest, serve: Any) -> None:
    """A hundred options are shown, one more is not."""
    forms = Forms(slack, field("dest", {"type": "external_select", "min_query_length": 0}))

    @forms.app.options("dest.entry")
    def dest(ack: Any, payload: Json) -> None:
        ack(options=[option(f"o{number}") for number in range(int(payload["value"]))])

    slack.point_at(serve(forms.app))
    forms.open()
    assert len(slack.suggest("owner", None, "dest.entry", "100")["options"]) == 100
    refused = slack.suggest("owner", None, "dest.entry", "101")
    assert (refused["ok"], refused["error"], refused["options"]) == (False, "invalid_options", [])


def test_inputs_act_at_once_only_when_asked(slack: SlackUnderTest, connect: CONNECT) -> None:
    """dispatch_action sends block_actions with the state of all inputs; others are only remembered."""
    options = [option("a"), option("b")]
    forms = Forms(
        slack,
        field("model", {"type": "static_select", "options": options}, dispatch_action=True),
        field("note", {"type": "plain_text_input"}),
        {"type": "actions", "block_id": "row", "elements": [{"type": "datepicker", "action_id": "day"}]},
    )
    heard: list[Json] = []

    @forms.app.action("model.entry")
    def chosen(ack: Any, body: Json, client: Any) -> None:
        ack()
        heard.append(body)
        again = modal(
            field("model", {"type": "static_select", "options": options}, dispatch_action=True),
            field("note", {"type": "plain_text_input", "initial_value": "not shown"}),
            field("more", {"type": "plain_text_input", "initial_value": "shown"}),
        )
        client.views_update(view_id=body["view"]["id"], hash=body["view"]["hash"], view=again)

    @forms.app.action("day")
    def day(ack: Any, body: Json) -> None:
        ack()
        heard.append(body)

    connect(forms.app)
    forms.open()
    assert slack.press("owner", None, "note.entry", "kept")["delivery"] is None
    assert slack.press("owner", "form", "day", "2013-07-04")["ok"]
    assert slack.press("owner", "form", "model.entry", "b", values={"note": "kept too"})["ok"]
    first, second = heard
    assert first["actions"][0]["selected_date"] == "2013-07-04"
    values = second["view"]["state"]["values"]
    assert values["model"]["model.entry"]["selected_option"] == option("b")
    assert values["row"]["day"] == {"type": "datepicker", "selected_date": "2013-07-04"}
    assert slack.submit("owner")["ok"]
    entered = forms.bodies[0]["view"]["state"]["values"]
    assert entered["note"]["note.entry"]["value"] == "kept too"
    assert entered["more"]["more.entry"]["value"] == "shown"
    assert entered["model"]["model.entry"]["selected_option"] == option("b")


def test_a_chosen_channel_gets_a_response_url(slack: SlackUnderTest, serve: Any) -> None:
    """response_url_enabled gives an address for the chosen channel, at first the one of the command."""
    menu = {
        "type": "conversations_select",
        "response_url_enabled": True,
        "default_to_current_conversation": True,
    }
    forms = Forms(slack, field("where", menu))
    slack.point_at(serve(forms.app))
    forms.open()
    assert slack.submit("owner")["ok"]
    (url,) = forms.bodies[0]["response_urls"]
    assert (url["block_id"], url["action_id"], url["channel_id"]) == ("where", "where.entry", "C01ARRIVALS")
    assert (
        WebhookClient(url["response_url"]).send(text="there", response_type="in_channel").status_code == 200
    )
    assert slack.messages("ml-arrivals", "viewer")[0]["plain"] == "there"


def test_an_answer_that_fails_leaves_the_form_open(slack: SlackUnderTest, serve: Any) -> None:
    """Without an ack the entries stay, and the person may try again."""
    app = slack.bolt_app()

    @app.command("/form")
    def form(ack: Any, client: Any, command: Json) -> None:
        ack()
        client.views_open(
            trigger_id=command["trigger_id"], view=modal(field("why", {"type": "plain_text_input"}))
        )

    slack.point_at(serve(app))
    assert slack.say("owner", "ml-arrivals", "/form")["ok"]
    slack.point_at(f"{slack.url}/nowhere")
    assert slack.submit("owner", {"why": "x"})["error"] == "dispatch_failed"
    assert slack.views("owner")[0]["state"]["values"]["why"]["why.entry"]["value"] == "x"
    assert "trouble connecting" in slack.wait_for(lambda event: event["kind"] == "ack_failed")["plain"]


def test_a_trigger_dies_after_three_seconds(start_slack: Callable[..., SlackUnderTest], serve: Any) -> None:
    """By the workspace's clock: at three seconds it opens, a moment later it is expired_trigger_id."""
    now = [1_800_000_000.0]
    seconds = Settings().trigger_seconds
    slack = start_slack(clock=lambda: now[0], trigger_seconds=seconds)
    app, triggers = slack.bolt_app(request_verification_enabled=False), []

    @app.command("/form")
    def form(ack: Any, command: Json) -> None:
        ack()
        triggers.append(command["trigger_id"])

    slack.point_at(serve(app))
    assert seconds == 3.0
    for wait, error in ((3.0, None), (3.1, "expired_trigger_id")):
        slack.say("owner", "ml-arrivals", "/form")
        now[0] += wait
        if error is None:
            assert app.client.views_open(trigger_id=triggers[-1], view=modal())["ok"]
        else:
            with pytest.raises(SlackApiError, match=error):
                app.client.views_open(trigger_id=triggers[-1], view=modal())


def test_views_have_limits_of_their_own(slack: SlackUnderTest, serve: Any) -> None:
    """Two views with one external_id, a view of more than 250 kB and a gone view are refused by name."""
    forms = Forms(slack, field("why", {"type": "plain_text_input"}), external_id="one")
    errors: list[str] = []

    @forms.app.command("/more")
    def more(ack: Any, client: Any, command: Json) -> None:
        ack()
        large = [
            field(f"b{number}", {"type": "plain_text_input", "initial_value": "x" * 3_000})
            for number in range(90)
        ]
        for call in (
            lambda: client.views_open(trigger_id=command["trigger_id"], view=modal(external_id="one")),
            lambda: client.views_open(trigger_id=command["trigger_id"], view=modal(*large)),
            lambda: client.views_update(view_id="V0NONE", view=modal()),
            lambda: client.views_publish(user_id="U01OWNER000", view=modal()),
        ):
            with pytest.raises(SlackApiError) as caught:
                call()
            errors.append(caught.value.response["error"])

    slack.point_at(serve(forms.app))
    view = forms.open()
    slack.say("owner", "ml-arrivals", "/more")
    assert errors == ["duplicate_external_id", "view_too_large", "not_found", "invalid_arguments"]
    assert (
        slack.web_client().views_update(external_id="one", view=modal(external_id="one"))["view"]["id"]
        == view["id"]
    )
    slack.close_view("owner")
    with pytest.raises(SlackApiError, match="not_found"):
        slack.web_client().views_update(view_id=view["id"], view=modal())


def test_nobody_fills_in_somebody_elses_form(slack: SlackUnderTest, serve: Any) -> None:
    """The viewer has no form open and reads so; unknown fields are named with those that exist."""
    forms = Forms(slack, field("why", {"type": "plain_text_input"}))
    slack.point_at(serve(forms.app))
    view = forms.open()
    with pytest.raises(PlaygroundError, match="no form is open"):
        slack.submit("viewer", {}, view)
    with pytest.raises(PlaygroundError, match="no input 'other'; there are: 'Why'"):
        slack.submit("owner", {"other": "x"})
    reply = requests.get(f"{slack.url}/playground/views", params={"as": "nobody"}, timeout=10)
    assert (reply.status_code, reply.json()) == (400, {"error": "no person 'nobody'"})

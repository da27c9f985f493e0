"""An office for tests of the playground's page: an app with forms and menus, and people at the page."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page
from slack_bolt import App

from playground.slack.under_test import SlackUnderTest
from tests.stand_ins import gallery

Serve = Callable[[App], str]
Json = dict[str, Any]

ARRIVALS, WINE = "C01ARRIVALS", "C01WINE0000"
AIRPORTS = ("ATL", "AUS", "BOS", "ORD")
PATIENT_SECONDS = 60.0
"""How long Slack waits for an ack, and a form's trigger lives: the machine may be busy."""


class Office:
    """A workspace whose app opens forms, offers airports, and remembers what people did."""

    def __init__(self, slack: SlackUnderTest) -> None:
        self.slack = slack
        self.web = slack.web_client()
        self.acted: list[Json] = []
        self.submitted: list[Json] = []
        self.form: Json = gallery.FORM
        self.address = ""  # where Slack delivers to

    def app(self) -> App:
        """Return the app."""
        app = self.slack.bolt_app()
        app.command("/form")(self._open_form)
        app.command("/wrong")(lambda ack: ack(blocks=[{"type": "section"}]))
        app.command("/quiet")(lambda ack: ack("Only you see *this*."))
        app.action(re.compile(".*"))(self._act)
        app.options(re.compile(".*"))(self._offer)
        app.view("predict")(self._submit)
        app.view_closed("predict")(lambda ack: ack())
        app.event("app_home_opened")(self._show_home)
        app.event("message")(lambda: None)
        return app

    def post(self, blocks: list[Json] | None = None, text: str = "gallery", **more: Any) -> str:
        """Post as the app; return the message's ts."""
        posted = self.web.chat_postMessage(
            channel=more.pop("channel", ARRIVALS), text=text, blocks=blocks, **more
        )
        return str(posted["ts"])

    def _open_form(self, ack: Any, body: Json, client: Any) -> None:
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=self.form)

    def _act(self, ack: Any, body: Json, client: Any, action: Json) -> None:
        self.acted.append({**action, "user": body["user"]["id"], "view": "view" in body})
        ack()  # last: the page shows that it was taken, and a test looks what was
        if action["action_id"] == "open.form":
            client.views_open(trigger_id=body["trigger_id"], view=self.form)

    def _offer(self, ack: Any, payload: Json) -> None:
        ack(options=[gallery.option(name) for name in AIRPORTS if payload["value"].upper() in name])

    def _submit(self, ack: Any, view: Json) -> None:
        values = {block: held["v"] for block, held in view["state"]["values"].items()}
        self.submitted.append(values)
        if values["flight"]["value"] == "UX1":
            ack(response_action="errors", errors={"flight": "There is no carrier UX; did you mean UA?"})
        else:
            ack()

    def _show_home(self, event: Json, client: Any) -> None:
        client.views_publish(user_id=event["user"], view=gallery.HOME)


@pytest.fixture
def office(start_slack: Callable[..., SlackUnderTest], serve: Serve) -> Office:
    """A workspace with the app at work in it."""
    patient = {"ack_seconds": PATIENT_SECONDS, "trigger_seconds": PATIENT_SECONDS}
    office = Office(start_slack(events=("app_home_opened", "message"), **patient))
    office.address = serve(office.app())
    office.slack.point_at(office.address)
    return office


def box(page: Page) -> Locator:
    """Return the box to write in."""
    return page.locator("#composer")


def place(page: Page) -> Locator:
    """Return the middle of the page."""
    return page.get_by_role("main")


def say(page: Page, text: str) -> None:
    """Type into the box and send it."""
    box(page).fill(text)
    box(page).press("Escape")
    box(page).press("Enter")

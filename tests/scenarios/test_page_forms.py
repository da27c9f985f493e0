"""Forms on the playground's page: what Slack's elements promise beyond being filled in."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.parts_browser import Holding, OpenPage, stop_time
from tests.stand_ins import gallery
from tests.stand_ins.office import ARRIVALS, Office, place, say

pytestmark = pytest.mark.chromium
Json = dict[str, Any]


def open_form(office: Office, page: Page, *blocks: Json) -> Locator:
    """Open a form with blocks of the test's own."""
    say(page, "/form")
    form = page.get_by_role("dialog", name="Predict")
    expect(form).to_be_visible()
    view = {**gallery.FORM, "blocks": [gallery.field("flight", "Flight", "plain_text_input"), *blocks]}
    office.web.views_update(view_id=office.slack.views("owner")[0]["id"], view=view)
    expect(form.get_by_role("button", name="Origin")).to_have_count(0)  # the new blocks are there
    return form


def submit(office: Office, form: Locator) -> Json:
    """Send the form off; return what the app got."""
    form.get_by_role("textbox", name="Flight").fill("UA1")
    form.get_by_role("button", name="Predict").click()
    expect(form).to_have_count(0)
    return office.submitted[-1]


def test_a_form_follows_another_at_once(office: Office, open_page: OpenPage) -> None:
    """A form that opens in the moment in which another one closes is shown."""
    page = open_page(office.slack.url)
    say(page, "/form")
    form = page.get_by_role("dialog", name="Predict")
    expect(form).to_be_visible()
    with Holding(page, "**/playground/feed*") as feed:
        office.post(text="ends the request that waits, unless the next one is held already")
        feed.wait()
        office.form = {**gallery.FORM, "title": gallery.plain("The next")}
        before = office.slack.seq()
        office.slack.close_view("owner")
        office.slack.say("owner", "ml-arrivals", "/form")
        office.slack.wait_for(lambda event: event["kind"] == "view_opened", after=before)  # after the ack
    expect(page.get_by_role("dialog", name="The next")).to_be_visible()
    expect(form).to_have_count(0)
    page.get_by_role("textbox", name="Flight").fill("UA1")


def test_a_form_that_opens_while_a_stack_closes(office: Office, open_page: OpenPage) -> None:
    """The cross takes away what it closes and not the form that the app opened meanwhile."""
    page = open_page(office.slack.url)
    say(page, "/form")
    form = page.get_by_role("dialog", name="Predict")
    expect(form).to_be_visible()
    with (
        page.expect_event("requestfinished", lambda one: one.url.endswith("/playground/close")),
        Holding(page, "**/playground/close", answered=True) as answer,
    ):
        form.get_by_role("button", name="Close").click()
        answer.wait()
        office.form = {**gallery.FORM, "title": gallery.plain("The next")}
        office.slack.say("owner", "ml-arrivals", "/form")
        expect(page.get_by_role("dialog", name="The next")).to_be_visible()
    office.post(text="and on it goes")
    expect(place(page).locator(".message", has_text="and on it goes")).to_have_count(1)
    page.get_by_role("textbox", name="Flight").fill("UA1")
    expect(page.get_by_role("textbox", name="Flight")).to_have_value("UA1")


def test_an_update_finds_somebody_in_a_menu(office: Office, open_page: OpenPage) -> None:
    """Whoever chooses while the app updates the form finds the focus at that menu, not somewhere else."""
    page = open_page(office.slack.url)
    menu = gallery.field("one", "One", "static_select", options=gallery.FRUIT)
    form = open_form(office, page, menu)
    form.get_by_role("button", name="One: Choose").click()
    expect(page.get_by_role("option", name="Pear")).to_be_visible()
    more = {"type": "section", "text": gallery.plain("More.")}
    changed = {**gallery.FORM, "blocks": [gallery.field("flight", "Flight", "plain_text_input"), menu, more]}
    office.web.views_update(view_id=office.slack.views("owner")[0]["id"], view=changed)
    expect(form.get_by_text("More.")).to_be_visible()
    expect(form.get_by_role("button", name="One: Choose")).to_be_focused()


def test_a_form_is_sent_once(office: Office, open_page: OpenPage) -> None:
    """Whoever presses twice while a form is on its way sends it once."""
    page = open_page(office.slack.url)
    form = open_form(office, page)
    form.get_by_role("textbox", name="Flight").fill("UX1")
    with Holding(page, "**/playground/submit") as submission:
        form.get_by_role("button", name="Predict").dblclick()
        submission.wait()
    expect(form.get_by_text("did you mean UA?")).to_be_visible()
    form.get_by_role("textbox", name="Flight").fill("UA1")
    page.keyboard.press("Control+Enter")
    expect(form).to_have_count(0)
    assert [sent["flight"]["value"] for sent in office.submitted] == ["UX1", "UA1"]


def test_an_optional_choice_is_taken_back(office: Office, open_page: OpenPage) -> None:
    """What was chosen where nothing has to be chosen can be taken back, by mouse and by keyboard."""
    page = open_page(office.slack.url)
    fields = [
        gallery.field(name, name.title(), "static_select", optional=True, options=gallery.FRUIT)
        for name in ("one", "two")
    ]
    form = open_form(office, page, *fields)
    for name in ("One", "Two"):
        form.get_by_role("button", name=f"{name}: Choose").click()
        page.get_by_role("option", name="Pear").click()
    form.get_by_role("button", name="One: Pear").click()
    page.get_by_role("option", name="No choice").click()
    expect(form.get_by_role("button", name="One: Choose")).to_be_focused()
    form.get_by_role("button", name="Two: Pear").press("Backspace")
    expect(form.get_by_role("button", name="Two: Choose")).to_be_focused()
    sent = submit(office, form)
    assert sent["one"]["selected_option"] is None
    assert sent["two"]["selected_option"] is None


def test_several_choices_by_keyboard(office: Office, open_page: OpenPage) -> None:
    """Where several may be chosen, each choice leaves one at its option, from which the arrows go on."""
    page = open_page(office.slack.url)
    fruit = gallery.field("many", "Many", "multi_static_select", optional=True, options=gallery.FRUIT)
    places = gallery.field("far", "Far", "multi_external_select", optional=True, min_query_length=1)
    form = open_form(office, page, fruit, places)
    form.get_by_role("button", name="Many: Choose").press("ArrowDown")
    for key in ("ArrowDown", "Enter", "ArrowDown", "Enter", "Escape"):
        page.keyboard.press(key)
    expect(form.get_by_role("button", name="Many: Pear, Plum")).to_be_focused()
    form.get_by_role("button", name="Far: Choose").press("ArrowDown")
    page.keyboard.type("a")
    expect(page.get_by_role("option")).to_have_text(["ATL", "AUS"])
    for key in ("Enter", "ArrowDown", "Enter", "Escape"):
        page.keyboard.press(key)
    expect(form.get_by_role("button", name="Far: ATL, AUS")).to_be_focused()
    sent = submit(office, form)
    assert [one["value"] for one in sent["many"]["selected_options"]] == ["pear", "plum"]
    assert [one["value"] for one in sent["far"]["selected_options"]] == ["atl", "aus"]


def test_what_must_be_chosen_cannot_be_taken_back(office: Office, open_page: OpenPage) -> None:
    """A menu whose choice is required offers no way to have none."""
    page = open_page(office.slack.url)
    form = open_form(office, page, gallery.field("one", "One", "static_select", options=gallery.FRUIT))
    form.get_by_role("button", name="One: Choose").click()
    page.get_by_role("option", name="Pear").click()
    form.get_by_role("button", name="One: Pear").press("Backspace")
    form.get_by_role("button", name="One: Pear").click()
    expect(page.get_by_role("option", name="Plum")).to_be_visible()
    expect(page.get_by_role("option", name="No choice")).to_have_count(0)


def test_characters_are_reported_as_they_are_typed(office: Office, open_page: OpenPage) -> None:
    """A field with on_character_entered tells the app while one types, without leaving it."""
    page = open_page(office.slack.url)
    live = gallery.field(
        "live",
        "Live",
        "plain_text_input",
        optional=True,
        dispatch_action_config={"trigger_actions_on": ["on_character_entered"]},
    )
    form = open_form(office, page, {**live, "dispatch_action": True})
    field = form.get_by_role("textbox", name="Live")
    field.press_sequentially("UA5")
    office.slack.wait_for(lambda _: "UA5" in [one["value"] for one in office.acted])
    expect(field).to_be_focused()


def test_what_is_typed_while_the_form_changes(office: Office, open_page: OpenPage) -> None:
    """What was typed before an update and is told to the app after it undoes nothing that was typed since."""
    page = open_page(office.slack.url)
    reporting = {"trigger_actions_on": ["on_character_entered"]}
    live = gallery.field("live", "Live", "plain_text_input", dispatch_action_config=reporting)
    form = open_form(office, page, {**live, "dispatch_action": True})
    view_id = office.slack.views("owner")[0]["id"]

    def update(text: str) -> None:
        section = {"type": "section", "text": gallery.plain(text)}
        view = {**gallery.FORM, "blocks": [{**live, "dispatch_action": True}, section]}
        office.web.views_update(view_id=view_id, view=view)
        expect(form.get_by_text(text)).to_be_visible()

    stop_time(page)
    field = form.get_by_role("textbox", name="Live")
    field.focus()
    page.keyboard.type("UA")
    page.clock.run_for(200)
    update("once")
    page.keyboard.type("5")
    page.clock.run_for(100)
    office.slack.wait_for(lambda _: bool(office.acted))
    update("twice")
    expect(field).to_have_value("UA5")
    assert [one["value"] for one in office.acted] == ["UA5"]


def test_a_button_of_a_form(office: Office, open_page: OpenPage) -> None:
    """A button with a value and a menu of more, in a form, reach the app together with what was entered."""
    page = open_page(office.slack.url)
    elements = [
        gallery.button("look.up", "Look up"),
        {"type": "overflow", "action_id": "more", "options": [gallery.option("Card")]},
    ]
    form = open_form(office, page, {"type": "actions", "elements": elements})
    form.get_by_role("textbox", name="Flight").fill("UA580")
    form.get_by_role("button", name="Look up").click()
    office.slack.wait_for(lambda _: len(office.acted) == 1)
    form.get_by_role("button", name="More options").click()
    page.get_by_role("menuitem", name="Card").click()
    office.slack.wait_for(lambda _: [one["action_id"] for one in office.acted] == ["look.up", "more"])
    assert office.acted[0]["value"] == "look.up"
    values = office.slack.views("owner")[0]["state"]["values"]
    assert values["flight"]["v"]["value"] == "UA580"
    expect(form.get_by_role("alert")).to_be_empty()


def test_files_of_a_form_are_named(office: Office, open_page: OpenPage) -> None:
    """A form says which files it holds, also after an update has drawn it anew; what fails is said."""
    page = open_page(office.slack.url)
    fields = [gallery.field("table", "Table", "file_input", optional=True, filetypes=["csv"])]
    form = open_form(office, page, *fields)
    rows = {"name": "rows.csv", "mimeType": "text/csv", "buffer": b"a\n1\n"}
    page.route("**/playground/files", lambda route: route.abort())
    form.get_by_label("Table").set_input_files([rows])
    expect(form.get_by_role("alert")).to_contain_text("does not answer")
    page.unroute("**/playground/files")
    form.get_by_label("Table").set_input_files([rows])
    expect(form.get_by_text("rows.csv, uploaded")).to_be_visible()
    more = {"type": "section", "text": gallery.plain("More.")}
    view = office.slack.views("owner")[0]
    changed = {**gallery.FORM, "blocks": [gallery.FORM["blocks"][1], *fields, more]}
    office.web.views_update(view_id=view["id"], view=changed)
    expect(form.get_by_text("More.")).to_be_visible()
    expect(form.get_by_text("rows.csv, uploaded")).to_be_visible()
    assert [one["name"] for one in submit(office, form)["table"]["files"]] == ["rows.csv"]


def test_the_conversation_that_one_came_from(office: Office, open_page: OpenPage) -> None:
    """A menu that begins with the current conversation shows it, as it is sent."""
    page = open_page(office.slack.url)
    where = gallery.field("where", "Where", "conversations_select", default_to_current_conversation=True)
    form = open_form(office, page, where)
    expect(form.get_by_role("button", name="Where: #ml-arrivals")).to_be_visible()
    assert submit(office, form)["where"]["selected_conversation"] == ARRIVALS


def test_the_focus_begins_where_one_writes(office: Office, open_page: OpenPage) -> None:
    """A form begins at its first field, not at a button before it, or where the app wants the focus."""
    page = open_page(office.slack.url)
    beside = {"type": "section", "text": gallery.plain("Why?"), "accessory": gallery.button("b", "Why")}
    blocks = [beside, gallery.field("a", "First", "plain_text_input")]
    office.form = {**gallery.FORM, "blocks": blocks}
    say(page, "/form")
    expect(page.get_by_role("textbox", name="First")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    office.form = {
        **gallery.FORM,
        "blocks": [*blocks, gallery.field("c", "Second", "plain_text_input", focus_on_load=True)],
    }
    say(page, "/form")
    expect(page.get_by_role("textbox", name="Second")).to_be_focused()


def test_a_refused_question_leaves_the_choice(office: Office, open_page: OpenPage) -> None:
    """Whoever answers No to the question behind radio buttons finds the old choice still made."""
    radios = {
        "type": "radio_buttons",
        "action_id": "one",
        "options": gallery.FRUIT[:2],
        "initial_option": gallery.FRUIT[1],
        "confirm": gallery.confirm(),
    }
    office.post([{"type": "actions", "elements": [radios]}])
    page = open_page(office.slack.url)
    place(page).get_by_role("radio", name="Apple").click()
    page.get_by_role("button", name="No", exact=True).click()
    expect(place(page).get_by_role("radio", name="Pear")).to_be_checked()
    assert office.acted == []

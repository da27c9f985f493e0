"""The playground's page, by mouse and by keyboard: an app answers, and people see each other live."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from tests.parts_browser import Holding, OpenPage, stop_time
from tests.stand_ins import gallery
from tests.stand_ins.office import ARRIVALS, Office, box, place, say

pytestmark = pytest.mark.chromium

PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True}
LEGIBILITY = (Path(__file__).parents[1] / "stand_ins" / "legibility.js").read_text(encoding="utf-8")


def test_people_see_each_other_live(office: Office, open_page: OpenPage) -> None:
    """What one says appears for another without a reload, marked as unread, and calling whom it names."""
    owner, viewer = open_page(office.slack.url), open_page(office.slack.url)
    viewer.get_by_role("radio", name="viewer").click()
    expect(viewer.get_by_role("radio", name="viewer")).to_be_checked()
    say(owner, "good *morning*, @viewer")
    message = place(viewer).locator(".message", has_text="good morning")
    expect(message.locator("strong")).to_have_text("morning")
    expect(message.locator(".mention.me")).to_have_text("@viewer")
    expect(viewer.get_by_role("status").filter(has_text="good morning")).to_be_attached()

    owner.get_by_role("button", name="ml-wine").click()
    say(owner, "about wine")
    wine = viewer.get_by_role("button", name=re.compile("ml-wine"))
    expect(wine).to_contain_text("1 unread")
    wine.click()
    expect(place(viewer).locator(".divider-line.new")).to_be_visible()
    expect(wine).not_to_contain_text("unread")


def test_a_message_is_edited_and_deleted_live(office: Office, open_page: OpenPage) -> None:
    """The app's edits and deletions show at once, and the focus stays on the button that one is at."""
    ts = office.post(gallery.CONTROLS, "first")
    page = open_page(office.slack.url)
    place(page).get_by_role("button", name="Plain").focus()
    changed = [{"type": "section", "text": {"type": "mrkdwn", "text": "*second*"}}, *gallery.CONTROLS]
    office.web.chat_update(channel=ARRIVALS, ts=ts, text="second", blocks=changed)
    expect(place(page).get_by_text("second")).to_be_visible()
    expect(place(page).get_by_role("button", name="Plain")).to_be_focused()
    office.web.chat_delete(channel=ARRIVALS, ts=ts)
    expect(place(page).locator(".message")).to_have_count(0)


@pytest.mark.parametrize(
    ("name", "by_key"), [("Plain", False), ("Plain", True), ("ml-wine", False)], ids=["card", "key", "side"]
)
def test_a_click_while_something_comes(office: Office, open_page: OpenPage, name: str, by_key: bool) -> None:
    """What is drawn anew waits until a pressed button was let go of; the click counts, by keyboard too."""
    ts = office.post(gallery.CONTROLS, "first")
    page = open_page(office.slack.url)
    stop_time(page)  # the page waits for three seconds at most, and this machine may be busy for longer
    button = page.get_by_role("button", name=name)
    button.focus() if by_key else button.hover()
    page.keyboard.down(" ") if by_key else page.mouse.down()
    with page.expect_request(asks_for_more_than(office.slack.seq())):
        office.web.chat_update(
            channel=ARRIVALS, ts=ts, text="second", blocks=[*gallery.CONTROLS, *gallery.TABLE]
        )
    expect(place(page).get_by_role("table")).to_have_count(0)
    if name == "Plain":
        with page.expect_response("**/playground/press"):
            page.keyboard.up(" ") if by_key else page.mouse.up()
        assert [one["action_id"] for one in office.acted] == ["plain"]
        page.clock.resume()
        expect(place(page).get_by_role("table")).to_be_visible()
    else:
        page.mouse.up()
        expect(page.get_by_role("heading", name=name)).to_be_visible()


def asks_for_more_than(seq: int) -> Callable[[Request], bool]:
    """Return what knows the page's next question for events: it has taken all up to one after *seq*."""
    return lambda one: (
        "/playground/feed" in one.url and int(parse_qs(urlsplit(one.url).query)["after"][0]) > seq
    )


def test_nobody_is_shown_by_halves(office: Office, open_page: OpenPage) -> None:
    """Until all that another person sees is there the page stays as it was; what came meanwhile follows."""
    page = open_page(office.slack.url)
    say(page, "/quiet")
    private = place(page).locator(".message.private")
    expect(private).to_be_visible()
    with Holding(page, "**/playground/messages*") as reading:
        page.get_by_role("radio", name="viewer").click()
        reading.wait()
        with page.expect_request(asks_for_more_than(office.slack.seq())):
            office.post(text="<@U01VIEWER00>, meanwhile")
        expect(page.get_by_role("radio", name="viewer")).not_to_be_checked()
        expect(private).to_be_visible()
    expect(page.get_by_role("radio", name="viewer")).to_be_checked()
    expect(private).to_have_count(0)
    expect(place(page).get_by_text("meanwhile")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="meanwhile")).to_be_attached()


def test_what_only_one_person_sees(office: Office, open_page: OpenPage) -> None:
    """A private answer is marked as such, and another person does not see it."""
    page = open_page(office.slack.url)
    say(page, "/quiet")
    private = place(page).locator(".message.private")
    expect(private).to_contain_text("Only visible to you")
    expect(private.locator("strong")).to_have_text("this")
    page.get_by_role("radio", name="operator").click()
    expect(private).to_have_count(0)


def test_buttons_and_menus(office: Office, open_page: OpenPage) -> None:
    """Presses, questions, menus, searches, dates and checkboxes reach the app as Slack sends them."""
    office.post(gallery.CONTROLS)
    page = open_page(office.slack.url)
    here = place(page)
    here.get_by_role("button", name="Promote").click()
    page.get_by_role("button", name="No", exact=True).click()
    here.get_by_role("button", name="Promote").click()
    page.get_by_role("dialog").get_by_role("button", name="Do it").click()
    here.get_by_role("button", name="More options").click()
    page.get_by_role("menuitem", name="Lineage").click()
    here.get_by_role("button", name="Choose fruit").click()
    page.get_by_role("option", name="Pear").click()
    here.get_by_role("button", name="Several").click()
    page.get_by_role("option", name="Plum").click()
    page.keyboard.press("Escape")
    here.get_by_role("button", name="Search airports").click()
    page.get_by_role("combobox", name="Search").fill("au")
    page.get_by_role("option", name="AUS").click()
    here.get_by_role("button", name="Who").click()
    page.get_by_role("option", name="@viewer").click()
    here.get_by_label("Date").fill("2013-07-10")
    here.get_by_label("Time").fill("09:30")
    here.get_by_role("radio", name="Apple").check()
    here.get_by_role("checkbox", name="Pear").check()
    expect(here.locator("[aria-busy=true]")).to_have_count(0)
    done = {one["action_id"]: one for one in office.acted}
    assert [one["action_id"] for one in office.acted].count("promote") == 1
    assert done["promote"]["value"] == "promote"
    assert done["more"]["selected_option"]["value"] == "lineage"
    assert done["fruit"]["selected_option"]["value"] == "pear"
    assert [one["value"] for one in done["fruits"]["selected_options"]] == ["apple", "plum"]
    assert done["airport"]["selected_option"]["value"] == "aus"
    assert done["who"]["selected_user"] == "U01VIEWER00"
    assert done["day"]["selected_date"] == "2013-07-10"
    assert done["time"]["selected_time"] == "09:30"
    assert done["one"]["selected_option"]["value"] == "apple"
    assert [one["value"] for one in done["some"]["selected_options"]] == ["pear"]


def test_a_form_by_keyboard_alone(office: Office, open_page: OpenPage) -> None:
    """Errors stand at their fields and are announced there; corrected, the form is sent and goes away."""
    page = open_page(office.slack.url)
    page.keyboard.type("/form")
    page.keyboard.press("Enter")
    form = page.get_by_role("dialog", name="Predict")
    flight = form.get_by_role("textbox", name="Flight")
    expect(flight).to_be_focused()
    page.keyboard.press("Control+Enter")
    expect(flight).to_have_attribute("aria-invalid", "true")
    expect(flight).to_be_focused()
    expect(flight).to_have_accessible_description(re.compile("required field.*carrier and number"))
    assert office.submitted == []

    page.keyboard.type("UX1")
    form.get_by_role("button", name="Origin").focus()
    for key in ("ArrowDown", "J", "F", "Enter"):
        page.keyboard.press(key)
    expect(form.get_by_role("button", name="Origin: JFK")).to_be_focused()
    page.keyboard.press("Tab")
    expect(form.get_by_role("button", name="Destination")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.type("b")
    expect(page.get_by_role("option", name="BOS")).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("37")
    page.keyboard.press("Control+Enter")
    expect(form.get_by_text("did you mean UA?")).to_be_visible()
    expect(flight).to_be_focused()

    flight.fill("UA1")
    page.keyboard.press("Control+Enter")
    expect(form).to_have_count(0)
    sent = office.submitted[-1]
    assert sent["flight"]["value"] == "UA1"
    assert sent["date"]["selected_date"] == "2013-07-04"
    assert sent["origin"]["selected_option"]["value"] == "jfk"
    assert sent["dest"]["selected_option"]["value"] == "bos"
    assert sent["delay"]["value"] == "37"
    assert sent["kind"]["selected_option"]["value"] == "number"


def test_a_form_is_updated_pushed_and_closed(office: Office, open_page: OpenPage) -> None:
    """An update keeps what was entered; Esc closes a view on top and shows the one beneath."""
    page = open_page(office.slack.url)
    say(page, "/form")
    form = page.get_by_role("dialog")
    form.get_by_role("textbox", name="Flight").fill("UA580")
    view = office.slack.views("owner")[0]
    more = {"type": "section", "text": gallery.plain("Weather is looked up.")}
    changed = {**gallery.FORM, "blocks": [*gallery.FORM["blocks"], more]}
    office.web.views_update(view_id=view["id"], view=changed)
    expect(form.get_by_text("Weather is looked up.")).to_be_visible()
    expect(form.get_by_role("textbox", name="Flight")).to_have_value("UA580")
    page.keyboard.press("Escape")
    expect(form).to_have_count(0)
    assert office.slack.views("owner") == []


def test_the_home_tab(office: Office, open_page: OpenPage) -> None:
    """The app hears that its Home was opened, publishes it, and its button opens a form."""
    page = open_page(office.slack.url)
    page.get_by_role("button", name="toban").click()
    page.get_by_role("tab", name="Home").click()
    home = page.get_by_role("region", name="Home")
    expect(home.get_by_text("Nothing waits for you.")).to_be_visible()
    office.web.chat_postMessage(channel="U01OWNER000", text="an answer from your Home tab")
    expect(page.get_by_role("tab", name="Messages")).to_contain_text("1 unread")
    expect(page.get_by_role("button", name="toban")).to_contain_text("1 unread")
    home.get_by_role("button", name="Predict").click()
    expect(page.get_by_role("dialog", name="Predict")).to_be_visible()


def test_a_thread_by_keyboard(office: Office, open_page: OpenPage) -> None:
    """Arrow keys go through the messages, a thread opens beside them, takes a reply, and Esc leads back."""
    ts = office.post(text="the card")
    office.post(text="a reply", thread_ts=ts)
    page = open_page(office.slack.url)
    expect(place(page).get_by_role("button", name="1 reply")).to_be_visible()
    page.get_by_role("region", name="Messages").focus()
    page.keyboard.press("ArrowUp")
    expect(place(page).locator(".message").last).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    thread = page.get_by_role("complementary", name="Thread")
    expect(thread.get_by_text("a reply")).to_be_visible()
    page.keyboard.type("understood")
    page.keyboard.press("Enter")
    expect(thread.locator(".message")).to_have_count(3)
    expect(place(page).get_by_role("button", name="2 replies")).to_be_visible()
    page.keyboard.press("Escape")
    expect(thread).to_be_hidden()


def test_what_is_typed_goes_into_the_thread_that_one_opened(office: Office, open_page: OpenPage) -> None:
    """A thread takes the focus at once, before its replies are there."""
    ts = office.post(text="the card")
    office.post(text="a reply", thread_ts=ts)
    page = open_page(office.slack.url)
    thread = page.get_by_role("complementary", name="Thread")
    with Holding(page, "**/playground/messages*"):
        place(page).get_by_role("button", name="1 reply").click()
        page.keyboard.type("understood")
        expect(page.locator("#reply")).to_have_value("understood")
        expect(thread.get_by_text("the card")).to_be_visible()
    expect(thread.get_by_text("a reply")).to_be_visible()
    expect(page.locator("#reply")).to_have_value("understood")


def test_an_old_answer_undoes_nothing(office: Office, open_page: OpenPage) -> None:
    """What the feed told while a thread was being read stays, though the thread's answer is from before."""
    ts = office.post(text="the card")
    office.post(text="a reply", thread_ts=ts)
    page = open_page(office.slack.url)
    with Holding(page, "**/playground/messages*", answered=True) as old:
        place(page).get_by_role("button", name="1 reply").click()
        old.wait()
        office.web.chat_update(channel=ARRIVALS, ts=ts, text="the card, done")
        expect(place(page).get_by_text("the card, done")).to_be_visible()
    thread = page.get_by_role("complementary", name="Thread")
    expect(thread.get_by_text("a reply")).to_be_visible()
    expect(thread.get_by_text("the card, done")).to_be_visible()
    expect(place(page).get_by_text("the card, done")).to_be_visible()


def test_files_are_dropped_and_previewed(office: Office, open_page: OpenPage) -> None:
    """A CSV is dropped with a comment and shown as a table, in Shift_JIS too; pictures are enlarged."""
    page = open_page(office.slack.url)
    drop(page, "flights.csv", "flight,from\nUA580,JFK\nDL1,LGA\n")
    say(page, "two rows")
    file = place(page).locator(".message", has_text="two rows").locator(".file")
    expect(file.get_by_role("columnheader")).to_have_text(["flight", "from"])
    expect(file.get_by_role("row")).to_have_count(3)
    office.slack.share("viewer", "ml-arrivals", "sjis.csv", "空港,遅れ\n羽田,3\n".encode("shift_jis"))
    expect(place(page).get_by_role("columnheader", name="空港")).to_be_visible()
    office.web.files_upload_v2(
        channel=ARRIVALS, filename="dot.png", content=DOT, alt_txt="a dot", title="Dot"
    )
    place(page).get_by_role("button", name="Enlarge: a dot").click()
    picture = page.get_by_role("dialog", name="a dot").get_by_role("img")
    expect(picture).to_have_js_property("naturalWidth", 1)
    expect(picture).to_be_visible()


def test_the_box_completes_commands(office: Office, open_page: OpenPage) -> None:
    """Verbs, models, inputs and values are offered while one types, and anew when they change."""
    verb = {
        "name": "predict",
        "summary": "Ask a model.",
        "words": [{"*": [{"name": "arrival-delay"}]}],
        "inputs": {"arrival-delay": [{"name": "origin", "values": ["EWR", "JFK"]}, {"name": "flight"}]},
    }
    office.slack.complete({"commands": [{"name": "/ml", "verbs": [verb, {"name": "models"}]}]})
    page = open_page(office.slack.url)
    page.keyboard.type("/m")
    page.keyboard.press("Enter")
    for typed in ("pr", "arr", "or", "J"):
        page.keyboard.type(typed)
        expect(page.get_by_role("option")).to_have_count(1)
        page.keyboard.press("Tab")
    expect(box(page)).to_have_value("/ml predict arrival-delay origin=JFK ")
    expect(page.get_by_role("option")).to_have_text(["flight="])
    box(page).fill("/ml me")
    expect(page.get_by_role("option")).to_have_count(0)
    office.slack.complete({"commands": [{"name": "/ml", "verbs": [verb, {"name": "mend"}]}]})
    expect(page.get_by_role("option")).to_have_text(["mend"])
    expect(box(page)).to_have_attribute("aria-activedescendant", re.compile("completion"))
    page.keyboard.press("Escape")
    expect(page.get_by_role("option")).to_have_count(0)
    expect(box(page)).not_to_have_attribute("aria-activedescendant", re.compile("."))


def test_a_new_table_disturbs_nobody_who_chooses(office: Office, open_page: OpenPage) -> None:
    """The completion that the keys are at stays so when the list changes; what Esc closed stays closed."""
    complete(office, "merge", "mend")
    page = open_page(office.slack.url)
    page.keyboard.type("/ml me")
    expect(page.get_by_role("option", selected=True)).to_have_text("merge")
    page.keyboard.press("ArrowDown")
    complete(office, "measure", "merge", "mend")
    expect(page.get_by_role("option")).to_have_text(["measure", "merge", "mend"])
    expect(page.get_by_role("option", selected=True)).to_have_text("mend")
    page.keyboard.press("Escape")
    with page.expect_response("**/playground/completions*"):
        complete(office, "melt")
    expect(page.get_by_role("option")).to_have_count(0)
    page.keyboard.press("Enter")
    office.slack.wait_for(lambda event: event.get("text") == "/ml me")


def complete(office: Office, *verbs: str) -> None:
    """Let the page complete /ml with these verbs."""
    office.slack.complete({"commands": [{"name": "/ml", "verbs": [{"name": verb} for verb in verbs]}]})


def test_trouble_is_said_and_nothing_is_lost(office: Office, open_page: OpenPage) -> None:
    """A press that the app did not take is marked; a message that could not be sent is still in the box."""
    office.post(gallery.CONTROLS)
    page = open_page(office.slack.url)
    office.slack.point_at("http://127.0.0.1:9/slack/events")
    place(page).get_by_role("button", name="Plain").click()
    expect(page.get_by_role("alert")).to_contain_text("did not take")
    expect(place(page).get_by_role("button", name="Plain")).to_have_class(re.compile("failed"))
    office.post(text="the feed has told of the press, too")
    expect(place(page).get_by_text("the feed has told")).to_be_visible()
    say(page, "anybody there?")
    expect(page.get_by_role("alert")).to_contain_text("nothing answers at http://127.0.0.1:9/slack/events")
    page.route("**/playground/say", lambda route: route.abort())
    say(page, "important")
    expect(page.get_by_role("alert")).to_contain_text("The playground does not answer")
    expect(box(page)).to_have_value("important")
    page.route("**/playground/messages*", lambda route: route.fulfill(body='{"messages": ['))
    page.get_by_role("button", name="Close").click()
    page.get_by_role("radio", name="viewer").click()
    expect(page.get_by_role("alert")).to_contain_text("The playground does not answer")
    expect(page.get_by_role("radio", name="owner")).to_be_checked()


def test_a_phone(office: Office, open_page: OpenPage) -> None:
    """At phone width nothing is wider than the screen, and channels and people slide in."""
    for blocks in (gallery.WORDS, gallery.LONG_TEXT, gallery.TABLE, gallery.CHART, gallery.CONTROLS):
        office.post(blocks)
    page = open_page(office.slack.url, **PHONE)
    expect(page.get_by_role("radio", name="viewer")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.querySelector('#place .scroller').scrollWidth") <= 390
    page.get_by_role("button", name="Speaking as owner").click()
    page.get_by_role("radio", name="viewer").click()
    expect(page.get_by_role("radio", name="viewer")).to_be_checked()
    page.get_by_role("button", name="ml-wine").click()
    expect(page.get_by_role("heading", name="ml-wine")).to_be_visible()
    expect(page.get_by_role("button", name="Speaking as viewer")).to_be_visible()
    verbs = [
        {"name": f"verb-{number}", "summary": "What it does, at some length. " * 2} for number in range(20)
    ]
    office.slack.complete({"commands": [{"name": "/ml", "verbs": verbs}]})
    box(page).press_sequentially("/ml ver")
    expect(page.get_by_role("option")).to_have_count(20)
    assert page.get_by_role("listbox", name="Completions").bounding_box()["height"] <= 780 * 0.46
    say(page, "/form")
    form = page.get_by_role("dialog")
    expect(form).to_be_visible()
    assert form.bounding_box()["width"] <= 390


def test_the_theme(office: Office, open_page: OpenPage) -> None:
    """The page follows the system until one chooses, and remembers the choice."""
    page = open_page(office.slack.url, color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.get_by_role("button", name="Theme: as the system has it").click()
    light = page.evaluate(ground)
    assert light != dark
    page.reload()
    page.get_by_role("button", name="Theme: light").wait_for()
    assert page.evaluate(ground) == light


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_and_have_names(office: Office, open_page: OpenPage, scheme: str) -> None:
    """Every text has a contrast of 4.5 : 1 at least, every control a name, every picture words."""
    for blocks in (gallery.WORDS, gallery.LONG_TEXT, gallery.RICH, gallery.TABLE, gallery.CONTROLS):
        office.post(blocks)
    page = open_page(office.slack.url, color_scheme=scheme)
    say(page, "/quiet")
    expect(place(page).locator(".message.private")).to_be_visible()
    assert page.evaluate(LEGIBILITY) == []
    say(page, "/form")
    page.get_by_role("dialog").get_by_role("button", name="Predict").click()
    expect(page.get_by_role("dialog").locator(".wrong")).not_to_have_count(0)
    assert page.evaluate(LEGIBILITY) == []


def drop(page: Page, name: str, text: str) -> None:
    """Drop a file onto the conversation."""
    place(page).evaluate(
        """(element, [name, text]) => {
          const carried = new DataTransfer();
          carried.items.add(new File([text], name));
          for (const kind of ["dragover", "drop"])
            element.dispatchEvent(new DragEvent(kind, { dataTransfer: carried, cancelable: true }));
        }""",
        [name, text],
    )


DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)  # a picture of one point

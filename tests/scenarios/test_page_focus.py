"""The playground's page without pointing or seeing: where the focus goes, and what is said aloud."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.parts_browser import OpenPage
from tests.stand_ins import gallery
from tests.stand_ins.office import ARRIVALS, WINE, Office, box, place, say

pytestmark = pytest.mark.chromium

NARROW = {"viewport": {"width": 375, "height": 700}}
HEADINGS = """() => [...document.querySelectorAll("main :is(h1, h2, h3, h4, h5, h6)")]
  .map((heading) => Number(heading.tagName[1]))"""
FOCUS_IS_IN_THE_SIDE = "document.querySelector('#side').contains(document.activeElement)"


def open_thread(page: Page) -> None:
    """Open the thread of the last message."""
    place(page).locator(".message").last.hover()
    place(page).locator(".message").last.get_by_role("button", name="Reply in thread").click()
    expect(page.locator("#reply")).to_be_focused()


def test_leaving_a_thread_for_another_channel_keeps_the_focus(office: Office, open_page: OpenPage) -> None:
    """Alt with an arrow leads to the next channel from a thread's box too, also where something was sent."""
    office.post(text="the card")
    page = open_page(office.slack.url)
    open_thread(page)
    page.keyboard.type("understood")
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary").get_by_text("understood")).to_be_visible()
    page.keyboard.press("Alt+ArrowDown")
    expect(page.get_by_role("heading", name="ml-wine")).to_be_visible()
    expect(box(page)).to_be_focused()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.get_by_role("heading", name="ml-arrivals")).to_be_visible()
    expect(box(page)).to_be_focused()
    expect(box(page)).to_have_value("")


def test_a_slash_goes_to_the_box_that_one_sees(office: Office, open_page: OpenPage) -> None:
    """In a narrow window, where a thread covers the conversation, the key leads to the thread's box."""
    office.post(text="the card")
    page = open_page(office.slack.url, viewport={"width": 800, "height": 700})
    open_thread(page)
    page.get_by_role("region", name="Replies").focus()
    page.keyboard.press("/")
    expect(page.locator("#reply")).to_be_focused()
    expect(page.locator("#reply")).to_have_value("/")


def test_the_side_of_a_narrow_window_by_keyboard(office: Office, open_page: OpenPage) -> None:
    """While the side lies over the page the focus stays in it; closed, it gives the focus back."""
    page = open_page(office.slack.url, **NARROW)
    opener = page.get_by_role("button", name="Channels and people")
    opener.press("Enter")
    for _ in range(8):
        page.keyboard.press("Tab")
        assert page.evaluate(f"document.activeElement === document.body || {FOCUS_IS_IN_THE_SIDE}")
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    opener.press("Enter")
    page.get_by_role("button", name="ml-wine").press("Enter")
    expect(page.get_by_role("heading", name="ml-wine")).to_be_visible()
    expect(opener).to_be_focused()


def test_a_call_from_elsewhere_is_announced(office: Office, open_page: OpenPage) -> None:
    """Whom a message names elsewhere hears of it, and the title counts what one has not read."""
    page = open_page(office.slack.url)
    office.post(text="just so", channel=WINE)
    expect(page).to_have_title("(1) #ml-arrivals · Toban playground")
    expect(page.locator("#announcer")).to_be_empty()
    office.post(text="<@U01OWNER000> please decide", channel=WINE)
    expect(page.locator("#announcer")).to_contain_text("#ml-wine, toban")
    expect(page.locator("#announcer")).to_contain_text("please decide")
    expect(page).to_have_title("(2) #ml-arrivals · Toban playground")
    page.get_by_role("button", name=re.compile("ml-wine")).click()
    expect(page).to_have_title("#ml-wine · Toban playground")


def test_what_comes_below_is_pointed_out(office: Office, open_page: OpenPage) -> None:
    """Whoever reads further up stays there, is told that something came, and gets there by one press."""
    for _ in range(4):
        office.post(gallery.LONG_TEXT)
    page = open_page(office.slack.url)
    newest = page.get_by_role("button", name="New messages below")
    expect(newest).to_be_hidden()
    page.get_by_role("region", name="Messages").evaluate("list => { list.scrollTop = 0; }")
    page.wait_for_function("document.querySelector('#place .scroller').scrollTop === 0")
    office.post(text="the newest")
    expect(newest).to_be_visible()
    expect(place(page).get_by_text("the newest")).not_to_be_in_viewport()
    newest.click()
    expect(place(page).get_by_text("the newest")).to_be_in_viewport()
    expect(newest).to_be_hidden()
    expect(box(page)).to_be_focused()


def test_a_form_says_its_own_trouble(office: Office, open_page: OpenPage) -> None:
    """What goes wrong with a press in a form is said in the form, and gone once something else succeeds."""
    page = open_page(office.slack.url)
    say(page, "/form")
    form = page.get_by_role("dialog", name="Predict")
    expect(form).to_be_visible()
    more = {"type": "actions", "elements": [gallery.button("plain", "Look up")]}
    view = office.slack.views("owner")[0]
    office.web.views_update(
        view_id=view["id"], view={**gallery.FORM, "blocks": [*gallery.FORM["blocks"], more]}
    )
    address = office.address
    office.slack.point_at("http://127.0.0.1:9/slack/events")
    form.get_by_role("button", name="Look up").click()
    expect(form.get_by_role("alert")).to_contain_text("did not take")
    expect(place(page).locator(".trouble")).to_be_empty()
    page.keyboard.press("Escape")
    expect(form).to_have_count(0)

    say(page, "/quiet")
    expect(place(page).locator(".trouble")).to_contain_text("/quiet")
    office.slack.point_at(address)
    say(page, "/quiet")
    expect(place(page).get_by_text("Only you see this.")).to_be_visible()
    expect(place(page).locator(".trouble")).to_be_empty()


def test_an_answer_that_slack_would_refuse(office: Office, open_page: OpenPage) -> None:
    """The page says what was wrong with the answer to a command, and goes on."""
    page = open_page(office.slack.url)
    say(page, "/wrong")
    expect(place(page).get_by_text('failed with the error "invalid_blocks"')).to_be_visible()
    expect(place(page).locator(".trouble")).to_contain_text("/wrong: invalid_blocks")
    office.post(text="and on it goes", channel=ARRIVALS)
    expect(place(page).get_by_text("and on it goes")).to_be_visible()


def test_what_a_screen_reader_finds(office: Office, open_page: OpenPage) -> None:
    """Headings go down one level at a time, lists hold nothing but their items, and tables are no regions."""
    for _ in range(2):
        office.post([*gallery.WORDS[:1], *gallery.TABLE])
    page = open_page(office.slack.url)
    expect(place(page).get_by_role("table")).to_have_count(2)
    assert page.evaluate(HEADINGS) == [1, 2, 3, 3]
    assert page.locator("ol > :not(li), ul > :not(li), li[role]").count() == 0
    assert place(page).get_by_role("region").count() == 1


def test_words_from_right_to_left(office: Office, open_page: OpenPage) -> None:
    """A text that begins in Hebrew or Arabic runs from right to left, in messages and in the box."""
    office.post(text="שלום, עולם!")
    page = open_page(office.slack.url)
    text = place(page).get_by_text("שלום, עולם!")
    assert text.evaluate("one => getComputedStyle(one).direction") == "rtl"
    box(page).fill("مرحبا")
    assert box(page).evaluate("one => getComputedStyle(one).direction") == "rtl"

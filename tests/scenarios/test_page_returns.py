"""The playground's page over a restart, in two windows, and while the playground is away."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from playground.slack.under_test import SlackUnderTest
from tests.parts_browser import OpenPage
from tests.stand_ins.office import ARRIVALS, Office, box, place

pytestmark = [pytest.mark.chromium, pytest.mark.slow]

FILE = {"name": "rows.csv", "mimeType": "text/csv", "buffer": b"a\n1\n"}


def attach(page: Page) -> None:
    """Put a file beside the box."""
    place(page).locator("input[type=file]").set_input_files([FILE])
    expect(place(page).locator(".attached li")).to_have_count(1)


def test_a_restart_disturbs_nobody(
    start_slack: Callable[..., SlackUnderTest], open_page: OpenPage, tmp_path: Path
) -> None:
    """After a restart the thread is still open, and what was begun in the boxes is as it was left."""
    first = start_slack(state=tmp_path)
    ts = first.say("owner", "ml-arrivals", "the question")["ts"]
    first.say("viewer", "ml-arrivals", "a reply", thread_ts=ts)
    page = open_page(first.url)
    place(page).get_by_role("button", name="1 reply").click()
    thread = page.get_by_role("complementary", name="Thread")
    thread.locator("textarea").fill("half a reply")
    attach(page)
    box(page).fill("half a sentence")
    box(page).evaluate("one => one.setSelectionRange(4, 4)")
    port = first.running.settings.port or int(first.url.rpartition(":")[2])
    first.running.stop()
    expect(page.get_by_label("Workspace").get_by_text("The playground does not answer")).to_be_visible()
    second = start_slack(state=tmp_path, port=port)
    expect(page.get_by_label("Workspace").get_by_text("The playground does not answer")).to_be_hidden()
    second.say("viewer", "ml-arrivals", "another reply", thread_ts=ts)
    expect(thread.locator(".message")).to_have_text(
        [re.compile("the question"), re.compile("a reply"), re.compile("another")]
    )
    expect(thread.locator("textarea")).to_have_value("half a reply")
    expect(box(page)).to_have_value("half a sentence")
    expect(box(page)).to_be_focused()
    assert box(page).evaluate("one => one.selectionStart") == 4
    expect(place(page).locator(".attached li")).to_have_count(1)


def test_a_phone_is_told_that_the_playground_is_away(office: Office, open_page: OpenPage) -> None:
    """Where the side is hidden the page says in its middle that nothing answers, until something does."""
    page = open_page(office.slack.url, viewport={"width": 375, "height": 700})
    page.route("**/playground/**", lambda route: route.abort())
    office.post(text="the last for now")
    away = place(page).get_by_text("The playground does not answer")
    expect(away).to_be_visible()
    page.unroute("**/playground/**")
    expect(away).to_be_hidden()
    expect(place(page).get_by_text("the last for now")).to_be_visible()


def test_a_page_that_was_there_first(office: Office, open_page: OpenPage) -> None:
    """A page that found no playground when it was opened begins as soon as there is one."""
    office.post(text="waiting for you")
    office.slack.complete({"commands": [{"name": "/ml", "verbs": []}]})
    page = open_page(office.slack.url)
    page.route("**/playground/**", lambda route: route.abort())
    page.reload()
    expect(page.get_by_label("Workspace").get_by_text("The playground does not answer")).to_be_visible()
    page.unroute("**/playground/**")
    expect(place(page).get_by_text("waiting for you")).to_be_visible()
    box(page).press_sequentially("/m")
    expect(page.get_by_role("option")).to_have_text(["/ml"])


def test_each_window_has_its_own_person(office: Office, open_page: OpenPage) -> None:
    """Two windows speak as two people, after a reload too; a third begins as the last one did."""
    page = open_page(office.slack.url)
    other = page.context.new_page()
    other.goto(office.slack.url)
    other.get_by_role("radio", name="viewer").click()
    expect(other.get_by_role("radio", name="viewer")).to_be_checked()
    third = page.context.new_page()
    third.goto(office.slack.url)
    expect(third.get_by_role("radio", name="viewer")).to_be_checked()
    page.reload()
    expect(page.get_by_role("radio", name="owner")).to_be_checked()


def test_what_one_window_has_read_the_other_knows(office: Office, open_page: OpenPage) -> None:
    """A channel that is read in one window is read in the other."""
    page = open_page(office.slack.url)
    other = page.context.new_page()
    other.goto(office.slack.url)
    for window in (page, other):
        window.get_by_role("button", name="ml-wine").click()
    office.post(text="news")
    for window in (page, other):
        expect(window.get_by_role("button", name="ml-arrivals")).to_contain_text("1 unread")
    page.get_by_role("button", name="ml-arrivals").click()
    expect(other.get_by_role("button", name="ml-arrivals")).not_to_contain_text("unread")


def test_files_wait_where_they_were_attached(office: Office, open_page: OpenPage) -> None:
    """Files that were attached in one channel are still there when one comes back, and go nowhere else."""
    page = open_page(office.slack.url)
    attach(page)
    page.get_by_role("button", name="ml-wine").click()
    expect(place(page).locator(".attached li")).to_have_count(0)
    page.get_by_role("button", name="ml-arrivals").click()
    expect(place(page).locator(".attached li")).to_have_count(1)


def test_files_go_where_they_were_sent(office: Office, open_page: OpenPage) -> None:
    """Files on their way go to the channel in which one sent them, and none twice when one of them fails."""
    page = open_page(office.slack.url)
    place(page).locator("input[type=file]").set_input_files(
        [FILE, {**FILE, "name": "more.csv"}, {**FILE, "name": "last.csv"}]
    )
    refuse = {"name": "last.csv"}
    page.route(
        "**/playground/files",
        lambda route: (
            route.abort()
            if refuse and refuse["name"] in (route.request.post_data or "")
            else route.continue_()
        ),
    )
    place(page).get_by_role("button", name="Send").click()
    expect(place(page).locator(".attached li")).to_have_text(["last.csv"])
    expect(place(page).locator(".trouble")).to_contain_text("does not answer")
    refuse.clear()
    place(page).get_by_role("button", name="Send").click()
    page.get_by_role("button", name="ml-wine").click()
    office.slack.wait_for(lambda event: event["kind"] == "message_posted" and "last.csv" in str(event))
    names = [
        file["name"] for message in office.slack.messages("ml-arrivals", "owner") for file in message["files"]
    ]
    assert names == ["rows.csv", "more.csv", "last.csv"]
    assert office.slack.messages("ml-wine", "owner") == []


def test_a_thread_that_cannot_be_read(office: Office, open_page: OpenPage) -> None:
    """While the playground is away, opening a thread or being somebody else says so and breaks nothing."""
    ts = office.post(text="the card")
    office.post(text="a reply", thread_ts=ts)
    page = open_page(office.slack.url)
    page.route("**/playground/messages*", lambda route: route.abort())
    place(page).get_by_role("button", name="1 reply").click()
    expect(place(page).locator(".trouble")).to_contain_text("does not answer")
    place(page).locator(".trouble").get_by_role("button", name="Close").click()
    expect(place(page).locator(".trouble")).to_be_empty()
    page.get_by_role("radio", name="viewer").click()
    expect(place(page).locator(".trouble")).to_contain_text("does not answer")
    expect(page.get_by_role("radio", name="owner")).to_be_checked()
    expect(place(page).get_by_text("the card")).to_be_visible()
    page.unroute("**/playground/messages*")
    page.get_by_role("radio", name="viewer").click()
    expect(page.get_by_role("radio", name="viewer")).to_be_checked()
    assert ARRIVALS in page.evaluate("localStorage.getItem('toban-playground')")

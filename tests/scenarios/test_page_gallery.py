"""Every message of the bot on the page, at phone width: drawn, and nowhere wider than the screen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from bot.messages.message import Message
from playground.gallery.chapters import CHAPTERS
from playground.gallery.pictures import post
from playground.gallery.sample import Chapter
from playground.slack.under_test import SlackUnderTest
from tests.parts_browser import OpenPage

pytestmark = [pytest.mark.chromium, pytest.mark.slow]
PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True}
WITH_MESSAGES = [one for one in CHAPTERS if any(isinstance(each.made(), Message) for each in one.samples)]


@pytest.mark.parametrize("chapter", WITH_MESSAGES, ids=lambda chapter: chapter.name)
def test_every_message_is_drawn(
    chapter: Chapter, start_slack: Callable[..., SlackUnderTest], open_page: OpenPage
) -> None:
    """Each button is there, each table is one, and nothing makes the conversation wider than a phone."""
    slack = start_slack()
    post(slack, chapter)
    page = open_page(slack.url, **PHONE)
    made = [one for one in (sample.made() for sample in chapter.samples) if isinstance(one, Message)]
    blocks = [block for message in made for block in message.blocks]
    buttons = sum(len(block["elements"]) for block in blocks if block["type"] == "actions")
    tables = sum(block["type"] == "table" for block in blocks)

    shown = page.locator("#place .scroller")
    expect(shown.locator("[data-action]")).to_have_count(buttons)
    assert shown.get_by_role("table").count() >= tables
    assert shown.evaluate("(one) => one.scrollWidth") <= 390

"""Pictures of every chapter as the playground's page shows it, taken in Chromium: light, dark, on a phone.

Each chapter has a loopback Slack of its own, whose clock stands still; its messages are in the first channel.
"""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from bot.messages.message import Message
from playground.gallery.chapters import CHAPTERS
from playground.gallery.page import picture
from playground.gallery.records import AT, CHANNEL, OWNER
from playground.gallery.sample import Chapter, Look, Sample, View, blocks_of
from playground.slack.server import start
from playground.slack.settings import Settings
from playground.slack.under_test import SlackUnderTest, served

PROGRAM_SETTING = "TOBAN_TEST_CHROMIUM"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# Root needs the first one; without the others it looks for its maker's hosts.
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
WIDE, PHONE = 1000, 390
LOW, HIGH = 300, 1100
LOOKS: dict[Look, tuple[int, dict[str, Any]]] = {
    "light": (WIDE, {"color_scheme": "light"}),
    "dark": (WIDE, {"color_scheme": "dark"}),
    "phone": (PHONE, {"color_scheme": "light", "has_touch": True}),
}
COLOURS = 48
DRAWN = "() => [...document.images].every((one) => one.complete)"
SETTLE = (
    "() => document.fonts.ready.then(() => new Promise((done) => requestAnimationFrame(() => done(true))))"
)


def take(folder: Path) -> None:
    """Write every chapter's pictures into *folder*, and take away those of chapters that are no more."""
    for old in folder.glob("messages-*.png"):
        old.unlink()
    program = os.environ.get(PROGRAM_SETTING) or next(filter(None, map(shutil.which, PROGRAMS)), None)
    with (
        sync_playwright() as playwright,
        closing(playwright.chromium.launch(executable_path=program, args=[*ARGUMENTS])) as browser,
    ):
        for chapter in CHAPTERS:
            for look in chapter.looks:
                shots = list(_shots(browser, chapter, *LOOKS[look]))
                _stacked(shots).save(picture(folder, chapter, look), optimize=True)


def _shots(browser: Browser, chapter: Chapter, width: int, settings: dict[str, Any]) -> Iterator[bytes]:
    running = start(Settings(clock=AT.timestamp))
    try:
        with SlackUnderTest(running) as slack, served(_app(slack, chapter)) as address:
            slack.point_at(address)
            post(slack, chapter)
            context = browser.new_context(
                **settings, viewport={"width": WIDE, "height": 900}, locale="en-GB", timezone_id="UTC"
            )
            with closing(context):
                page = context.new_page()
                page.goto(slack.url)
                page.locator("[data-ready]").wait_for()
                yield from _shown(page, slack, chapter, width)
    finally:
        running.stop()


def _shown(page: Page, slack: SlackUnderTest, chapter: Chapter, width: int) -> Iterator[bytes]:
    kinds = {sample.seen for sample in chapter.samples}
    if kinds - {"home", "form"}:
        page.set_viewport_size({"width": width, "height": LOW})
        yield _whole(page, page.locator("#place .scroller"))
    for at, sample in enumerate(chapter.samples):
        if sample.seen == "form":
            page.set_viewport_size({"width": width, "height": HIGH})
            slack.say("owner", "ml-arrivals", f"/sample {at}")
            dialog = page.get_by_role("dialog")
            dialog.wait_for()
            page.evaluate(SETTLE)
            yield dialog.screenshot(animations="disabled")
            slack.close_view("owner")
            dialog.wait_for(state="detached")
        elif sample.seen == "home":
            yield _home(page, slack, sample, width)


def _home(page: Page, slack: SlackUnderTest, sample: Sample, width: int) -> bytes:
    page.set_viewport_size({"width": WIDE, "height": 900})
    blocks = [*blocks_of(sample.made())]
    published = slack.web_client().views_publish(user_id=OWNER, view={"type": "home", "blocks": blocks})
    last = published["view"]["blocks"][-1]["block_id"]
    if not page.get_by_role("region", name="Home").is_visible():
        page.get_by_role("button", name="toban").click()
        page.get_by_role("tab", name="Home").click()
    page.locator(f'#place .home [data-block-id="{last}"]').wait_for()  # not what was there before
    page.set_viewport_size({"width": width, "height": LOW})
    return _whole(page, page.locator("#place .home"))


def _whole(page: Page, scroller: Locator) -> bytes:
    """Return a picture of all that can be scrolled to."""
    scroller.wait_for()
    page.wait_for_function(DRAWN)
    for _ in range(2):  # pictures in messages take their place once there is room for them
        page.evaluate(SETTLE)
        size = page.viewport_size or {"width": WIDE, "height": 900}
        more = scroller.evaluate("(one) => one.scrollHeight - one.clientHeight")
        page.set_viewport_size({"width": size["width"], "height": size["height"] + int(more)})
    page.wait_for_function(DRAWN)
    page.evaluate(SETTLE)
    return scroller.screenshot(animations="disabled")


def _app(slack: SlackUnderTest, chapter: Chapter) -> Any:
    app = slack.bolt_app(request_verification_enabled=False)  # its clock stands still, so it looks replayed

    @app.command("/sample")
    def open_form(ack: Any, body: dict[str, Any], client: Any) -> None:
        ack()
        view: View = chapter.samples[int(body["text"])].made()  # type: ignore[assignment]
        client.views_open(trigger_id=body["trigger_id"], view=view)

    app.event("app_home_opened")(lambda: None)
    return app


def post(slack: SlackUnderTest, chapter: Chapter) -> None:
    """Send a chapter's messages into the first channel; private ones to the owner, who looks."""
    web = slack.web_client()
    for sample in chapter.samples:
        made = sample.made()
        if not isinstance(made, Message):
            continue
        if made.blocks and sample.seen == "private":
            web.chat_postEphemeral(channel=CHANNEL, user=OWNER, text=made.text, blocks=[*made.blocks])
        elif made.blocks:
            web.chat_postMessage(channel=CHANNEL, text=made.text, blocks=[*made.blocks])
        if made.files:
            files = [
                {
                    "content": one.content,
                    "filename": one.filename,
                    "title": one.title,
                    "alt_txt": one.alt_text or "",
                }
                for one in made.files
            ]
            web.files_upload_v2(channel=CHANNEL, file_uploads=files)


def _stacked(shots: list[bytes]) -> Image.Image:
    """Return pictures one below the other, with few colours: they are for looking at, and small."""
    images = [Image.open(io.BytesIO(shot)).convert("RGB") for shot in shots]
    size = max(one.width for one in images), sum(one.height for one in images)
    whole = Image.new("RGB", size, images[0].getpixel((0, images[0].height - 1)))
    top = 0
    for one in images:
        whole.paste(one, (0, top))
        top += one.height
    return whole.quantize(COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)

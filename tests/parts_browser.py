"""Chromium, for the playground's page: the one that is on the machine, driven by Playwright.

A test that asks for it is marked `chromium` and is skipped where there is none (Debian: chromium).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Self

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Page,
    Request,
    Route,
    expect,
    sync_playwright,
)

SETTING = "TOBAN_TEST_CHROMIUM"
_PROGRAM = os.environ.get(SETTING, "")  # read at import: conftest forgets the person's settings afterwards
NAMES = ("chromium", "chromium-browser", "google-chrome")
# Without these it looks for its maker's hosts at every start; and root needs the first one.
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
WAIT_MILLISECONDS = 60_000  # for what is sure to come, however busy the machine
OpenPage = Callable[..., Page]


# One for a module, not for the whole run: while it lives, its event loop is this thread's.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the module's tests; mark them `chromium`."""
    program = _PROGRAM or next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("Chromium was not found (Debian: chromium, or set TOBAN_TEST_CHROMIUM)")
    expect.set_options(timeout=WAIT_MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=ARGUMENTS, timeout=WAIT_MILLISECONDS
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[OpenPage]:
    """Open pages, each as a visitor of its own; at the end nothing may have gone wrong or gone elsewhere."""
    troubles: list[str] = []
    with ExitStack() as stack:

        def begin(url: str, **settings: Any) -> Page:
            context = chromium.new_context(**{"locale": "en-GB", "timezone_id": "UTC", **settings})
            stack.callback(context.close)
            context.set_default_timeout(WAIT_MILLISECONDS)
            page = context.new_page()
            watch(page, url, troubles)
            page.goto(url)
            page.locator("[data-ready]").wait_for()
            return page

        yield begin
    assert troubles == []


def watch(page: Page, url: str, troubles: list[str]) -> None:
    """Note errors of the page's scripts and policy, and every request that leaves *url*."""

    def log(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            troubles.append(message.text)

    def failed(error: Error) -> None:
        troubles.append(str(error))

    def asked(request: Request) -> None:
        if not request.url.startswith((url, "blob:", "data:")):
            troubles.append(f"asked for {request.url}")

    page.on("console", log)
    page.on("pageerror", failed)
    page.on("request", asked)


def stop_time(page: Page) -> None:
    """Let no timer of the page run out before its clock is run or resumed."""
    page.clock.install()
    page.clock.pause_at(page.evaluate("Date.now() / 1000 + 60"))


class Holding:
    """Holds back requests of a page to *pattern*, or (*answered*) their answers, until the block ends."""

    def __init__(self, page: Page, pattern: str, *, answered: bool = False) -> None:
        self._page = page
        self._pattern = pattern
        self._answered = answered
        self._held: list[Callable[[], None]] = []
        self._over = False

    def __enter__(self) -> Self:
        self._page.route(self._pattern, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self._let_go()

    def wait(self) -> None:
        """Return when something is held."""
        while not self._held:
            self._page.wait_for_timeout(10)  # routes are handed over only meanwhile

    def _take(self, route: Route) -> None:
        answer = route.fetch() if self._answered else None
        self._held.append(lambda: route.fulfill(response=answer) if answer else route.continue_())
        if self._over:
            self._let_go()

    def _let_go(self) -> None:
        while self._held:
            self._held.pop(0)()

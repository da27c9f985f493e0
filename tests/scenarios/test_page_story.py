"""The story of a retraining on the playground's page, with the real bot: asked, watched, refused, decided."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from bot.commands import COMMANDS
from ml.contract import ModelView
from playground.completions import ModelList, build_completions
from tests.parts_browser import OpenPage
from tests.stand_ins.function_app import KEY, MODEL
from tests.stand_ins.team import Team

pytestmark = pytest.mark.chromium


def speak_as(page: Page, name: str) -> None:
    """Become somebody else."""
    page.get_by_role("radio", name=name).click()
    expect(page.get_by_role("radio", name=name)).to_be_checked()


def say(page: Page, text: str) -> None:
    """Type into the box and send it."""
    page.locator("#composer").fill(text)
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")


def card(page: Page, text: str) -> Locator:
    """Return the newest message with this text."""
    return page.get_by_role("main").locator(".message", has_text=text).last


def complete(team: Team) -> list[ModelView]:
    """Give the page what the playground gives it: the bot's commands and the models as they stand."""
    models = ModelList(team.functions.url, KEY).read()
    team.slack.complete(build_completions("/ml", COMMANDS.values(), models).model_dump())
    return models


def test_from_a_question_to_a_promotion(team: Team, open_page: OpenPage) -> None:
    """The operator asks and retrains, the viewer may not decide, the owner may; the thread says why."""
    complete(team)
    page = open_page(team.slack.url)
    speak_as(page, "operator")
    page.locator("#composer").focus()
    for typed in ("/m", "pred", "arr"):
        page.keyboard.type(typed)
        page.keyboard.press("Tab")
    page.keyboard.type("flight=UA580 date=2013-07-10")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(card(page, "asked by @operator")).to_contain_text("Arrival delay")

    before = team.slack.seq()
    say(page, f"/ml retrain {MODEL}")
    team.state(before, "open")
    run = team.started()
    team.functions.progress(run["run_id"], "fit", 0.4)
    expect(card(page, "40 %")).to_be_visible()
    team.functions.finish(run["run_id"])
    decision = card(page, "Promote v2")
    expect(decision.get_by_role("table")).to_contain_text("candidate v2")

    speak_as(page, "viewer")
    card(page, "Promote v2").get_by_role("button", name="Promote v2").click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("Promote")).click()
    expect(card(page, "role owner")).to_have_class(re.compile("private"))

    speak_as(page, "owner")
    expect(page.locator(".message.private")).to_have_count(0)
    button = card(page, "Promote v2").get_by_role("button", name="Promote v2")
    button.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    promoted = card(page, "v2 was promoted by @owner")
    expect(promoted).to_be_visible()
    expect(promoted.get_by_role("button", name="Reject")).to_have_count(0)

    promoted.get_by_role("button", name=re.compile("replies")).click()
    thread = page.get_by_role("complementary", name="Thread")
    expect(thread.get_by_text("please decide above")).to_be_visible()
    expect(thread.get_by_role("img", name=re.compile("Bar chart"))).to_be_visible()
    assert team.functions.aliases[-1]["by"] == "U01OWNER000"

"""What docs/webhooks.md and docs/commands-without-code.md show works as it stands there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.team_file import TobanFile
from tests.stand_ins.endpoint import TeamEndpoint
from tests.stand_ins.team import Team

ROOT = Path(__file__).resolve().parents[2]
SECRET = "a secret of the test's own"
HOOKS = '\n[hooks]\nchannel = "C01ARRIVALS"\n'


def blocks(page: str, language: str) -> list[str]:
    """Return the code of one language on a page."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("language", ["sh", "python"])
def test_the_examples_run_a_command(new_team: Callable[..., Team], language: str) -> None:
    """The curl and the Python example, as they are, start a training run."""
    if language == "sh" and not (shutil.which("curl") and shutil.which("openssl")):
        pytest.skip("needs the programs curl and openssl")
    team = new_team(more=HOOKS)
    text = team.config.read_text("utf-8").replace('["@ml-operators"]', '["webhook"]')
    team.config.write_text(text, encoding="utf-8")
    bot = team.start_bot(TOBAN_HOOKS_SECRET=SECRET)
    (code,) = blocks("webhooks.md", language)
    ran = subprocess.run(
        [*(["sh", "-euc"] if language == "sh" else [sys.executable, "-c"]), code],
        env={
            "PATH": os.environ["PATH"],
            "NO_PROXY": "*",
            "TOBAN_ADDRESS": bot.address.removesuffix("/slack/events"),
            "TOBAN_HOOKS_SECRET": SECRET,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert '"command": "retrain"' in ran.stdout, ran
    assert team.started()["params"] == {"until": "2013-06"}


@pytest.mark.parametrize("page", ["webhooks.md", "commands-without-code.md"])
def test_the_settings_shown_are_taken(page: str) -> None:
    """Each piece of toml on the pages is read without a complaint."""
    pieces = blocks(page, "toml")
    assert pieces
    for piece in pieces:
        TobanFile.model_validate(tomllib.loads(piece))


def test_the_endpoint_on_the_page_is_adopted_as_it_is(new_team: Callable[..., Team]) -> None:
    """The first example, with the address of an endpoint that knows nothing of us, is a working command."""
    endpoint = TeamEndpoint()
    example = blocks("commands-without-code.md", "toml")[0]
    team = new_team(more=example.replace("https://jobs.example.com/v1/backfills", f"{endpoint.url}/later"))
    try:
        team.start_bot(BACKFILL_AUTHORIZATION="Bearer of-the-test")
        before = team.say("operator", "/ml backfill day=2013-07-04")
        team.slack.press("operator", team.seen(before, "Fill 2013-07-04 again?"), "work.start")
        team.seen(before, "running")
        endpoint.end("r1")
        assert "Rows*: 200" in team.state(before, "done")["plain"]
    finally:
        endpoint.stop()

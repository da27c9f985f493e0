"""The stage: which one line of a card the transcript shows while the card changes."""

from __future__ import annotations

import pytest

from playground.stage import headline


@pytest.mark.parametrize(
    ("plain", "shown"),
    [
        ("⏳ *Smoke test · starting*\nasked by @operator", "⏳ Smoke test · starting"),
        ("⚙️ *Smoke test · running*\n✅ runner\n      ⏳ Ask\n[ Cancel ]", "⚙️ Smoke test · running ⏳ Ask"),
        (
            "⚙️ *Retraining m · fit*\n✅ load · 1.0 s\n⏳ fit · 2.0 s · 3 of 9",
            "⚙️ Retraining m · fit · 2.0 s · 3 of 9",
        ),
        ("⚙️ *Copying · running*\n▰▰▱▱ 50 %", "⚙️ Copying · running ▰▰▱▱ 50 %"),
        ("🚀 *board*: 1234567 (http://x)\nMore rows\n⏳ *board · starting*", "⏳ board · starting"),
        ("", ""),
    ],
)
def test_one_line_says_how_a_card_stands(plain: str, shown: str) -> None:
    """It is the line about its state, wherever that stands, with bar or step; nothing is said twice."""
    assert headline(plain) == shown

"""The gates as tables: facts in, verdict out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.commands import COMMANDS
from bot.gates import (
    CommandFacts,
    DecisionFacts,
    Proceed,
    PromotionFacts,
    Refuse,
    ReviewFacts,
    evaluate_command,
    evaluate_decision,
    evaluate_promotion,
    evaluate_review,
)
from bot.jobs import Role
from bot.messages.errors import REASONS

VIEWERS_MAY = {
    *("predict", "form", "experiments", "models", "registry", "runs", "show", "status", "subscriptions"),
    *("snippet", "whoami", "help"),
}
OPERATORS_MAY = VIEWERS_MAY | {
    *("deploy", "experiment", "retrain", "run", "compare", "cancel", "subscribe", "unsubscribe"),
}


@pytest.mark.parametrize(
    ("role", "verbs"),
    [(None, set()), ("viewer", VIEWERS_MAY), ("operator", OPERATORS_MAY), ("owner", set(COMMANDS))],
)
def test_what_each_role_may(role: Role | None, verbs: set[str]) -> None:
    """Each role may use exactly these verbs."""
    facts = [CommandFacts(command.verb, role, command.roles) for command in COMMANDS.values()]
    assert {one.verb for one in facts if evaluate_command(one) == Proceed()} == verbs


@pytest.mark.parametrize(
    ("role", "approvers", "shown", "reason"),
    [
        ("owner", ("owner",), "a", None),
        ("owner", ("operator",), "a", None),
        ("operator", ("operator",), "a", None),
        ("operator", ("owner",), "a", "not_allowed"),
        (None, ("owner",), "a", "not_allowed"),
        ("owner", ("owner",), "b", "approval_void"),
    ],
)
def test_whose_press_counts(
    role: Role | None, approvers: tuple[Role, ...], shown: str, reason: str | None
) -> None:
    """A press counts from somebody who may decide, for what was shown."""
    verdict = evaluate_decision(DecisionFacts(role, approvers, shown, evidence="a"))
    assert (verdict.reason_code if isinstance(verdict, Refuse) else None) == reason
    assert reason is None or reason in REASONS


@pytest.mark.parametrize(
    ("compared", "now", "reason"),
    [
        ((1, 1), (1, 1), None),
        ((None, 0), (None, 0), None),
        ((1, 1), (2, 2), "world_moved"),
        ((1, 1), (1, 3), "world_moved"),
        ((None, 0), (1, 1), "world_moved"),
        ((1, 1), (None, None), "function_app_unreachable"),
    ],
)
def test_evidence_speaks_of_one_champion_at_one_event(
    compared: tuple[int | None, int], now: tuple[int | None, int | None], reason: str | None
) -> None:
    """Evidence holds while champion and event are those it was made with; away and back again is a change."""
    verdict = evaluate_promotion(PromotionFacts(compared[0], compared[1], now[0], now[1]))
    assert (verdict.reason_code if isinstance(verdict, Refuse) else None) == reason
    assert reason is None or reason in REASONS


MAY_REVIEW = ReviewFacts(
    environment="production",
    role="owner",
    approvers=("owner",),
    waits=True,
    login="octo-owner",
    is_reviewer=True,
    prevents_self_review=True,
    is_own=False,
    bot_may=True,
)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({}, None),
        ({"is_own": True, "prevents_self_review": False}, None),
        ({"role": "operator", "approvers": ("operator", "owner")}, None),
        ({"role": None}, "not_allowed"),
        ({"role": "operator"}, "not_allowed"),
        ({"approvers": ()}, "not_allowed"),
        ({"waits": False}, "nothing_waits"),
        ({"login": None, "is_reviewer": False}, "login_not_mapped"),
        ({"is_reviewer": False}, "not_a_reviewer"),
        ({"is_own": True}, "self_review"),
        ({"bot_may": False}, "bot_not_reviewer"),
        ({"role": "viewer", "waits": False, "login": None}, "not_allowed"),
    ],
)
def test_who_decides_on_an_environment(facts: dict[str, Any], reason: str | None) -> None:
    """Role, login, GitHub's own list and its rule about one's own work, in this order; none may lack."""
    verdict = evaluate_review(replace(MAY_REVIEW, **facts))
    assert (verdict.reason_code if isinstance(verdict, Refuse) else None) == reason
    assert reason is None or reason in REASONS

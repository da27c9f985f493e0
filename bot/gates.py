"""Rules as functions of facts: what may go ahead, judged without any I/O.

Facts are gathered first, then judged here; the same gate is asked again when a button is pressed, because the
world may have moved. A fact that could not be had is a refusal that says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.access import includes
from bot.jobs import Role


@dataclass(frozen=True)
class Proceed:
    """Nothing stands against it."""


@dataclass(frozen=True)
class Refuse:
    """It may not go ahead; `reason_code` is one of the closed list in `bot/messages/errors.py`."""

    reason_code: str
    detail: str


Verdict = Proceed | Refuse


@dataclass(frozen=True)
class CommandFacts:
    """Who asks for what; `role` is None for a person without any role."""

    verb: str
    role: Role | None
    allowed: Sequence[Role]


def evaluate_command(facts: CommandFacts) -> Verdict:
    """Judge whether the person may use the verb at all."""
    if facts.role is not None and includes(facts.role, facts.allowed):
        return Proceed()
    needed = " or ".join(facts.allowed)
    held = f"you are {facts.role}" if facts.role else "you hold no role"
    return Refuse("not_allowed", f"{facts.verb} is for the role {needed}; {held}.")


@dataclass(frozen=True)
class DecisionFacts:
    """What is known when somebody presses Promote or Reject.

    `shown` is the digest of the evidence on the card that was pressed, `evidence` the digest of the evidence
    that this decision waits on.
    """

    role: Role | None
    approvers: Sequence[Role]
    shown: str
    evidence: str


def evaluate_decision(facts: DecisionFacts) -> Verdict:
    """Judge whether a press on a decision card counts."""
    if facts.role is None or not includes(facts.role, facts.approvers):
        needed = " or ".join(facts.approvers)
        held = f"you are {facts.role}" if facts.role else "you hold no role"
        return Refuse("not_allowed", f"Deciding on this model is for the role {needed}; {held}.")
    if facts.shown != facts.evidence:
        return Refuse("approval_void", "The comparison has changed since this card was shown; look again.")
    return Proceed()


@dataclass(frozen=True)
class ReviewFacts:
    """What is known when somebody presses Approve or Reject for an environment that holds a run up.

    `waits` says that this very run still waits for this very environment; `login` is the presser's, None
    where the settings name none; `is_reviewer` that GitHub lists it; `is_own` that they asked for the run;
    `bot_may` that GitHub lets the bot's user decide.
    """

    environment: str
    role: Role | None
    approvers: Sequence[Role]
    waits: bool
    login: str | None
    is_reviewer: bool
    prevents_self_review: bool
    is_own: bool
    bot_may: bool


def evaluate_review(facts: ReviewFacts) -> Verdict:
    """Judge whether a press on an environment's button counts."""
    if facts.role is None or not includes(facts.role, facts.approvers):
        needed = " or ".join(facts.approvers)
        held = f"you are {facts.role}" if facts.role else "you hold no role"
        return Refuse("not_allowed", f"Deciding on {facts.environment} is for the role {needed}; {held}.")
    if not facts.waits:
        return Refuse("nothing_waits", f"This run does not wait for {facts.environment} any more.")
    if facts.login is None:
        return Refuse("login_not_mapped", "No login is named for you in toban.toml under [github.people].")
    if not facts.is_reviewer:
        return Refuse("not_a_reviewer", f"GitHub does not list {facts.login} for {facts.environment}.")
    if facts.prevents_self_review and facts.is_own:
        return Refuse("self_review", f"{facts.environment} wants somebody else than who asked for it.")
    if not facts.bot_may:
        return Refuse(
            "bot_not_reviewer",
            f"Add the user of GITHUB_REVIEW_TOKEN to the reviewers of {facts.environment}; where it prevents "
            "self-review, that user must be another one than who starts the runs.",
        )
    return Proceed()


@dataclass(frozen=True)
class PromotionFacts:
    """What is known just before the alias is moved; None where the function app could not be asked."""

    compared_champion: int | None
    compared_event: int
    champion_now: int | None
    event_now: int | None


def evaluate_promotion(facts: PromotionFacts) -> Verdict:
    """Judge whether the evidence still speaks of the champion that would be replaced."""
    if facts.event_now is None:
        return Refuse("function_app_unreachable", "The present champion could not be read.")
    if facts.event_now != facts.compared_event or facts.champion_now != facts.compared_champion:
        return Refuse(
            "world_moved",
            f"The comparison was with {_version(facts.compared_champion)}, "
            f"but the champion is now {_version(facts.champion_now)}.",
        )
    return Proceed()


def _version(number: int | None) -> str:
    return "no champion" if number is None else f"v{number}"

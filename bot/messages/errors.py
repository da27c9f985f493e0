"""Refusals and troubles in words: from a reason code, from the function app's problem, from the bot itself.

`REASONS` is the closed list of what we have words for. A code that is not in it (a newer function app, a
recipe's own) is shown by its own detail.
"""

from __future__ import annotations

from collections.abc import Iterable

from bot.jobs import Job, Role
from bot.messages.blocks import Block, context, section
from bot.messages.message import Message, compose
from bot.messages.text import channel_link, code, inline, listed, mention
from ml.contract import FieldProblem, Problem

# Each is a clause that can follow "because" or a colon; `sentence` makes a sentence of it.
REASONS: dict[str, str] = {
    # what was typed
    "unknown_verb": "there is no such command",
    "unknown_model": "there is no such model",
    "unknown_version": "the model has no such version",
    "unknown_alias": "the model has no such alias",
    "unknown_run": "there is no such run",
    "unknown_prediction": "there is no such prediction",
    "unknown_route": "the function app serves no such address",
    "not_found": "nothing is stored under that name",
    "missing_argument": "something is missing from the command",
    "invalid_inputs": "some of the inputs cannot be used",
    "invalid_params": "some of the training parameters cannot be used",
    "invalid_request": "the function app could not read the request",
    "malformed_json": "the request is not proper JSON",
    "unsupported_media_type": "the request is not marked as JSON",
    "method_not_allowed": "the function app does not serve that kind of request",
    "bad_idempotency_key": "the request's key cannot be used",
    "body_too_large": "the request is too large",
    "too_many_rows": "there are too many rows for one request",
    # who may do it, and where
    "not_allowed": "your roles do not cover this",
    "not_in_channel": "I am not in that channel",
    "roles_unknown": "your roles could not be looked up just now, so nothing was done",
    # the function app
    "function_app_unreachable": "the function app does not answer",
    "function_app_rejected_key": "the function app does not accept the bot's key",
    "function_app_failed": "the function app ran into an error of its own",
    "function_app_timeout": "the function app took too long to answer",
    "bad_reply": "the function app answered with something that the bot does not understand",
    "fault": "the function app ran into an error of its own",
    "store_unavailable": "the object store does not answer",
    "store_corrupt": "a stored record is damaged",
    "idempotency_key_reused": "the same request key came with different contents",
    # the bot itself
    "slack_failed": "Slack did not take what I had to say",
    "bot_failed": "I ran into an error of my own",
    "not_stored": "my database did not take your request",
    # decisions
    "world_moved": "the champion has changed since this was shown",
    "alias_moved": "the champion has changed since this was shown",
    "files_missing": "some files of the version are missing from the store",
    "manifest_mismatch": "the version's record is about another model or version",
    "evidence_mismatch": "the evidence is about other versions than these",
    "evidence_not_found": "the evidence for this decision cannot be found",
    "evidence_missing": "there is no comparison to decide on",
    "already_decided": "somebody has decided this already",
    "already_champion": "that version is the champion already",
    "approval_void": "what was shown has changed, so this button no longer counts",
    "expired": "nobody decided in time",
    "superseded": "a newer decision took the place of this one",
    # how runs end
    "cancelled": "it was cancelled",
    "already_finished": "the run has already ended",
    "run_not_cancellable": "the run can no longer be cancelled",
    "out_of_memory": "training ran out of memory",
    "out_of_time": "training took longer than it may",
    "attempts_used_up": "it stopped without a result on every attempt",
    "attempts_exhausted": "it stopped without a result on every attempt",
    "could_not_be_run": "the run could not be started on any attempt",
    "worker_lost": "the machine that trained it went away",
    "interrupted": "a deployment restarted the machine that trained it",
    "no_rows": "no rows are left to train on",
    "too_few_rows": "there are too few rows to train on",
    "load_failed": "the training data could not be loaded",
    "fit_failed": "the training itself failed",
    "convert_failed": "the trained model could not be converted to ONNX",
    "agreement_failed": "the converted model gives other answers than the trained one",
    "training_failed": "training failed",
    "compare_failed": "the comparison failed",
    "child_crashed": "the training process ended without a word",
    # why a rung of the fallback ladder did not answer
    "no_champion": "no version is champion yet",
    "no_model": "no version is champion yet",
    "model_file_damaged": "the model's file does not match its digest",
    "model_file_missing": "the model's file is missing from the store",
    "model_unavailable": "the model's file could not be loaded",
    "model_failed": "the model failed on this row",
    "output_invalid": "the model's answer failed the recipe's output check",
    "rule_failed": "the plain rule failed on this row",
    # why there is no firm answer
    "interval_too_wide": "the model is too unsure about this one",
    "low_confidence": "the model is too unsure about this one",
    "outside_training_range": "some inputs lie outside what the model was trained on",
    "lookup_failed": "the values to look up could not be found",
}


def known(reason_code: str) -> bool:
    """Return whether there are words for this reason code."""
    return reason_code in REASONS


def clause(reason_code: str | None, detail: str = "") -> str:
    """Return the reason as an escaped clause; an unknown code is shown by its detail, or named."""
    if reason_code in REASONS:
        return REASONS[reason_code]
    if detail.strip():
        return inline(detail).removesuffix(".")
    return f"reason {code(reason_code)}" if reason_code else "no reason was given"


def sentence(reason_code: str | None, detail: str = "") -> str:
    """Return the reason as an escaped sentence; see `clause`."""
    words = clause(reason_code, detail)
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "!", "?", "…")) else ".")


def with_detail(reason_code: str | None, detail: str = "") -> str:
    """Return the reason as a sentence, followed by the detail where that adds to it."""
    words, more = sentence(reason_code, detail), inline(detail)
    if reason_code not in REASONS or not more or more.casefold().rstrip(".") == words.casefold().rstrip("."):
        return words
    return f"{words} {more}"


def asked_line(job: Job) -> str:
    """Return who asked and what was typed, for the foot of every message of a job."""
    return f"asked by {mention(job.user)}: {code(job.typed)}"


def problem(job: Job, refusal: Problem) -> Message:
    """Return a refusal in words: what is wrong, each field with what was seen and what is allowed."""
    return compose(*problem_blocks(refusal), context(asked_line(job)))


def problem_blocks(refusal: Problem) -> tuple[Block, ...]:
    """Return the blocks of a refusal, for messages that say more beside it."""
    lines = [f":no_entry: *{sentence(refusal.reason_code, refusal.detail)}*"]
    detail = inline(refusal.detail)
    if known(refusal.reason_code) and detail and not (refusal.errors and len(refusal.errors) > 1):
        lines.append(detail)
    lines.extend(field_lines(refusal.errors))
    if refusal.suggestions:
        lines.append(did_you_mean(refusal.suggestions))
    return (section("\n".join(lines)),)


def field_lines(errors: Iterable[FieldProblem]) -> list[str]:
    """Return one line per field at fault: the field, the value seen, and what is allowed."""
    return [_field_line(error) for error in errors]


def _field_line(error: FieldProblem) -> str:
    seen = "is missing" if error.value is None else f"cannot be {code(error.value)}"
    said = inline(error.message)
    allowed = f" Allowed: {inline(error.allowed)}." if error.allowed else ""
    return (
        f"• {code(error.field)} {seen}: {said.removesuffix('.')}.{allowed}"
        if said
        else f"• {code(error.field)} {seen}.{allowed}"
    )


def did_you_mean(suggestions: Iterable[str]) -> str:
    """Return "Did you mean … or …?" for names close to what was typed."""
    return f"Did you mean {listed(map(code, suggestions), 'or')}?"


def not_allowed(command: str, user: str, roles: Iterable[Role], needed: Iterable[Role]) -> Message:
    """Return the private refusal for a person whose roles do not cover what they asked for."""
    held = listed(map(code, roles)) or "no role"
    return compose(
        section(
            f":lock: *{mention(user)}, you may not do this:* {code(command)}\n"
            f"It takes the role {listed(map(code, needed), 'or')}; you have {held}. Nothing was done."
        ),
        context("Roles are given in `toban.toml`; `whoami` shows yours."),
    )


def not_in_channel(command: str, channel: str, bot_name: str) -> Message:
    """Return the private answer for a channel that the bot is not in, with the exact words that invite it."""
    invite = code(f"/invite @{bot_name.removeprefix('@')}")
    return compose(
        section(
            f":wave: *I am not in {channel_link(channel)} yet, so I cannot answer there.*\n"
            f"Type {invite} in that channel, then send your command again: {code(command)}"
        )
    )


def function_app_down(job: Job, reason_code: str, detail: str = "") -> Message:
    """Return what a person sees when the function app cannot be used, and what to do about it."""
    advice = {
        "function_app_rejected_key": "The bot's owner should check `TOBAN_FUNCTIONS_KEY`.",
        "function_app_failed": "Try again in a minute; its log says more.",
    }.get(
        reason_code, "Try again in a minute; if it stays so, the bot's owner should check the function app."
    )
    lines = [f":warning: *{sentence(reason_code, detail)}*", f"Nothing was done. {advice}"]
    if detail and known(reason_code):
        lines.append(f"It said: {code(detail)}")
    return compose(section("\n".join(lines)), context(asked_line(job)))

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
    "unknown_model": "there is no such model",
    "unknown_version": "the model has no such version",
    "unknown_alias": "the model has no such alias",
    "unknown_run": "there is no such run",
    "unknown_id": "there is nothing under that id",
    "unknown_prediction": "there is no such prediction",
    "missing_argument": "something is missing from the command",
    "invalid_inputs": "some of the inputs cannot be used",
    "invalid_params": "some of the training parameters cannot be used",
    "invalid_value": "a value cannot be used",
    "no_form": "there is no form for that",
    "lookup_failed": "the values to look up could not be found",
    # what was sent to the function app
    "invalid_request": "the function app could not read the request",
    "malformed_json": "the request is not proper JSON",
    "unsupported_media_type": "the request is not marked as JSON",
    "method_not_allowed": "the function app does not serve that kind of request",
    "unknown_route": "the function app serves no such address",
    "unknown_function": "the function app has no such function",
    "unauthorized": "the function app does not accept the key",
    "bad_idempotency_key": "the request's key cannot be used",
    "idempotency_key_reused": "the same request key came with different contents",
    "body_too_large": "the request is too large",
    "too_many_rows": "there are too many rows for one request",
    "unequal_columns": "the columns are not equally long",
    # files that people share
    "file_missing": "there is no CSV file in that message",
    "file_elsewhere": "the file is not kept by Slack",
    "file_not_given": "Slack does not hand the file to me",
    "file_too_large": "the file is too large",
    "file_encoding": "the file's characters cannot be read",
    "file_unreadable": "the file cannot be read as a table",
    "wrong_columns": "some columns of the file cannot be used",
    # what came by a webhook
    "unknown_command": "there is no such command",
    "bad_signature": "the request is not signed as it must be",
    "replayed": "the same request was taken before",
    "not_set_up": "this is not set up in the bot's settings",
    # who may do it, and where
    "not_allowed": "your roles do not cover this",
    "not_in_channel": "I am not in that channel",
    "roles_unknown": "your roles could not be looked up just now, so nothing was done",
    # GitHub and its workflows
    "github_not_set_up": "no GitHub repository is set up",
    "github_unreachable": "GitHub does not answer as it should just now",
    "github_rejected_token": "GitHub does not accept the bot's token",
    "github_forbidden": "GitHub does not let the bot do this",
    "github_not_found": "GitHub does not show this to the bot",
    "github_refused": "GitHub did not take the request",
    "unknown_repository": "there is no such repository here",
    "experiments_not_set": "no repository is set for experiments",
    "repository_renamed": "the repository has another name now",
    "repository_archived": "the repository is archived",
    "unknown_workflow": "there is no such workflow",
    "workflow_disabled": "the workflow is disabled on GitHub",
    "workflow_not_startable": "the workflow cannot be started by hand",
    "workflow_broken": "the workflow file cannot be used",
    "unknown_ref": "there is no such branch or tag with this workflow",
    "unknown_branch": "there is no such branch",
    "unknown_subscription": "there is no such subscription, or more than one",
    "unexpected_inputs": "the workflow takes other inputs there",
    "too_many_inputs": "there are too many inputs",
    "start_uncertain": "it cannot be told whether the run was started",
    "cannot_rerun": "the run cannot be run again",
    "step_failed": "a step failed",
    "run_timed_out": "it took longer than it may",
    "run_stale": "GitHub gave it up",
    "run_deleted": "the run is gone",
    "approval_needed": "it needs an approval on GitHub",
    # deployments
    "unknown_target": "there is no such thing to deploy",
    "unknown_commit": "there is no such branch, tag or commit",
    "unknown_environment": "the repository has no such environment",
    "environment_not_named": "the workflow names no such environment, so nothing would protect it",
    "commit_not_startable": "a workflow starts at a branch or tag, and none points to that commit",
    "deployment_busy": "it is being deployed already",
    "checks_failed": "checks of the commit failed",
    "checks_unfinished": "the checks of the commit did not end in time",
    "ref_moved": "the branch or tag points to another commit by now",
    "deployment_failed": "the deployment failed",
    "deployment_overtaken": "something else was deployed meanwhile",
    # environments that hold a run up
    "nothing_waits": "nothing waits for that decision any more",
    "login_not_mapped": "I do not know your login on GitHub",
    "not_a_reviewer": "you are none of the environment's reviewers on GitHub",
    "self_review": "nobody may approve what they asked for themselves",
    "bot_not_reviewer": "GitHub does not let me pass your decision on",
    "review_refused": "GitHub did not take the decision",
    "review_rejected": "the deployment was rejected",
    # what does not answer, or not with sense
    "function_app_unreachable": "the function app does not answer",
    "function_app_rejected_key": "the function app does not accept the bot's key",
    "fault": "the function app ran into an error of its own",
    "misconfigured": "the function app's settings cannot work",
    "endpoint_unreachable": "the endpoint does not answer",
    "endpoint_refused": "the endpoint did not take the call",
    "endpoint_failed": "the endpoint says that it failed",
    "cannot_cancel": "it cannot be stopped from here",
    "record_damaged": "a record in the object store is damaged or gone",
    "store_unavailable": "the object store does not answer",
    "store_unreachable": "the object store does not answer",
    "slack_failed": "Slack did not take what I had to say",
    "bot_failed": "I ran into an error of my own",
    "not_stored": "my database did not take your request",
    # an MLflow registry
    "mlflow_not_set": "no MLflow registry is named in my settings",
    "mlflow_unreachable": "MLflow does not answer",
    "mlflow_rejected_token": "MLflow does not accept my token for this",
    "mlflow_refused": "MLflow refused",
    "unknown_registered": "MLflow has no such model or version",
    "alias_is_there": "the alias points to that version already",
    # decisions
    "world_moved": "the champion has changed since this was shown",
    "alias_moved": "the champion has changed since this was shown",
    "files_missing": "some files of the version are missing from the store",
    "manifest_mismatch": "the version's record is about another model or version",
    "evidence_mismatch": "the evidence is about other versions than these",
    "evidence_not_found": "the evidence for this decision cannot be found",
    "evidence_missing": "there is no comparison to decide on",
    "already_champion": "that version is the champion already",
    "approval_void": "what was shown has changed, so this button no longer counts",
    # how runs end
    "cancelled": "it was cancelled",
    "already_finished": "the run has already ended",
    "out_of_memory": "training ran out of memory",
    "attempts_exhausted": "it stopped without a result on every attempt",
    "could_not_be_run": "the run could not be started on any attempt",
    "training_crashed": "the training process ended without a word",
    "recipe_failed": "the recipe's own code failed",
    "no_rows": "there are no rows",
    "rows_seen_in_training": "one of the versions was trained on the very rows to score",
    "conversion_failed": "the trained model could not be converted to ONNX",
    "disagreement": "the converted model gives other answers than the trained one",
    "model_damaged": "the model's file cannot be used",
    "file_damaged": "a stored file does not match its digest",
    # why a rung of the fallback ladder did not answer
    "no_champion": "no version is champion yet",
    "alias_damaged": "the record of which version is champion is damaged",
    "model_file_damaged": "the model's file does not match its digest",
    "model_file_missing": "the model's file is missing from the store",
    "model_not_loadable": "the model's file could not be loaded",
    "model_failed": "the model failed on this row",
    "answer_not_finite": "the model's answer is not a number",
    # why there is no firm answer
    "interval_too_wide": "the model is too unsure about this one",
    "low_confidence": "the model is too unsure about this one",
    "outside_training_range": "some inputs lie outside what the model was trained on",
}


def clause(reason_code: str | None, detail: str = "") -> str:
    """Return the reason as an escaped clause; an unknown code is shown by its detail, or by its own words."""
    if reason_code in REASONS:
        return REASONS[reason_code]
    if detail.strip():
        return inline(detail).removesuffix(".")
    return inline(reason_code.replace("_", " ")) if reason_code else "no reason was given"


def sentence(reason_code: str | None, detail: str = "") -> str:
    """Return the reason as an escaped sentence; see `clause`."""
    return as_sentence(clause(reason_code, detail))


def with_detail(reason_code: str | None, detail: str = "") -> str:
    """Return the reason as a sentence, followed by the detail where that adds to it."""
    words, more = sentence(reason_code, detail), as_sentence(inline(detail))
    if reason_code not in REASONS or not more or more.casefold().rstrip(".") == words.casefold().rstrip("."):
        return words
    return f"{words} {more}"


def as_sentence(words: str) -> str:
    """Return words with a capital letter and an end, unless they begin with a name in code."""
    words = words.strip()
    if not words:
        return ""
    first = words.split(maxsplit=1)[0].rstrip(".,:;")
    begin = words[:1] if any(mark in first for mark in "./_") else words[:1].upper()
    return begin + words[1:] + ("" if words.endswith((".", "!", "?", "…", ")")) else ".")


def asked_line(job: Job) -> str:
    """Return who asked and what was typed, for the foot of every message of a job."""
    return f"asked by {mention(job.user)}: {code(job.typed)}"


def problem(job: Job, refusal: Problem, offer: Block | None = None) -> Message:
    """Return a refusal in words: what is wrong, each field with what was seen and what is allowed.

    *offer* is a row of buttons with what may be done about it.
    """
    return compose(*problem_blocks(refusal), offer, context(asked_line(job)))


def problem_blocks(refusal: Problem) -> tuple[Block, ...]:
    """Return the blocks of a refusal, for messages that say more beside it."""
    headline, *rest = problem_lines(refusal)
    return (section("\n".join((f":no_entry: *{headline}*", *rest))),)


def problem_lines(refusal: Problem) -> list[str]:
    """Return a refusal as lines: one sentence, then what is at fault, then what was perhaps meant."""
    lines = [sentence(refusal.reason_code, refusal.detail)]
    worded = refusal.reason_code in REASONS
    # With fields at fault, the lines below say more than a summary of them.
    if worded and refusal.detail.strip() and not refusal.errors:
        lines.append(as_sentence(inline(refusal.detail)))
    lines.extend(field_lines(refusal.errors, said="" if worded else refusal.detail))
    if refusal.suggestions and not any("did you mean" in line for line in lines):
        lines.append(did_you_mean(refusal.suggestions))
    return lines


def field_lines(errors: Iterable[FieldProblem], said: str = "") -> list[str]:
    """Return one line per field at fault: the field, the value seen, and what is allowed.

    What stands in *said* already is not repeated.
    """
    return [_field_line(error, said) for error in errors]


def _field_line(error: FieldProblem, said: str) -> str:
    seen = "is missing" if error.value is None else f"cannot be {code(error.value)}"
    message = "" if error.message in said else error.message
    why = f": {as_sentence(inline(message))}" if message else "."
    # A message that names what is allowed says it once and well enough.
    allowed = f" Allowed: {inline(error.allowed)}." if error.allowed and error.allowed not in message else ""
    return f"• {code(error.field)} {seen}{why}{allowed}"


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
    later = "Try again in a minute; if it stays so, the bot's owner should check the function app."
    key = "The bot's owner should check `TOBAN_FUNCTIONS_KEY`."
    advice = key if reason_code == "function_app_rejected_key" else later
    lines = [f":warning: *{sentence(reason_code, detail)}*", f"Nothing was done. {advice}"]
    if detail and reason_code in REASONS:
        lines.append(f"It said: {code(detail)}")
    return compose(section("\n".join(lines)), context(asked_line(job)))

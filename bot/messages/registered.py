"""MLflow's registered models: the list, one of them, and the card on which people decide about an alias."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.jobs import Job
from bot.messages.blocks import Block, actions, button, confirm, context, header, section, table
from bot.messages.errors import asked_line
from bot.messages.jobs import Decided
from bot.messages.message import Message, compose
from bot.messages.text import code, inline, mention
from bot.messages.units import when
from bot.registered_models import AliasChange, RegisteredModel, RegisteredVersion

MOST_COLUMNS = 6
MOST_ROWS = 30


def models(names: Sequence[str]) -> Message:
    """Return the names of all registered models."""
    if not names:
        return compose(section("MLflow has no registered model yet."))
    return compose(header("Models in MLflow"), section("\n".join(map(code, names))))


def model(view: RegisteredModel) -> Message:
    """Return where the aliases point, and the newest versions with their metrics."""
    aliases = [f"{code(alias)} points to *v{version}*" for alias, version in sorted(view.aliases.items())]
    names = _metric_names(view.versions)
    more = len(names) - MOST_COLUMNS
    rows = [
        [
            f"v{one.version}",
            ", ".join(alias for alias, version in sorted(view.aliases.items()) if version == one.version)
            or "–",
            one.status,
            f"{one.created_at:%Y-%m-%d %H:%M}",
            *(_number(one.metrics.get(name)) for name in names[:MOST_COLUMNS]),
        ]
        for one in view.versions
    ]
    return compose(
        header(f"{view.name} in MLflow"),
        section("\n".join(aliases) or "No alias points anywhere."),
        table(["version", "alias", "status", "made (UTC)", *names[:MOST_COLUMNS]], rows)
        if rows
        else section("It has no version yet."),
        context(f"{more} more metrics are in MLflow.") if more > 0 else None,
    )


def decision(job: Job, change: AliasChange, decide_id: str) -> Message:
    """Return the card on which people decide: what would move, with the metrics of both versions."""
    candidate, value = f"v{change.candidate.version}", f"{decide_id}|{change.digest}"
    sure = confirm(
        "Move the alias?",
        f"{change.alias} of {change.model} points to {candidate} from now on, for everybody who loads it by "
        "that name.",
        "Move it",
        "Not yet",
    )
    return compose(
        header(f"{change.model}: {change.alias} from {_from(change)} to {candidate}?"),
        *_comparison(change),
        actions(
            button(f"Move to {candidate}", "version.promote", value, "primary", sure),
            button("Reject", "version.reject", value, "danger"),
        ),
        context(asked_line(job)),
    )


def decided(job: Job, change: AliasChange, how: Decided) -> Message:
    """Return the same card after the decision: no buttons, but what came of it, by whom and when."""
    return compose(
        header(f"{change.model}: {change.alias} {_OUTCOMES[how.kind]}"),
        section(_decided_line(change, how)),
        *_comparison(change),
        context(asked_line(job)),
    )


def call(job: Job, change: AliasChange, approvers: Iterable[str]) -> Message:
    """Return the reply in the thread that calls those who may decide."""
    called = " ".join(map(mention, approvers))
    what = f"move {code(change.alias)} of *{inline(change.model)}* to v{change.candidate.version}"
    asked = f"{called} please decide above" if called else "It waits for a decision above"
    return compose(section(f"{mention(job.user)} asks to {what}. {asked}."))


_OUTCOMES = {
    "promoted": "was moved",
    "rejected": "stays",
    "expired": "was not decided in time",
    "superseded": "was overtaken",
}


def _decided_line(change: AliasChange, how: Decided) -> str:
    candidate, at = f"v{change.candidate.version}", when(how.at)
    who = mention(how.by) if how.by else "nobody"
    said = {
        "promoted": f":trophy: *{inline(change.alias)} was moved to {candidate}* by {who}, {at}.",
        "rejected": f":no_entry_sign: *The move to {candidate} was rejected* by {who}, {at}. Nothing moved.",
        "expired": f":hourglass: *Nobody decided on {candidate}* until {at}. Nothing moved.",
        "superseded": f":fast_forward: *What was shown has changed in MLflow*, {at}. Nothing moved.",
    }[how.kind]
    return said + (f"\n{inline(how.why)}" if how.why.strip() else "")


def _comparison(change: AliasChange) -> Iterable[Block]:
    versions = (change.candidate, *([change.present] if change.present else []))
    names = _metric_names(versions)
    if names:
        head = ["metric", *([_from(change)] if change.present else []), f"v{change.candidate.version}"]
        rows = [
            [name, *(_number(one.metrics.get(name)) for one in reversed(versions))]
            for name in names[:MOST_ROWS]
        ]
        yield table(head, rows)
    else:
        yield section("MLflow has no metrics of these versions.")
    yield context(
        "The metrics are those of each version's own run: MLflow does not say whether on the same rows, nor "
        "which way is better."
    )
    if change.candidate.status != "READY":
        yield section(f":warning: v{change.candidate.version} is {code(change.candidate.status)} in MLflow.")


def _from(change: AliasChange) -> str:
    return f"v{change.present.version}" if change.present else "nowhere"


def _metric_names(versions: Iterable[RegisteredVersion]) -> list[str]:
    """Return every metric's name, those of the first version first."""
    return list(dict.fromkeys(name for one in versions for name in sorted(one.metrics)))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.6g}"

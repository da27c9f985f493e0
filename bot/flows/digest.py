"""The digest: models, champions, runs and use since the last one, posted once for each due time.

After a time when nothing ran, one digest goes out for the latest due time; it covers all that was missed and
says so. An hour that the clocks repeat in autumn gives one digest.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from croniter import croniter

from bot.connectors.azure_functions import AzureFunctionsConnector
from bot.desk import LONG, Desk
from bot.errors import BotError, FlowFailed, Refused
from bot.flows.announce import announce
from bot.messages.digests import DigestFacts, DigestModel
from bot.messages.digests import digest as digest_message
from bot.messages.message import Message
from bot.team_file import DigestTable
from ml.contract import ModelSummary, RunView

SCHEDULE_PREFIX = "digest-"
FIRST_SEEN = "first seen"
MOST_RUNS = 100
MOST_MISSED = 1000


def flow(desk: Desk) -> Callable[[datetime, Any], None]:
    """Return the scheduled flow; its context names the digest."""

    def digest(due: datetime, context: dict[str, str]) -> None:
        table = next((one for one in desk.settings.team.digests if one.name == context["name"]), None)
        if table is not None:
            _send_due(desk, table, due)

    return digest


def _send_due(desk: Desk, table: DigestTable, due: datetime) -> None:
    """Send the digest for *due*, unless a later one is due already or this one was sent."""
    window = desk.step("claim the due time", _claim, desk, table, due)
    if window is None:
        return
    since = datetime.fromisoformat(window)
    record = desk.step("gather the facts", _gather_record, desk, table, since, due, patience=LONG)
    message = digest_message(DigestFacts.model_validate(record))
    try:
        desk.step("post the digest", _post, desk, table, message, patience=LONG)
    except (Refused, FlowFailed) as error:
        raise FlowFailed("DigestNotPosted", f"{table.name} to {table.channel}: {error}") from None
    announce(desk, "digest.posted", schedule_flow_id(table, due), due, _told(table, record))


def _told(table: DigestTable, record: dict[str, Any]) -> dict[str, Any]:
    models = {one["name"]: one["champion"] and one["champion"]["version"] for one in record["models"]}
    window = {"since": record["since"], "until": record["until"]}
    return {"digest": table.name, **window, "champions": models, "runs": len(record["runs"])}


def _claim(desk: Desk, table: DigestTable, due: datetime) -> str | None:
    """Return since when the digest tells, or None where it must not be sent."""
    if latest_due(table, desk.now()) > due:
        return None
    flow_id = schedule_flow_id(table, due)
    if not desk.records.claim_digest(table.name, due, local_time(table, due), flow_id):
        return None
    last = desk.records.last_digest(table.name, due)
    return (last or previous_due(table, due)).isoformat()


def _gather_record(desk: Desk, table: DigestTable, since: datetime, due: datetime) -> dict[str, Any]:
    return gather(desk.functions, table, since, due).model_dump(mode="json")


def _post(desk: Desk, table: DigestTable, message: Message) -> None:
    desk.posts.post(table.channel, message)


def gather(
    functions: AzureFunctionsConnector, table: DigestTable, since: datetime, until: datetime
) -> DigestFacts:
    """Return what the digest says of the time from *since* to *until*; what cannot be read is named."""
    facts = DigestFacts(
        name=table.name,
        since=since.astimezone(table.zone),
        until=until.astimezone(table.zone),
        missed=tuple(missed_dues(table, since, until)),
    )
    try:
        summaries = functions.models().models
        runs = _runs(functions, since)
    except BotError as error:
        return facts.model_copy(update={"problem": f"The function app could not be asked: {error}."})
    wanted = [one for one in summaries if not table.models or one.name in table.models]
    names = {one.name for one in wanted}
    found = {
        "models": tuple(_model(functions, one, since) for one in wanted),
        "runs": tuple(run for run in runs if run.model in names),
    }
    return facts.model_copy(update=found)


def _model(functions: AzureFunctionsConnector, summary: ModelSummary, since: datetime) -> DigestModel:
    try:
        usage, problem = functions.usage(summary.name, since), summary.problem
    except BotError as error:
        usage, problem = None, str(error)
    return DigestModel(
        name=summary.name, title=summary.title, champion=summary.champion, usage=usage, problem=problem
    )


def _runs(functions: AzureFunctionsConnector, since: datetime) -> list[RunView]:
    """Return the runs created since *since*, newest first, at most MOST_RUNS."""
    return [run for run in functions.runs(limit=MOST_RUNS).runs if run.created_at >= since]


# --- when ---------------------------------------------------------------------------------------------------


def latest_due(table: DigestTable, now: datetime) -> datetime:
    """Return the latest due time at or before *now*."""
    return previous_due(table, now + timedelta(seconds=1))


def previous_due(table: DigestTable, moment: datetime) -> datetime:
    """Return the latest due time before *moment*."""
    found: datetime = croniter(table.cron, moment.astimezone(table.zone)).get_prev(datetime)
    return found


def missed_dues(table: DigestTable, since: datetime, until: datetime) -> list[datetime]:
    """Return the due times after *since* and before *until*, oldest first."""
    upcoming = croniter(table.cron, since.astimezone(table.zone))
    missed: list[datetime] = []
    while len(missed) < MOST_MISSED and (due := upcoming.get_next(datetime)) < until:
        missed.append(due)
    return missed


def local_time(table: DigestTable, due: datetime) -> str:
    """Return the wall-clock time of *due* without its offset."""
    return due.astimezone(table.zone).replace(tzinfo=None).isoformat()


def schedule_flow_id(table: DigestTable, due: datetime) -> str:
    """Return the flow id under which the engine's scheduler starts this due time, so that it runs once."""
    return f"sched-{SCHEDULE_PREFIX}{table.name}-{due.astimezone(table.zone).isoformat()}"


def overdue(desk: Desk, table: DigestTable, now: datetime) -> datetime | None:
    """Return the due time that nobody has served, if there is one since the digest was first seen.

    Called at launch: the scheduler itself only knows due times that come while it runs.
    """
    desk.records.claim_digest(table.name, now.astimezone(UTC), FIRST_SEEN, FIRST_SEEN)
    due = latest_due(table, now)
    if desk.records.last_digest(table.name, due) is None:
        return None
    served = desk.records.last_digest(table.name, due + timedelta(seconds=1))
    return due if served is None or served < due else None

"""Answering predictions: read the request, let the ladder answer, log with the six fields, and only then
reply.

A process keeps one session per version and looks for a moved alias at most every five seconds. A store that
is away changes nothing for versions that are loaded; it costs the log entry, and the reply says so. A request
that could wait for the store or that is large is worked on in a thread, every other right in the event loop.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from ml.answers import Answer, Answers, render_reply
from ml.catalog import Catalog
from ml.contract import Caller, PredictReply, PredictRequest
from ml.errors import Corrupt, NotFound, Refused, StoreError, StoreMisconfigured, StoreUnavailable
from ml.ladder import MODEL_FAILED, OpenRung, Rung, RungMissing, climb, climb_together, refuse
from ml.manifest import MODEL_FILE
from ml.predictions import PredictionColumns, PredictionLog, PredictionRecord
from ml.problems import abridge, build_problem, cut, shorten
from ml.recipe import Recipe, Table, build_table
from ml.registry import CHAMPION, Registry
from ml.rows import Reading, RowReader, Slot
from ml.sessions import LoadedModel
from ml.tables import build_column
from ml.turns import Reply, Turns

LOOK_SECONDS = 5.0
"""How old the knowledge of the champion alias may be when a request comes."""

PATIENCE_SECONDS = 0.5
"""How long a request waits for that look when it could be answered without."""

RETRY_SECONDS = 30.0
"""How long a version that could not be loaded is not tried again."""

SMALL_BODY = 50_000
"""Bytes up to which a request is answered in the event loop; larger ones go to a thread."""

LOGGED_PER_ROW = (
    "outcome", "value", "unit", "interval", "confidence", "reason_code", "safe_action", "source", "fallback",
    "version", "data_version", "warnings", "problem",
)  # fmt: skip
"""What is logged of each answer of a request in columns; nothing is filled in for those."""

OUT_OF_REACH = StoreUnavailable | StoreMisconfigured
"""A store that does not answer, or that refuses us: a key that was changed, a folder that was closed."""

LONGEST_REFUSAL = 12_000
"""Characters of what is said of one refused row, whatever its recipe says."""

_log = logging.getLogger("toban.serving")


@dataclass
class _Served:
    """What this process knows of one model."""

    recipe: Recipe
    reader: RowReader
    champion: int | None = None
    previous: int | None = None
    trouble: str | None = "no_champion"
    looked_at: float = float("-inf")
    rungs: dict[int, Rung] = field(default_factory=dict)
    missing: dict[int, tuple[str, float]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    looking: threading.Lock = field(default_factory=threading.Lock)


class Server:
    """Answers predictions for the models of a catalog; one per process, shared by its event loop and threads.

    Args:
        catalog: The models.
        registry: Where versions and aliases are.
        log: Where answers are written before they are sent.
        threads: Threads that one prediction may use.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        catalog: Catalog,
        registry: Registry,
        log: PredictionLog,
        threads: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalog = catalog
        self._registry = registry
        self._predictions = log
        self._threads = threads
        self._clock = clock
        self._served: dict[str, _Served] = {}
        self._turns = Turns(self._reply_together)
        self.counters: dict[str, int] = {"rows_answered": 0, "rows_not_logged": 0, "rungs_failed": 0}

    async def predict(self, model: str, body: bytes | PredictRequest) -> PredictReply:
        """Answer a request as a typed reply; see `predict_json`."""
        data = body if isinstance(body, bytes) else body.model_dump_json(exclude_none=True).encode()
        return PredictReply.model_validate_json(await self.predict_json(model, data))

    async def predict_json(self, model: str, body: bytes) -> bytes:
        """Answer a request (the JSON of a PredictRequest) by the JSON of a PredictReply.

        Raises:
            Refused: `unknown_model`, or the request as a whole is wrong; never for a failing model or store.
        """
        served = self._serve(model)
        if not self._is_ready(served) or len(body) > SMALL_BODY:
            reply, rows, logged = await asyncio.to_thread(self._reply, model, served, body)
            return self._count(reply, rows, logged)
        reading = served.reader.read(body)
        if reading.columns is None:
            return await self._turns.ask(model, reading)
        answers = answer_columns(served.recipe, reading, self._rungs(model, served))
        order, records = build_records(reading, answers, datetime.now(UTC))
        submission = self._predictions.write(model, records)
        logged = await submission.logged()
        reply = render_reply(model, answers, in_order(order, submission.ids), logged)
        return self._count(reply, len(answers), logged)

    async def _reply_together(self, model: str, readings: Sequence[Reading]) -> list[Reply]:
        """Return the replies to the requests of a turn, which hold rows: one call of the model, one write."""
        served, at = self._served[model], datetime.now(UTC)
        answer = partial(answer_together, served.recipe, readings)
        if self._is_ready(served):
            found = answer(self._rungs(model, served))
        else:  # the champion's time to be looked for came while they gathered
            found = await asyncio.to_thread(lambda: answer(self._rungs(model, served)))
        records: list[PredictionRecord] = []
        for reading, answers in zip(readings, found, strict=True):
            if not isinstance(answers, Exception):
                records += row_records(reading, answers, at)
        if not records:
            return [each for each in found if isinstance(each, Exception)]
        submission = self._predictions.write(model, records, len(readings))
        logged, ids = await submission.logged(), iter(submission.ids)
        return [
            answers if isinstance(answers, Exception) else self._render(model, answers, ids, logged)
            for answers in found
        ]

    def _render(self, model: str, answers: Sequence[Answer], ids: Iterator[str], logged: bool) -> bytes:
        """Return the reply with the next of *ids*, one for each answer."""
        reply = render_reply(model, answers, list(islice(ids, len(answers))), logged)
        return self._count(reply, len(answers), logged)

    def _reply(self, model: str, served: _Served, body: bytes) -> tuple[bytes, int, bool]:
        """Return a reply, the number of its rows, and whether they were logged; may wait for the store."""
        reading, rungs = served.reader.read(body), self._rungs(model, served)
        answers: Answers | list[Answer]
        if reading.columns is None:
            answers = answer_reading(served.recipe, reading, rungs)
        else:
            answers = answer_columns(served.recipe, reading, rungs)
        order, records = build_records(reading, answers, datetime.now(UTC))
        submission = self._predictions.write(model, records)
        logged = submission.taken.result()
        return render_reply(model, answers, in_order(order, submission.ids), logged), len(answers), logged

    def _count(self, reply: bytes, rows: int, logged: bool) -> bytes:
        """Return *reply* after counting its rows; called in the event loop only."""
        self.counters["rows_answered"] += rows
        if not logged:
            self.counters["rows_not_logged"] += rows
        return reply

    def answer_rows(self, model: str, body: bytes) -> list[Answer]:
        """Return the answers to a request without logging them; for judging and for benchmarks."""
        served = self._serve(model)
        return answer_reading(served.recipe, served.reader.read(body), self._rungs(model, served))

    def forget(self, model: str) -> None:
        """Look for the model's champion, and load what failed to load, at the next request."""
        if (served := self._served.get(model)) is not None:
            served.looked_at = float("-inf")
            served.missing.clear()

    # --- answering ------------------------------------------------------------------------------------

    def _serve(self, model: str) -> _Served:
        served = self._served.get(model)
        if served is None:
            recipe = self._catalog.recipe(model)
            served = self._served.setdefault(model, _Served(recipe, RowReader(recipe)))
        return served

    def _is_ready(self, served: _Served) -> bool:
        """Return whether an answer needs neither the store nor a model still to be loaded."""
        fresh = self._clock() - served.looked_at < LOOK_SECONDS
        return fresh and (served.champion is None or served.champion in served.rungs)

    def _rungs(self, model: str, served: _Served) -> list[OpenRung]:
        """Return the versions to ask, best first; looks for a moved alias when that is due."""
        self._look_if_due(model, served)
        champion, previous = served.champion, served.previous
        rungs: list[OpenRung] = [("champion", lambda: self._open(model, served, champion))]
        if previous is not None:
            rungs.append(("previous_champion", lambda: self._open(model, served, previous)))
        return rungs

    def _look_if_due(self, model: str, served: _Served) -> None:
        """Look for a moved alias; who has a version loaded waits for a slow store a moment only."""
        if self._clock() - served.looked_at < LOOK_SECONDS:
            return
        loaded = bool(served.rungs)
        if not served.looking.acquire(blocking=not loaded):
            return  # somebody looks already, and what is known will do meanwhile
        if self._clock() - served.looked_at < LOOK_SECONDS:
            served.looking.release()
            return
        look = threading.Thread(target=self._look, args=(model, served), daemon=True)
        look.start()
        look.join(PATIENCE_SECONDS if loaded else None)

    def _look(self, model: str, served: _Served) -> None:
        try:
            self._read_alias(model, served)
        finally:
            served.looked_at = self._clock()
            served.looking.release()

    def _read_alias(self, model: str, served: _Served) -> None:
        try:
            alias = self._registry.alias(model, CHAMPION)
            previous = self._registry.previous_champion(model) if alias else None
        except StoreError as error:
            # What is known stays: a champion that is loaded answers without its store.
            _log.warning("champion not looked up", extra={"model": model, "detail": str(error)})
            served.trouble = "store_unreachable" if isinstance(error, OUT_OF_REACH) else "alias_damaged"
        else:
            served.champion, served.previous = alias.version if alias else None, previous
            served.trouble = "no_champion"
            for version in set(served.rungs) - {served.champion, previous}:
                del served.rungs[version]

    def _open(self, model: str, served: _Served, version: int | None) -> Rung:
        """Return a version that is loaded; loads it on first use.

        Raises:
            RungMissing: There is no such version here; a failure is remembered for half a minute.
        """
        if version is None:
            raise RungMissing(served.trouble or "no_champion")
        if (rung := served.rungs.get(version)) is not None:
            return rung
        with served.lock:
            if version not in served.rungs:
                reason, until = served.missing.get(version, ("", float("-inf")))
                if self._clock() < until:
                    raise RungMissing(reason)
                served.rungs[version] = self._load(model, served, version)
            return served.rungs[version]

    def _load(self, model: str, served: _Served, version: int) -> Rung:
        try:
            manifest = self._registry.manifest(model, version)
            data = self._registry.get_file(manifest.files[MODEL_FILE].digest)
            loaded = LoadedModel(served.recipe, data, f"{model} version {version}", self._threads)
        except Exception as error:
            reason = _why_not_loaded(error)
            self.counters["rungs_failed"] += 1
            _log.error(
                "version not loaded",
                extra={"model": model, "version": version, "reason_code": reason, "detail": str(error)[:300]},
            )
            served.missing[version] = (reason, self._clock() + RETRY_SECONDS)
            raise RungMissing(reason, str(error)) from error
        return Rung(loaded, manifest, served.recipe)


def answer_together(
    recipe: Recipe, readings: Sequence[Reading], rungs: Sequence[OpenRung]
) -> list[list[Answer] | Exception]:
    """Return the answers to several requests, asking the model once for the rows of all of them.

    A row on which the model fails must not cost the others their answers: each request is then answered by
    itself. So it is where a request comes in columns.
    """
    if len(readings) > 1 and all(reading.columns is None for reading in readings):
        slots = [slot for reading in readings for slot in reading.slots]
        try:
            answers = iter(answer_reading(recipe, Reading(readings[0].caller, slots), rungs))
            found = [list(islice(answers, len(reading.slots))) for reading in readings]
        except Exception as error:  # noqa: BLE001 - it belongs to one of the requests, which will raise it again
            _log.warning("requests answered one by one", extra={"error": repr(error)[:300]})
        else:
            if not any(answer["reason_code"] == MODEL_FAILED for one in found for answer in one):
                return list(found)
    return [_answer_or_error(recipe, reading, rungs) for reading in readings]


def _answer_or_error(recipe: Recipe, reading: Reading, rungs: Sequence[OpenRung]) -> list[Answer] | Exception:
    try:
        return answer_reading(recipe, reading, rungs)
    except Exception as error:  # noqa: BLE001 - raised again in the request that it belongs to
        return error


def answer_reading(recipe: Recipe, reading: Reading, rungs: Sequence[OpenRung]) -> list[Answer]:
    """Return an answer for every row: refused in its place, or from the highest rung that can."""
    if reading.columns is not None:
        table = _table(recipe, reading.columns)
        slots = None
        answers: list[Answer | None] = [None] * len(table)
        good = list(range(len(table)))
    else:
        slots = reading.slots
        answers = [None if slot.refusal is None else refuse_row(slot.refusal) for slot in slots]
        good = [row for row, answer in enumerate(answers) if answer is None]
        table = build_table(recipe.kinds, [slots[row].features or {} for row in good])
    if good:
        bad = _check_inputs(recipe, table)
        for place, refusal in bad.items():
            answers[good[place]] = refuse_row(refusal)
        if bad:
            kept = [place for place in range(len(good)) if place not in bad]
            table, good = table.take(np.array(kept, dtype=np.int64)), [good[place] for place in kept]
    if good:
        for row, answer in zip(good, climb(recipe, table, rungs), strict=True):
            if slots is not None:
                answer["filled_in"], answer["actual"] = slots[row].filled_in, slots[row].actual
            answers[row] = answer
    return [answer for answer in answers if answer is not None]


def answer_columns(recipe: Recipe, reading: Reading, rungs: Sequence[OpenRung]) -> Answers:
    """Return the answers of `answer_reading` to rows that came as columns, as columns where possible."""
    table = _table(recipe, reading.columns or {})
    if _check_inputs(recipe, table):
        return Answers.of_rows(answer_reading(recipe, reading, rungs))
    return climb_together(recipe, table, rungs)


def _table(recipe: Recipe, columns: Mapping[str, list[Any]]) -> Table:
    return Table({name: build_column(kind, columns[name]) for name, kind in recipe.kinds.items()})


def refuse_row(refusal: Refused) -> Answer:
    """Return the answer of a row that cannot be asked about as it is, with what would be allowed."""
    problem = {
        "title": "The row cannot be answered",
        "status": 422,
        "detail": cut(refusal.detail, LONGEST_REFUSAL),
        "reason_code": refusal.reason_code,
        "errors": [error.model_dump() for error in refusal.errors],
        "suggestions": refusal.suggestions,
    }
    return refuse(refusal.reason_code, problem)


def build_records(
    reading: Reading, answers: Answers | Sequence[Answer], at: datetime
) -> tuple[list[int] | None, list[PredictionRecord | PredictionColumns]]:
    """Return what to log with the six fields, and to which row each logged row belongs (None: in order)."""
    if isinstance(answers, Answers):
        return _column_records(reading.caller, reading.columns or {}, answers, at)
    return None, [*row_records(reading, answers, at)]


def row_records(reading: Reading, answers: Sequence[Answer], at: datetime) -> list[PredictionRecord]:
    """Return what to log of single rows, in order."""
    return [
        PredictionRecord(
            at=at,
            who=reading.caller.who,
            where=reading.caller.where,
            input=_logged_input(slot, answer),
            answer=answer,
            version=answer["version"],
            data_version=answer["data_version"],
        )
        for slot, answer in zip(reading.slots, answers, strict=True)
    ]


def in_order(order: list[int] | None, ids: list[str]) -> list[str]:
    """Return ids by row, given to which row each belongs."""
    if order is None:
        return ids
    found = [""] * len(ids)
    for row, each in zip(order, ids, strict=True):
        found[row] = each
    return found


def _column_records(
    caller: Caller, columns: Mapping[str, list[Any]], answers: Answers, at: datetime
) -> tuple[list[int] | None, list[PredictionRecord | PredictionColumns]]:
    """Return a record for the rows that are answered alike, and one for each version among the others."""
    records: list[PredictionRecord | PredictionColumns] = []
    order: list[int] = []

    refused = {row for row, answer in answers.apart.items() if _is_refused(answer)}

    def add(rows: list[int] | None, answer: dict[str, Any], one: Answer) -> None:
        inputs = columns
        if rows is not None:
            inputs = {
                name: [abridge(column[row]) if row in refused else column[row] for row in rows]
                for name, column in columns.items()
            }
        records.append(
            PredictionColumns(
                at=at,
                who=caller.who,
                where=caller.where,
                input=inputs,
                answer=answer,
                version=one["version"],
                data_version=one["data_version"],
                rows=len(answers) if rows is None else len(rows),
            )
        )
        order.extend(rows or ())

    if not answers.apart:
        add(None, _logged(answers.columns()), answers.shared)
        return None, records
    if alike := [row for row in range(len(answers)) if row not in answers.apart]:
        add(alike, _logged(answers.columns(alike)), answers.shared)
    by_version: dict[tuple[int | None, str | None], list[int]] = {}
    for row, answer in answers.apart.items():
        by_version.setdefault((answer["version"], answer["data_version"]), []).append(row)
    for rows in by_version.values():
        add(rows, _as_columns([answers.apart[row] for row in rows]), answers.apart[rows[0]])
    return order, records


def _logged(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is logged of answers that nobody was warned about: a list would be taken for a column."""
    return {name: columns[name] for name in LOGGED_PER_ROW if name != "warnings"}


def _as_columns(answers: Sequence[Answer]) -> dict[str, Any]:
    """Return answers as columns; what all rows share, their version for instance, is kept once."""
    columns: dict[str, Any] = {}
    for name in LOGGED_PER_ROW:
        column = [answer[name] for answer in answers]
        first = column[0]
        shared = not isinstance(first, list | tuple) and column.count(first) == len(column)
        columns[name] = first if shared else column
    return columns


def _logged_input(slot: Slot, answer: Answer) -> Mapping[str, Any]:
    """Return the full typed row and what the person gave for it (a flight's number is no feature).

    Of a refused row, which may hold anything, long names and values are abridged.
    """
    row = slot.given
    if slot.features is not None and slot.features is not slot.given:
        row = {**slot.features, **slot.given}
    return {shorten(name): abridge(value) for name, value in row.items()} if _is_refused(answer) else row


def _is_refused(answer: Answer) -> bool:
    return bool(answer["outcome"] == "refused")


def _check_inputs(recipe: Recipe, table: Table) -> dict[int, Refused]:
    """Return the rows (by place) that the recipe's own input checks refuse."""
    found: dict[int, Refused] = {}
    for check in recipe.input_checks:
        try:
            bad = check.bad(table)
        except Exception as error:  # noqa: BLE001 - a broken check must not stop the answers
            _log.error("input check failed", extra={"check": check.code, "error": repr(error)[:300]})
            continue
        for place in np.flatnonzero(bad).tolist():
            value = table[check.field][place].item() if check.field in table.columns else None
            problem, suggestions = build_problem(check.field, value, check.allowed)
            found.setdefault(
                place, Refused(check.code, problem.message, errors=(problem,), suggestions=suggestions)
            )
    return found


def _why_not_loaded(error: Exception) -> str:
    if isinstance(error, OUT_OF_REACH):
        return "store_unreachable"
    if isinstance(error, NotFound):
        return "model_file_missing"
    return "model_file_damaged" if isinstance(error, Corrupt) else "model_not_loadable"

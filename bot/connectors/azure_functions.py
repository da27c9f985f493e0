"""Speaks with the function app: predict, start and watch runs, read models and versions, move aliases.

Source of the wire format: `ml/contract.py` and docs/functions.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any, Literal, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from bot.connectors.wire import HttpCall, HttpReply, Sender
from bot.errors import FunctionsUnreachable, Refused
from bot.settings import FunctionsSettings
from ml.contract import (
    AliasMove,
    AliasView,
    Caller,
    CancelRequest,
    CompareRequest,
    HealthView,
    ModelsView,
    ModelView,
    PredictionView,
    PredictReply,
    PredictRequest,
    Problem,
    RetrainRequest,
    RunsView,
    RunView,
    UsageView,
    VersionView,
)

ReplyType = TypeVar("ReplyType", bound=BaseModel)

LIST_FROM = 5
"""From this many runs on, one list request is cheaper than one request each."""
LIST_MOST = 100
"""The longest page of runs that the function app gives."""
REJECTED_KEY = "function_app_rejected_key"


DIVISION_SLASH = "\u2215"


def _segment(name: str) -> str:
    """Return *name* as one segment of a path.

    A client takes segments of dots out of a path, however they are written; nothing here is called so, and in
    brackets it is a name that the function app does not know. Hosts take an escaped slash apart, too, and
    would speak of an address that they do not serve; the sign that looks like it stands in no name either.
    """
    return quote(name.replace("/", DIVISION_SLASH) if name.strip(".") else f"({name})", safe="")


def build_start(kind: Literal["retrain", "compare"], model: str, body: BaseModel, key: str) -> HttpCall:
    """Return the call that starts a run; *key* makes a second sending return the first run."""
    return HttpCall(
        "POST",
        f"/api/models/{_segment(model)}/{kind}",
        body=body.model_dump(mode="json", exclude_none=True),
        headers={"Idempotency-Key": key},
        repeatable=True,
    )


def build_move(model: str, alias: str, move: AliasMove, key: str) -> HttpCall:
    """Return the call that moves an alias, bound to the event and the evidence in *move*."""
    return HttpCall(
        "POST",
        f"/api/models/{_segment(model)}/aliases/{_segment(alias)}",
        body=move.model_dump(mode="json"),
        headers={"Idempotency-Key": key},
        repeatable=True,
    )


def build_cancel(run_id: str, caller: Caller, key: str) -> HttpCall:
    """Return the call that asks a run to stop, in the name of *caller*."""
    return HttpCall(
        "POST",
        f"/api/runs/{_segment(run_id)}/cancel",
        body=CancelRequest(caller=caller).model_dump(mode="json"),
        headers={"Idempotency-Key": key},
        repeatable=True,
    )


def read_reply(reply: HttpReply, kind: type[ReplyType]) -> ReplyType:
    """Return the body as *kind*; raise Refused for a refusal, FunctionsUnreachable for anything else."""
    if reply.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise Refused(
            Problem(
                title="The function app does not accept the bot's key",
                status=reply.status,
                detail="TOBAN_FUNCTIONS_KEY is missing, wrong, or for another function app.",
                reason_code=REJECTED_KEY,
            )
        )
    if HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
        try:
            return kind.model_validate(reply.body)
        except ValidationError as error:
            raise FunctionsUnreachable(
                f"an answer that is not a {kind.__name__} ({error.error_count()} problems)"
            ) from None
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        raise FunctionsUnreachable("it is too busy (status 429)")
    if HTTPStatus.BAD_REQUEST <= reply.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Refused(_problem(reply))
    raise FunctionsUnreachable(f"status {reply.status}")


def _problem(reply: HttpReply) -> Problem:
    try:
        return Problem.model_validate(reply.body)
    except ValidationError:
        raise FunctionsUnreachable(f"status {reply.status} without problem details") from None


class AzureFunctionsConnector:
    """The function app behind verbs. Each call has a time-out; only repeatable calls are sent again."""

    def __init__(self, settings: FunctionsSettings) -> None:
        key = {"x-functions-key": settings.key.get_secret_value()} if settings.key is not None else {}
        headers = {"accept": "application/json", "user-agent": "toban", **key}
        self._sender = Sender(
            settings.url,
            headers,
            connect_seconds=settings.connect_seconds,
            read_seconds=settings.read_seconds,
            secrets=key.values(),
        )

    def predict(self, model: str, rows: Sequence[dict[str, Any]], caller: Caller) -> PredictReply:
        """Return one answer per row."""
        body = PredictRequest(rows=list(rows), caller=caller).model_dump(mode="json", exclude_none=True)
        call = HttpCall("POST", f"/api/models/{_segment(model)}/predict", body=body)
        return read_reply(self._sender.send(call), PredictReply)

    def retrain(self, model: str, params: dict[str, Any], caller: Caller, *, key: str) -> RunView:
        """Start a training run, or return the one that *key* started before."""
        call = build_start("retrain", model, RetrainRequest(params=params, caller=caller), key)
        return read_reply(self._sender.send(call), RunView)

    def compare(self, model: str, versions: tuple[int, int], caller: Caller, *, key: str) -> RunView:
        """Start rescoring the first version beside the second, on the first one's evaluation rows."""
        body = CompareRequest(versions=versions, rows=f"evaluation of {versions[0]}", caller=caller)
        return read_reply(self._sender.send(build_start("compare", model, body, key)), RunView)

    def run(self, run_id: str) -> RunView:
        """Return a run as it stands."""
        return self._get(f"/api/runs/{_segment(run_id)}", RunView)

    def status(self, run_ids: Sequence[str]) -> dict[str, RunView]:
        """Return the runs of *run_ids* that are known, with as few requests as make sense."""
        wanted = set(run_ids)
        found = {view.run_id: view for view in self._newest(wanted) if view.run_id in wanted}
        for run_id in sorted(wanted - found.keys()):
            view = self._known(run_id)
            if view is not None:
                found[run_id] = view
        return found

    def _newest(self, wanted: set[str]) -> Iterator[RunView]:
        """Yield the newest runs, as many pages of them as *wanted* would fill, and one for those between."""
        pages = 1 + math.ceil(len(wanted) / LIST_MOST) if len(wanted) >= LIST_FROM else 0
        missing, after = set(wanted), None
        for _ in range(pages):
            page = self.runs(limit=LIST_MOST, after=after)
            yield from page.runs
            missing -= {view.run_id for view in page.runs}
            after = page.after
            if after is None or not missing:
                return

    def runs(self, model: str | None = None, limit: int = 10, after: str | None = None) -> RunsView:
        """Return runs, newest first."""
        query = {"limit": str(limit)}
        query |= {"model": model} if model else {}
        query |= {"after": after} if after else {}
        return self._get("/api/runs", RunsView, query)

    def cancel(self, run_id: str, caller: Caller, *, key: str) -> RunView:
        """Ask for a run to be stopped; asking again is harmless."""
        return read_reply(self._sender.send(build_cancel(run_id, caller, key)), RunView)

    def models(self) -> ModelsView:
        """Return all models."""
        return self._get("/api/models", ModelsView)

    def model(self, name: str) -> ModelView:
        """Return a model with its schemas, champion and versions."""
        return self._get(f"/api/models/{_segment(name)}", ModelView)

    def version(self, model: str, number: int) -> VersionView:
        """Return a version's manifest and card."""
        return self._get(f"/api/models/{_segment(model)}/versions/{number}", VersionView)

    def move_alias(self, model: str, alias: str, move: AliasMove, *, key: str) -> AliasView:
        """Move an alias; raise Refused with `world_moved` when somebody else moved it first."""
        return read_reply(self._sender.send(build_move(model, alias, move, key)), AliasView)

    def prediction(self, prediction_id: str) -> PredictionView:
        """Return one logged prediction."""
        return self._get(f"/api/predictions/{_segment(prediction_id)}", PredictionView)

    def usage(self, model: str, since: datetime) -> UsageView:
        """Return how much a model was asked since *since*."""
        return self._get(f"/api/models/{_segment(model)}/usage", UsageView, {"since": since.isoformat()})

    def health(self) -> HealthView:
        """Return whether the function app and its store answer."""
        return self._get("/api/health", HealthView)

    def _get(self, path: str, kind: type[ReplyType], query: dict[str, str] | None = None) -> ReplyType:
        return read_reply(self._sender.send(HttpCall("GET", path, query=query or {})), kind)

    def _known(self, run_id: str) -> RunView | None:
        try:
            return self.run(run_id)
        except Refused as refusal:
            if refusal.problem.status != HTTPStatus.NOT_FOUND:
                raise
            return None

"""Speaks with an MLflow model registry by its REST API: versions, aliases and metrics, and moving an alias.

MLflow itself is never imported. The registry has no compare-and-swap: an alias moved elsewhere in the instant
between our last look and our own move is overwritten.

Source: https://mlflow.org/docs/latest/api_reference/rest-api.html
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from bot.connectors.wire import HttpCall, HttpReply, Sender
from bot.errors import MlflowUnreachable, Refused, Unreachable
from bot.registered_models import AliasChange, RegisteredModel, RegisteredVersion
from bot.settings import MlflowSettings
from ml.contract import Problem

API = "/api/2.0/mlflow"
MOST_VERSIONS = 10
MOST_MODELS = 100
MODEL_NAME = re.compile(r"[^'\"/:\x00-\x1f]{1,250}")
"""MLflow refuses `/` and `:` in names; quotes could not stand in its search language."""
MISSING = "RESOURCE_DOES_NOT_EXIST"
TAG = "toban.alias."
"""A version's tag that says by which decision an alias came to it; the alias's name follows."""


def build_get(path: str, **query: str) -> HttpCall:
    """Return the call that reads *path*."""
    return HttpCall("GET", f"{API}/{path}", query=query)


def build_search(name: str) -> HttpCall:
    """Return the call that lists the newest versions of a model."""
    order = {"order_by": "version_number DESC", "max_results": str(MOST_VERSIONS)}
    return build_get("model-versions/search", filter=f"name='{name}'", **order)


def build_tag(change: AliasChange, decision: str) -> HttpCall:
    """Return the call that notes on the candidate by which decision the alias comes to it."""
    named = {"name": change.model, "version": str(change.candidate.version)}
    body = {**named, "key": f"{TAG}{change.alias}", "value": decision}
    return HttpCall("POST", f"{API}/model-versions/set-tag", body=body, repeatable=True)


def build_move(change: AliasChange) -> HttpCall:
    """Return the call that points the alias to the candidate; sending it twice is as once."""
    body = {"name": change.model, "alias": change.alias, "version": str(change.candidate.version)}
    return HttpCall("POST", f"{API}/registered-models/alias", body=body, repeatable=True)


def read_reply(reply: HttpReply) -> dict[str, Any]:
    """Return an answer's body.

    Raises:
        Refused: MLflow understood and said no: unknown, not allowed, or in its own words.
        MlflowUnreachable: It failed, or the answer is no MLflow's.
    """
    if reply.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise _refusal(
            "mlflow_rejected_token", "Its administrator can say which rights it lacks.", reply.status
        )
    body = reply.body
    if not isinstance(body, dict) or reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise MlflowUnreachable(f"status {reply.status}")
    if reply.status >= HTTPStatus.BAD_REQUEST:
        if "error_code" not in body:
            raise MlflowUnreachable(f"status {reply.status}: is this the address of an MLflow server?")
        code = "unknown_registered" if body["error_code"] == MISSING else "mlflow_refused"
        raise _refusal(code, str(body.get("message", ""))[:300], reply.status)
    return body


def read_version(record: Mapping[str, Any], metrics: Mapping[str, float]) -> RegisteredVersion:
    """Return MLflow's record of a version with the *metrics* of its run."""
    created = datetime.fromtimestamp(int(record["creation_timestamp"]) / 1000, UTC)
    return RegisteredVersion(
        version=int(record["version"]),
        created_at=created,
        status=str(record.get("status", "READY")),
        run_id=record.get("run_id") or None,
        metrics=dict(metrics),
    )


def read_aliases(record: Mapping[str, Any]) -> dict[str, int]:
    """Return where each alias of a registered model points."""
    return {str(one["alias"]): int(one["version"]) for one in record.get("aliases", ())}


def read_metrics(run: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield name and value of each metric of a run that is a finite number.

    MLflow writes others as the texts "NaN" and "Infinity".
    """
    for metric in run.get("data", {}).get("metrics", ()):
        if math.isfinite(value := float(metric["value"])):
            yield str(metric["key"]), value


class MlflowConnector:
    """One MLflow server. Thread-safe; every call has a time-out."""

    def __init__(self, settings: MlflowSettings) -> None:
        headers = {"authorization": f"Bearer {settings.token.get_secret_value()}"} if settings.token else {}
        self._sender = Sender(
            settings.address,
            headers,
            connect_seconds=settings.connect_seconds,
            read_seconds=settings.read_seconds,
            secrets=headers.values(),
        )

    def names(self) -> list[str]:
        """Return the names of the registered models, at most MOST_MODELS."""
        found = self._ask(build_get("registered-models/search", max_results=str(MOST_MODELS)))
        return [str(one["name"]) for one in found.get("registered_models", ())]

    def model(self, name: str) -> RegisteredModel:
        """Return a registered model with its newest versions and their metrics."""
        record = self._registered(name)
        found = self._ask(build_search(name)).get("model_versions", ())
        versions = tuple(read_version(one, self._metrics(one)) for one in found)
        return RegisteredModel(name=name, aliases=read_aliases(record), versions=versions)

    def change(self, name: str, alias: str, version: int) -> AliasChange:
        """Return what pointing *alias* to *version* would change, as things are now."""
        present = read_aliases(self._registered(name)).get(alias)
        return AliasChange(
            model=name,
            alias=alias,
            present=None if present is None else self._version(name, present),
            candidate=self._version(name, version),
        )

    def decision_of(self, change: AliasChange) -> str | None:
        """Return the decision by which the alias came to the candidate, where one is noted."""
        record = self._record(change.model, change.candidate.version)
        tags = {one["key"]: str(one["value"]) for one in record.get("tags", ())}
        return tags.get(f"{TAG}{change.alias}")

    def move(self, change: AliasChange, decision: str) -> None:
        """Note *decision* on the candidate, then point the alias to it; doing both again is harmless."""
        self._ask(build_tag(change, decision))
        self._ask(build_move(change))

    def _registered(self, name: str) -> Mapping[str, Any]:
        if not MODEL_NAME.fullmatch(name):
            raise _refusal("unknown_registered", f"{name!r} cannot be the name of a registered model.", 404)
        record: Mapping[str, Any] = self._ask(build_get("registered-models/get", name=name))[
            "registered_model"
        ]
        return record

    def _record(self, name: str, version: int) -> Mapping[str, Any]:
        found = self._ask(build_get("model-versions/get", name=name, version=str(version)))
        record: Mapping[str, Any] = found["model_version"]
        return record

    def _version(self, name: str, version: int) -> RegisteredVersion:
        record = self._record(name, version)
        return read_version(record, self._metrics(record))

    def _metrics(self, record: Mapping[str, Any]) -> dict[str, float]:
        """Return the metrics of a version's run; none where it has no run or the run is gone."""
        if not record.get("run_id"):
            return {}
        try:
            return dict(read_metrics(self._ask(build_get("runs/get", run_id=record["run_id"]))["run"]))
        except Refused as refusal:
            if refusal.problem.reason_code != "unknown_registered":
                raise
            return {}

    def _ask(self, call: HttpCall) -> dict[str, Any]:
        try:
            return read_reply(self._sender.send(call))
        except MlflowUnreachable:
            raise
        except Unreachable as error:
            if re.search(r"status 40[13]\b", str(error)):
                # MLflow's own sign-in refuses in plain text, which is not JSON and so looks like no answer.
                raise _refusal(
                    "mlflow_rejected_token", "It refused without a word of its own.", 401
                ) from None
            raise MlflowUnreachable(str(error)) from error


def _refusal(reason_code: str, detail: str, status: int) -> Refused:
    title = "MLflow refused"
    return Refused(Problem(title=title, status=status, detail=detail, reason_code=reason_code))

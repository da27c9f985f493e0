"""POST /api/models/{model}/retrain and …/compare: checked, recorded and put on the queue, never run here.

The same Idempotency-Key gives the same run. A run that still waits is put on the queue again each time: a
message too many does nothing, one too few would leave the run waiting for the sweep.
"""

from __future__ import annotations

import azure.functions as func

from functions.decoding import idempotency_key, read_body
from functions.encoding import reply
from functions.problems import door
from functions.queues import CONNECTION, RUNS, message_for
from functions.state import state
from functions.views import known_manifest
from ml.contract import CompareRequest, RetrainRequest, RunView

POLL_SECONDS = 1

blueprint = func.Blueprint()


@blueprint.route("models/{model}/retrain", methods=["POST"])
@blueprint.queue_output(arg_name="message", queue_name=RUNS, connection=CONNECTION)
@door
def retrain(req: func.HttpRequest, message: func.Out[str]) -> func.HttpResponse:
    """Record a training run with checked parameters and queue it."""
    model = req.route_params["model"]
    request = read_body(req, RetrainRequest)
    params = state.catalog.recipe(model).read_params(request.params)
    run = state.runs.create(model, "retrain", params, request.caller, idempotency_key(req))
    return _accepted(run, message)


@blueprint.route("models/{model}/compare", methods=["POST"])
@blueprint.queue_output(arg_name="message", queue_name=RUNS, connection=CONNECTION)
@door
def compare(req: func.HttpRequest, message: func.Out[str]) -> func.HttpResponse:
    """Record a run that rescores two versions on the same rows, and queue it."""
    model = req.route_params["model"]
    state.catalog.recipe(model)
    request = read_body(req, CompareRequest)
    for version in {*request.versions, int(request.rows.rpartition(" ")[2])}:
        known_manifest(state.registry, model, version)
    params = request.model_dump(mode="json", include={"versions", "rows"})
    run = state.runs.create(model, "compare", params, request.caller, idempotency_key(req))
    return _accepted(run, message)


def _accepted(run: RunView, message: func.Out[str]) -> func.HttpResponse:
    if run.state == "queued":
        message.set(message_for(run.run_id))
    headers = {"Location": f"/api/runs/{run.run_id}", "Retry-After": str(POLL_SECONDS)}
    return reply(run, status=202, headers=headers)

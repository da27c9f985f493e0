"""GET /api/runs, GET /api/runs/{run_id} and POST /api/runs/{run_id}/cancel."""

from __future__ import annotations

import azure.functions as func

from functions.decoding import idempotency_key, read_body, read_limit
from functions.encoding import conditional, reply
from functions.keys import bind_key
from functions.problems import door
from functions.state import state
from ml.contract import CancelRequest, RunView
from ml.errors import NotFound, Refused
from ml.problems import nearest

blueprint = func.Blueprint()


@blueprint.route("runs", methods=["GET"])
@door
def runs(req: func.HttpRequest) -> func.HttpResponse:
    """Return runs, newest first, of one model or of all."""
    model = req.params.get("model")
    if model is not None:
        state.catalog.settings(model)
    after = req.params.get("after")
    if after is not None:
        known_run(after)
    return conditional(req, state.runs.list(model, read_limit(req), after))


@blueprint.route("runs/{run_id}", methods=["GET"])
@door
def run(req: func.HttpRequest) -> func.HttpResponse:
    """Return a run as it stands, or 304 to whoever has its newest event already."""
    view = known_run(req.route_params["run_id"])
    return conditional(req, view, f"{view.run_id}-{view.event}")


@blueprint.route("runs/{run_id}/cancel", methods=["POST"])
@door
def cancel(req: func.HttpRequest) -> func.HttpResponse:
    """Ask a run to stop; one that has ended stays as it is, so asking twice does nothing more."""
    request = read_body(req, CancelRequest, optional=True)
    by = request.caller.who if request.caller else "unknown"
    run_id = known_run(req.route_params["run_id"]).run_id
    bind_key(state.store, idempotency_key(req), run_id, f"cancel by {by}")
    return reply(state.runs.request_cancel(run_id, by))


def known_run(run_id: str) -> RunView:
    """Return the run of that id.

    Raises:
        Refused: `unknown_run`, with the nearest of the newest runs.
    """
    try:
        return state.runs.view(run_id)
    except NotFound:
        recent = [known.run_id for known in state.runs.list().runs]
        detail = f"There is no run {run_id[:80]}."
        raise Refused("unknown_run", detail, suggestions=nearest(run_id, recent)) from None

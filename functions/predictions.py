"""GET /api/predictions/{prediction_id} and GET /api/models/{model}/usage?since=."""

from __future__ import annotations

import azure.functions as func

from functions.decoding import read_since
from functions.encoding import conditional, reply
from functions.problems import door
from functions.state import state
from ml.errors import NotFound, Refused

blueprint = func.Blueprint()


@blueprint.route("predictions/{prediction_id}", methods=["GET"])
@door
def prediction(req: func.HttpRequest) -> func.HttpResponse:
    """Return one logged prediction: when, who, where, what, model version, data version."""
    prediction_id = req.route_params["prediction_id"]
    try:
        return conditional(req, state.predictions.read(prediction_id))
    except NotFound:
        detail = f"There is no prediction {prediction_id[:120]}; if it was answered, it was not logged."
        raise Refused("unknown_prediction", detail) from None


@blueprint.route("models/{model}/usage", methods=["GET"])
@door
def usage(req: func.HttpRequest) -> func.HttpResponse:
    """Return how much a model was asked since a time, and how often its champion did not answer."""
    model = req.route_params["model"]
    state.catalog.settings(model)
    return reply(state.usage.since(model, read_since(req)))

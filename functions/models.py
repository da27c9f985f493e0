"""GET /api/models, /api/models/{model} and /api/models/{model}/versions/{version}."""

from __future__ import annotations

import azure.functions as func

from functions.decoding import read_version
from functions.encoding import conditional
from functions.problems import door
from functions.state import state
from functions.views import model_view as view_of
from functions.views import models_view, version_view

blueprint = func.Blueprint()


@blueprint.route("models", methods=["GET"])
@door
def models(req: func.HttpRequest) -> func.HttpResponse:
    """Return every model with its champion and newest version."""
    return conditional(req, models_view(state.catalog, state.registry))


@blueprint.route("models/{model}", methods=["GET"])
@door
def model(req: func.HttpRequest) -> func.HttpResponse:
    """Return what a person may give, how the model is trained and judged, its champion and versions."""
    return conditional(req, view_of(state.catalog, state.registry, req.route_params["model"]))


@blueprint.route("models/{model}/versions/{version}", methods=["GET"])
@door
def version(req: func.HttpRequest) -> func.HttpResponse:
    """Return a version's manifest and its card."""
    name = req.route_params["model"]
    state.catalog.settings(name)
    return conditional(req, version_view(state.registry, name, read_version(req)))

"""POST /api/models/{model}/aliases/{alias}: points an alias at a version, where the asker saw it last."""

from __future__ import annotations

import azure.functions as func

from functions.decoding import idempotency_key, read_alias, read_body
from functions.encoding import reply
from functions.problems import door
from functions.state import state
from ml.contract import AliasMove

blueprint = func.Blueprint()


@blueprint.route("models/{model}/aliases/{alias}", methods=["POST"])
@door
def move_alias(req: func.HttpRequest) -> func.HttpResponse:
    """Move the alias on evidence; 409 where it moved since `expected_event`.

    This process predicts with the new champion at once, others look for it within seconds.
    """
    model, alias = req.route_params["model"], read_alias(req)
    state.catalog.recipe(model)
    move = read_body(req, AliasMove)
    moved = state.registry.move_alias(model, alias, move, idempotency_key(req))
    state.server.forget(model)
    return reply(moved)

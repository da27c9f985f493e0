"""POST /api/models/{model}/aliases/{alias}: points an alias at a version, where the asker saw it last."""

from __future__ import annotations

import azure.functions as func

from functions.decoding import idempotency_key, read_alias, read_body
from functions.encoding import reply
from functions.keys import bind_key, check_key
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
    move, key = read_body(req, AliasMove), idempotency_key(req)
    bound = (state.store, key, f"{model}/{alias}", move.model_dump_json())
    check_key(*bound)
    moved = state.registry.move_alias(model, alias, move, key)
    bind_key(*bound)  # only now, so that who was refused may mend the request and keep the key
    state.server.forget(model)
    return reply(moved)

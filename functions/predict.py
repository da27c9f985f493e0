"""POST /api/models/{model}/predict: answers for rows, logged before they are sent."""

from __future__ import annotations

import azure.functions as func

from functions.decoding import MAX_ROWS_BYTES, read_bytes
from functions.encoding import json_response
from functions.problems import door
from functions.state import state

blueprint = func.Blueprint()


@blueprint.route("models/{model}/predict", methods=["POST"])
@door
async def predict(req: func.HttpRequest) -> func.HttpResponse:
    """Answer every row by the highest rung of the ladder that can; one bad row does not stop the others."""
    body = read_bytes(req, MAX_ROWS_BYTES)
    return json_response(await state.server.predict_json(req.route_params["model"], body))

"""GET /api/openapi.json: the app's description of itself; `python -m functions.openapi` prints it.

It asks for the function key like every other door. Whoever has the code but no key has the command.
"""

from __future__ import annotations

import json
import sys
from functools import cache

import azure.functions as func
from pydantic_core import to_json

from functions.description import build_description
from functions.encoding import json_response
from functions.problems import door

blueprint = func.Blueprint()


@blueprint.route("openapi.json", methods=["GET"])
@door
def openapi(req: func.HttpRequest) -> func.HttpResponse:
    """Return the description, which is the same as long as the process lives."""
    return json_response(_description())


@cache
def _description() -> bytes:
    return to_json(build_description())


if __name__ == "__main__":
    json.dump(build_description(), sys.stdout, indent=2)
    sys.stdout.write("\n")

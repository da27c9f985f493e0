"""Every other address under /api: 404 with the nearest routes, or 405 with the methods that are served there.

Azure's host tries routes in the alphabetical order of their functions' names and takes the first that fits,
so the name of the function that fits everything must come last.
Source: https://github.com/Azure/azure-functions-host/issues/9876
"""

from __future__ import annotations

import difflib

import azure.functions as func

from functions.operations import OPERATIONS
from functions.problems import door, method_not_allowed
from functions.routes import RouteTable
from ml.errors import Refused

SERVED = {operation.route: operation.method for operation in OPERATIONS}

_TABLE = RouteTable((route, (), method) for route, method in SERVED.items())

blueprint = func.Blueprint()


@blueprint.route("{*path}")
@door
def zz_elsewhere(req: func.HttpRequest) -> func.HttpResponse:
    """Refuse, and say what is served instead."""
    path = req.route_params.get("path", "")
    found = _TABLE.match(req.method, path)
    if found and found[0] != req.method:
        return method_not_allowed(req.method, found[0])
    near = difflib.get_close_matches(path, SERVED, n=3, cutoff=0.4)
    suggestions = [f"{SERVED[route]} /api/{route}" for route in near]
    raise Refused(
        "unknown_route", f"There is nothing at {req.method} /api/{path[:200]}.", suggestions=suggestions
    )

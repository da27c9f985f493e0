"""Any function of the function app as a connector: an endpoint under `/api`, with the app's own key."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bot.connectors.endpoints import CallSettings, Endpoint

ROUTE = r"^[A-Za-z0-9_{][A-Za-z0-9_{}/.~-]*$"


class FunctionRouteSettings(CallSettings):
    """`[commands.NAME.azure_functions]`: a function of the function app by its route, without `/api/`.

    Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook-trigger
    """

    route: Annotated[str, Field(pattern=ROUTE)]


def route_endpoint(settings: FunctionRouteSettings, app_url: str, headers: dict[str, str]) -> Endpoint:
    """Return the endpoint of a route of the function app at *app_url*."""
    return Endpoint(f"{app_url.rstrip('/')}/api/{settings.route}", settings, headers)

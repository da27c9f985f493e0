"""The function app that Azure indexes; it registers the blueprints and does nothing else.

Source: https://learn.microsoft.com/azure/azure-functions/functions-reference-python
"""

import azure.functions as func

from functions import (
    aliases,
    elsewhere,
    health,
    models,
    openapi,
    predict,
    predictions,
    retrain,
    runs,
    timers,
    training,
)

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

for module in (
    aliases,
    elsewhere,
    health,
    models,
    openapi,
    predict,
    predictions,
    retrain,
    runs,
    timers,
    training,
):
    app.register_functions(module.blueprint)

"""What a FunctionApp declares, read from its own bindings, and how one of its functions is called.

Only public names of azure-functions are used: `get_functions()`, `get_function_json()`,
`get_user_function()`. A binding that this host cannot serve is an error at start, never a silent gap.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import azure.functions as func

HTTP_TRIGGER, QUEUE_TRIGGER, TIMER_TRIGGER = "httpTrigger", "queueTrigger", "timerTrigger"
TRIGGERS = frozenset({HTTP_TRIGGER, QUEUE_TRIGGER, TIMER_TRIGGER})

Emit = Callable[[str, list[bytes]], None]
"""Puts messages on the queue of a name."""


class UnsupportedBinding(ValueError):
    """The app declares a trigger or binding that the local host does not have."""


class Output(func.Out[Any]):
    """An output parameter: what the function set, or None."""

    def __init__(self) -> None:
        """Start with nothing set."""
        self._value: Any = None

    def set(self, val: Any) -> None:
        """Keep *val*; the last one counts."""
        self._value = val

    def get(self) -> Any:
        """Return what was set, None before."""
        return self._value


@dataclass(frozen=True, slots=True)
class HostedFunction:
    """One function of the app: its name, its trigger, and the queues that its output parameters feed.

    `trigger` is the trigger binding as Azure's host would read it, with camelCase keys. `outputs` maps a
    parameter's name to a queue's name.
    """

    name: str
    code: Callable[..., Any]
    trigger: Mapping[str, Any]
    parameter: str
    outputs: Mapping[str, str] = field(default_factory=dict)
    is_async: bool = False

    @property
    def kind(self) -> str:
        """Return the trigger's type as the binding names it."""
        return str(self.trigger["type"])

    def invoke(self, value: Any, emit: Emit) -> Any:
        """Call a sync function with its trigger's value and send its outputs after it has returned.

        A function that raises sends nothing, as on Azure.
        """
        if not self.outputs:
            return self.code(**{self.parameter: value})
        outputs = {name: Output() for name in self.outputs}
        answer = self.code(**{self.parameter: value}, **outputs)
        for name, output in outputs.items():
            if messages := as_messages(output.get()):
                emit(self.outputs[name], messages)
        return answer

    async def invoke_async(self, value: Any) -> Any:
        """Call an async function with its trigger's value."""
        return await cast(Awaitable[Any], self.code(**{self.parameter: value}))


def as_messages(value: Any) -> list[bytes]:
    """Return the bodies of what a queue output was set to: one or several strings, bytes or messages."""
    if value is None:
        return []
    if isinstance(value, str):
        return [value.encode()]
    if isinstance(value, bytes):
        return [value]
    if isinstance(value, func.QueueMessage):
        return [value.get_body()]
    if isinstance(value, Iterable):
        return [body for item in value for body in as_messages(item)]
    raise TypeError(f"a queue output takes text, bytes or messages, not {type(value).__name__}")


def resolve(text: str, settings: Mapping[str, str]) -> str:
    """Return *text* with every %NAME% replaced by the app setting of that name.

    Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-expressions-patterns
    """

    def value(match: re.Match[str]) -> str:
        if match[1] not in settings:
            raise UnsupportedBinding(f"the app setting {match[1]}, named in {text!r}, is not set")
        return settings[match[1]]

    return re.sub(r"%([^%]+)%", value, text)


def read_functions(app: func.FunctionApp, settings: Mapping[str, str]) -> list[HostedFunction]:
    """Return the functions of *app* with their bindings.

    azure-functions lets an app be indexed once only, so this is called once for an app.

    Raises:
        UnsupportedBinding: a trigger or binding that this host does not have, or a missing setting.
    """
    return [
        _read(str(function.get_function_name()), function.get_user_function(), function, settings)
        for function in app.get_functions()
    ]


def _read(name: str, code: Callable[..., Any], function: Any, settings: Mapping[str, str]) -> HostedFunction:
    bindings: list[dict[str, Any]] = json.loads(function.get_function_json())["bindings"]
    triggers = [binding for binding in bindings if binding["type"] in TRIGGERS]
    if len(triggers) != 1:
        raise UnsupportedBinding(f"{name}: the local host has HTTP, queue and timer triggers only")
    trigger = {key: resolve(v, settings) if isinstance(v, str) else v for key, v in triggers[0].items()}
    outputs = {}
    for binding in bindings:
        if binding is triggers[0] or binding["type"] == "http":
            continue
        if binding["type"] != "queue" or str(binding["direction"]).upper() != "OUT":
            raise UnsupportedBinding(f"{name}: the local host has no {binding['type']!r} binding")
        outputs[str(binding["name"])] = resolve(str(binding["queueName"]), settings)
    is_async = inspect.iscoroutinefunction(code)
    if is_async and (outputs or trigger["type"] != HTTP_TRIGGER):
        raise UnsupportedBinding(f"{name}: the local host runs async functions for plain HTTP only")
    return HostedFunction(name, code, trigger, str(trigger["name"]), outputs, is_async)

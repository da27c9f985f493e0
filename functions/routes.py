"""Which function answers a request: a table compiled once from the app's route templates.

Templates are those of Azure's HTTP trigger: literal segments, `{name}`, and `{*name}` at the end. A literal
beats a name and a name beats the rest; letters of literals count alike in both cases.
Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook-trigger
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Generic, TypeVar

Target = TypeVar("Target")

_NAME = re.compile(r"\{(\w+)\}")
_REST = re.compile(r"\{\*(\w+)\}")
ANY_METHOD = "*"


class BadRoute(ValueError):
    """A route template that this table cannot serve, or one that is declared twice."""


@dataclass(slots=True)
class _Node(Generic[Target]):
    literals: dict[str, _Node[Target]] = field(default_factory=dict)
    name: _Node[Target] | None = None
    here: dict[str, tuple[Target, tuple[str, ...]]] = field(default_factory=dict)
    rest: dict[str, tuple[Target, tuple[str, ...]]] = field(default_factory=dict)


class RouteTable(Generic[Target]):
    """Finds the target of a method and path in a number of steps bounded by the path's segments.

    It remembers the last thousand answers, because most consumers ask the same few addresses.
    """

    def __init__(self, routes: Iterable[tuple[str, Iterable[str], Target]]) -> None:
        """Compile (template, methods, target) triples; no methods means every method.

        Raises:
            BadRoute: a template that is not understood, or the same one twice for a method.
        """
        self._root: _Node[Target] = _Node()
        self._remembered = lru_cache(maxsize=1000)(self._match)
        for template, methods, target in routes:
            self._add(template, tuple(methods) or (ANY_METHOD,), target)

    def _add(self, template: str, methods: tuple[str, ...], target: Target) -> None:
        node, names = self._root, []
        segments = template.strip("/").split("/")
        place = None
        for at, segment in enumerate(segments):
            if (rest := _REST.fullmatch(segment)) and at == len(segments) - 1:
                names.append(rest[1])
                place = node.rest
            elif name := _NAME.fullmatch(segment):
                names.append(name[1])
                node.name = node.name or _Node()
                node = node.name
            elif "{" in segment or "}" in segment:
                raise BadRoute(f"the route {template!r} has a segment that is not understood: {segment!r}")
            else:
                node = node.literals.setdefault(segment.lower(), _Node())
        place = node.here if place is None else place
        for method in methods:
            if method in place:
                raise BadRoute(f"the route {template!r} is declared twice for {method}")
            place[method] = (target, tuple(names))

    def match(self, method: str, path: str) -> tuple[Target, Mapping[str, str]] | None:
        """Return the target and the values of its names, or None where no route fits."""
        return self._remembered(method, path)

    def _match(self, method: str, path: str) -> tuple[Target, Mapping[str, str]] | None:
        found = _find(self._root, path.strip("/").split("/"), 0, method, ())
        if found is None:
            return None
        target, names, values = found
        return target, MappingProxyType(dict(zip(names, values, strict=True)))


def _find(
    node: _Node[Target], segments: list[str], at: int, method: str, values: tuple[str, ...]
) -> tuple[Target, tuple[str, ...], tuple[str, ...]] | None:
    if at == len(segments):
        if end := (node.here.get(method) or node.here.get(ANY_METHOD)):
            return end[0], end[1], values
    else:
        segment = segments[at]
        literal = node.literals.get(segment) or node.literals.get(segment.lower())
        if literal and (found := _find(literal, segments, at + 1, method, values)):
            return found
        if (
            segment
            and node.name
            and (found := _find(node.name, segments, at + 1, method, (*values, segment)))
        ):
            return found
    if rest := (node.rest.get(method) or node.rest.get(ANY_METHOD)):
        return rest[0], rest[1], (*values, "/".join(segments[at:]))
    return None

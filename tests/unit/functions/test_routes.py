"""The route table: which target answers a method and path."""

from __future__ import annotations

import pytest

from functions.routes import BadRoute, RouteTable

TABLE = RouteTable(
    [
        ("api/runs", ["GET"], "list"),
        ("api/runs/{run_id}", ["GET"], "show"),
        ("api/runs/latest", ["GET"], "latest"),
        ("api/runs/{run_id}/cancel", ["POST"], "cancel"),
        ("api/{*path}", [], "elsewhere"),
    ]
)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/api/runs", ("list", {})),
        ("GET", "/api/runs/", ("list", {})),
        ("GET", "/API/Runs/Ab-1", ("show", {"run_id": "Ab-1"})),
        ("GET", "/api/runs/latest", ("latest", {})),
        ("POST", "/api/runs/7/cancel", ("cancel", {"run_id": "7"})),
        ("GET", "/api/runs/7/cancel", ("elsewhere", {"path": "runs/7/cancel"})),
        ("PUT", "/api/runs", ("elsewhere", {"path": "runs"})),
        ("GET", "/api/runs//cancel", ("elsewhere", {"path": "runs//cancel"})),
        ("GET", "/api/a/b/c", ("elsewhere", {"path": "a/b/c"})),
        ("GET", "/api", ("elsewhere", {"path": ""})),
        ("GET", "/other", None),
    ],
)
def test_match(method: str, path: str, expected: object) -> None:
    """A literal beats a name, a name beats the rest, and a method that is not served is no match."""
    assert TABLE.match(method, path) == expected


def test_a_literal_that_leads_nowhere_falls_back_to_the_name() -> None:
    """A path that begins like a literal route but ends like a named one still finds the named one."""
    table = RouteTable([("a/fixed/x", ["GET"], "literal"), ("a/{name}/y", ["GET"], "named")])
    assert table.match("GET", "/a/fixed/y") == ("named", {"name": "fixed"})


@pytest.mark.parametrize("template", ["a/{b?}", "a/{b:int}", "a/x{b}", "{*rest}/a", "a/{}"])
def test_templates_that_are_not_understood_are_refused(template: str) -> None:
    """A template beyond the known forms is an error at start, not a route that never matches."""
    with pytest.raises(BadRoute, match="not understood"):
        RouteTable([(template, ["GET"], "target")])


def test_the_same_route_twice_is_refused() -> None:
    """Two functions on one route and method are an error, whatever their names are called."""
    with pytest.raises(BadRoute, match="twice"):
        RouteTable([("a/{b}", ["GET"], "one"), ("a/{c}", ["GET"], "two")])

"""``${{ … }}`` of workflow files: read and evaluated.

https://docs.github.com/en/actions/reference/evaluate-expressions-in-workflows-and-actions
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>-?(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?))
    | (?P<text>'(?:[^']|'')*')
    | (?P<name>[A-Za-z_][A-Za-z0-9_-]*)
    | (?P<sign>&&|\|\||==|!=|<=|>=|[<>!().,\[\]*])
    )""",
    re.VERBOSE,
)
INSIDE = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
# From weak to strong; everything binds to the left.
STRENGTH = {"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, "<=": 4, ">": 4, ">=": 4}
STATUS_FUNCTIONS = re.compile(r"\b(success|failure|always|cancelled)\s*\(")
CONSTANTS = {"true": True, "false": False, "null": None}

Context = Mapping[str, Any]
Functions = Mapping[str, Callable[..., Any]]


class BadExpression(Exception):
    """The expression cannot be read or evaluated; the message says why."""


def evaluate(expression: str, context: Context, functions: Functions | None = None) -> Any:
    """Return the value of an expression (without its braces)."""
    reader = _Reader(expression, context, {**FUNCTIONS, **(functions or {})})
    value = reader.expression(0)
    reader.end()
    return value


def fill_in(text: str, context: Context, functions: Functions | None = None) -> str:
    """Return *text* with each ``${{ … }}`` replaced by what it evaluates to."""
    return INSIDE.sub(lambda found: to_text(evaluate(found[1], context, functions)), text)


def value_of(given: Any, context: Context, functions: Functions | None = None) -> Any:
    """Return a value of a workflow file: text is filled in, and is typed when it is one expression alone."""
    if isinstance(given, str):
        alone = INSIDE.fullmatch(given.strip())
        return evaluate(alone[1], context, functions) if alone else fill_in(given, context, functions)
    if isinstance(given, Mapping):
        return {name: value_of(value, context, functions) for name, value in given.items()}
    if isinstance(given, list):
        return [value_of(value, context, functions) for value in given]
    return given


def condition(given: Any, context: Context, functions: Functions) -> bool:
    """Return whether an ``if:`` holds; without a status function it needs success() besides."""
    if given is None:
        return is_true(functions["success"]())
    text = to_text(given)
    alone = INSIDE.fullmatch(text.strip())
    inner = alone[1] if alone else text
    if not alone and INSIDE.search(text):  # a text with expressions in it: true as every text is
        return is_true(functions["success"]()) and is_true(fill_in(text, context, functions))
    held = is_true(evaluate(inner, context, functions)) if inner.strip() else True
    return held if STATUS_FUNCTIONS.search(inner) else is_true(functions["success"]()) and held


def is_true(value: Any) -> bool:
    """Return GitHub's truth: false, 0, -0, “”, null and NaN are false."""
    return not (value is None or value is False or value == "" or _is_zero(value))


def _is_zero(value: Any) -> bool:
    return (
        isinstance(value, (int, float)) and not isinstance(value, bool) and (value == 0 or math.isnan(value))
    )


def to_text(value: Any) -> str:
    """Return a value as it appears in text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, Mapping):
        return "Object"
    if isinstance(value, list):
        return "Array"
    return str(value)


def _number(value: Any) -> float:
    if value is None:
        return 0.0
    if isinstance(value, (bool, int, float)):
        return float(value)
    if isinstance(value, str):
        text = value.strip()
        try:
            return float(int(text, 16)) if text.lower().startswith("0x") else float(text or 0)
        except ValueError:
            return math.nan
    return math.nan


def _same(left: Any, right: Any) -> bool:
    """Compare loosely: texts without regard to case, different types as numbers, objects by identity."""
    if isinstance(left, str) and isinstance(right, str):
        return left.casefold() == right.casefold()
    if isinstance(left, (Mapping, list)) or isinstance(right, (Mapping, list)):
        return left is right
    if type(left) is type(right):
        return bool(left == right)
    return _number(left) == _number(right)


def _before(left: Any, right: Any) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return left.casefold() < right.casefold()
    return _number(left) < _number(right)


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": _same,
    "!=": lambda left, right: not _same(left, right),
    "<": _before,
    ">": lambda left, right: _before(right, left),
    "<=": lambda left, right: _before(left, right) or _same(left, right),
    ">=": lambda left, right: _before(right, left) or _same(left, right),
}


def _contains(where: Any, what: Any) -> bool:
    if isinstance(where, list):
        return any(_same(item, what) for item in where)
    return to_text(what).casefold() in to_text(where).casefold()


def _format(template: Any, *values: Any) -> str:
    def put(found: re.Match[str]) -> str:
        if found[0] in ("{{", "}}"):
            return found[0][0]
        if int(found[1]) >= len(values):
            raise BadExpression(f"format has no value {found[0]}")
        return to_text(values[int(found[1])])

    return re.sub(r"\{\{|\}\}|\{(\d+)\}", put, to_text(template))


def _join(values: Any, separator: Any = ",") -> str:
    return to_text(separator).join(map(to_text, values)) if isinstance(values, list) else to_text(values)


def _from_json(text: Any) -> Any:
    try:
        return json.loads(to_text(text))
    except ValueError as error:
        raise BadExpression(f"fromJSON: {error}") from error


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "contains": _contains,
    "startswith": lambda text, start: to_text(text).casefold().startswith(to_text(start).casefold()),
    "endswith": lambda text, end: to_text(text).casefold().endswith(to_text(end).casefold()),
    "format": _format,
    "join": _join,
    "tojson": lambda value: json.dumps(value, indent=2, ensure_ascii=False),
    "fromjson": _from_json,
}


class _Reader:
    """Reads and evaluates in one go, by precedence."""

    def __init__(self, source: str, context: Context, functions: Functions) -> None:
        self._source = source
        self._context = context
        self._functions = functions
        self._tokens = self._split(source)
        self._at = 0

    def expression(self, strength: int) -> Any:
        value = self._with_properties(self._primary())
        while (sign := self._peek()) in STRENGTH and STRENGTH[sign] > strength:
            self._at += 1
            right = self.expression(STRENGTH[sign])
            if sign == "&&":
                value = right if is_true(value) else value
            elif sign == "||":
                value = value if is_true(value) else right
            else:
                value = OPERATORS[sign](value, right)
        return value

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise BadExpression(f"unexpected {self._peek()!r} in {self._source.strip()!r}")

    def _primary(self) -> Any:
        kind, text = self._next()
        if kind == "number":
            return _number(text)
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if text == "!":
            return not is_true(self._with_properties(self._primary()))
        if text == "(":
            value = self.expression(0)
            self._expect(")")
            return value
        if kind == "name":
            return self._named(text)
        raise BadExpression(f"unexpected {text!r} in {self._source.strip()!r}")

    def _named(self, name: str) -> Any:
        if self._peek() == "(":
            return self._call(name)
        if name in CONSTANTS:
            return CONSTANTS[name]
        if name.lower() not in self._context:
            raise BadExpression(f"unrecognized named-value: '{name}'")
        return self._context[name.lower()]

    def _call(self, name: str) -> Any:
        if name.lower() not in self._functions:
            raise BadExpression(f"unrecognized function: '{name}'")
        self._expect("(")
        values = []
        while self._peek() != ")":
            values.append(self.expression(0))
            if self._peek() == ",":
                self._at += 1
            elif self._peek() != ")":
                raise BadExpression(f"unexpected {self._peek()!r} in {self._source.strip()!r}")
        self._expect(")")
        try:
            return self._functions[name.lower()](*values)
        except TypeError as error:
            raise BadExpression(f"{name}: wrong number of arguments") from error

    def _with_properties(self, value: Any) -> Any:
        while (sign := self._peek()) in (".", "["):
            self._at += 1
            if sign == ".":
                _, name = self._next()
                value = _property(value, name)
            else:
                value = _property(value, "*" if self._skip("*") else self.expression(0))
                self._expect("]")
        return value

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise BadExpression(f"{self._source.strip()!r} ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _skip(self, sign: str) -> bool:
        found = self._peek() == sign
        self._at += found
        return found

    def _expect(self, sign: str) -> None:
        if not self._skip(sign):
            raise BadExpression(f"{sign!r} is missing in {self._source.strip()!r}")

    @staticmethod
    def _split(source: str) -> list[tuple[str, str]]:
        tokens, at = [], 0
        while at < len(source.rstrip()):
            found = TOKEN.match(source, at)
            if found is None:
                raise BadExpression(f"cannot read {source[at:].strip()!r}")
            tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
            at = found.end()
        return tokens


class _Filtered(list[Any]):
    """What ``.*`` gives: a list whose properties are those of its items."""


def _property(value: Any, name: Any) -> Any:
    if isinstance(value, _Filtered):
        found = [_property(item, name) for item in value]
        return _Filtered(item for item in found if item is not None)
    if name == "*":
        return _Filtered(
            value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else []
        )
    if isinstance(value, Mapping):
        wanted = to_text(name).casefold()
        return next((found for key, found in value.items() if str(key).casefold() == wanted), None)
    if isinstance(value, list):
        index = _number(name)
        return value[int(index)] if index == index // 1 and 0 <= index < len(value) else None
    return None

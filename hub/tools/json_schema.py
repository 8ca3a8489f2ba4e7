"""JSON Schemas of tools that clients and MCP servers bring: whether one is usable, and whether arguments fit it.

A part of the standard is checked: `type`, `enum`, `const`, `properties`, `required`, `additionalProperties`, `items`,
`prefixItems`, `anyOf`, `oneOf` (as `anyOf`), `allOf`, `$ref` within the schema, and the limits of numbers, texts and
arrays. The rest, patterns and formats above all, is left to who brought the schema: a pattern from outside may take for
ever. So may choices within choices, whose checks multiply: there is a bound on the steps of one check.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from urllib.parse import unquote

from hub.chat.parts import Json
from hub.tools.base import ToolError

MAX_DEPTH = 20
"""Of a schema, and of the references that follow each other."""
MAX_PROBLEMS = 8
MAX_PROBLEM_CHARS = 200
MAX_STEPS = 50_000
"""Schemas and names that are looked at. Over it the rest of a value is left to who brought the schema."""

_TYPES: Mapping[str, Callable[[Json], bool]] = {
    "object": lambda value: isinstance(value, Mapping),
    "array": lambda value: isinstance(value, list | tuple),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: (
        (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())
    ),
}
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_MAPS = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
_SCHEMAS = (
    *("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"),
    *("unevaluatedItems", "unevaluatedProperties"),
)
_COUNTS = (
    *("minItems", "maxItems", "minLength", "maxLength"),
    *("minProperties", "maxProperties", "minContains", "maxContains"),
)
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_TEXTS = ("title", "description", "pattern", "format", "$schema", "$id", "$comment")
_BOOLEANS = ("uniqueItems", "deprecated", "readOnly", "writeOnly")
_KINDS: Mapping[str, Sequence[str]] = {
    "integer": _COUNTS,
    "number": _NUMBERS,
    "string": _TEXTS,
    "boolean": _BOOLEANS,
}
"""What the keywords must be that are no schemas."""


def flaw_of(schema: Json) -> str | None:
    """Why this is no usable schema; None if it is one."""
    known = {id(inner) for inner in _all(schema, MAX_DEPTH)}
    return next(_flaws(schema, "the schema", lambda target: isinstance(target, bool) or id(target) in known), None)


def argument_check(schema: Json) -> Callable[[Mapping[str, Json]], None]:
    """A function that raises `ToolError` for arguments that do not fit. `schema` has no flaw."""

    def check(arguments: Mapping[str, Json]) -> None:
        problems = problems_of(schema, arguments)
        if problems:
            raise ToolError(f"Wrong arguments: {'; '.join(one[:MAX_PROBLEM_CHARS] for one in problems)}.")

    return check


def problems_of(schema: Json, value: Json) -> list[str]:
    """What does not fit, the first few of it. `schema` has no flaw."""
    walk = _Walk(schema)
    found = []
    for problem in walk.problems(schema, value, "", MAX_DEPTH):
        found.append(problem)
        if len(found) == MAX_PROBLEMS:
            break
    return found


def _all(schema: Json, depth: int) -> Iterator[Mapping[str, Json]]:
    """The schema and all within it."""
    if isinstance(schema, Mapping) and depth > 0:
        yield schema
        for _, inner in _inner(schema):
            yield from _all(inner, depth - 1)


def _flaws(
    schema: Json, place: str, is_schema: Callable[[Json], bool], root: Json = None, depth: int = MAX_DEPTH
) -> Iterator[str]:
    if isinstance(schema, bool):
        return
    if not isinstance(schema, Mapping):
        yield f"{place} is no object"
        return
    if depth == 0:
        yield f"{place} is nested over {MAX_DEPTH} levels deep"
        return
    root = schema if root is None else root
    types = schema.get("type", [])
    for one in [types] if isinstance(types, str) else types if isinstance(types, list) else [None]:
        if not isinstance(one, str) or one not in _TYPES:
            yield f"the type of {place} is none of {', '.join(_TYPES)}"
    required = schema.get("required", [])
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        yield f"`required` of {place} is no list of names"
    if not isinstance(schema.get("enum", []), list):
        yield f"`enum` of {place} is no list"
    for kind, names in _KINDS.items():
        for name in names:
            if name in schema and not _TYPES[kind](schema[name]):
                yield f"`{name}` of {place} is no {'number' if kind == 'integer' else kind}"
            elif name in schema and kind == "integer" and schema[name] < 0:
                yield f"`{name}` of {place} is less than 0"
    if "$ref" in schema and not is_schema(_referred(schema["$ref"], root)):
        yield f"`$ref` of {place} does not lead to a schema within the schema"
    for name, inner in _inner(schema):
        yield from _flaws(inner, f"{name} of {place}", is_schema, root, depth - 1)
    for name in _MAPS:
        if name in schema and not isinstance(schema[name], Mapping):
            yield f"`{name}` of {place} is no object"
    for name in _LISTS:
        if name in schema and not (isinstance(schema[name], list) and schema[name]):
            yield f"`{name}` of {place} is no list of schemas"


def _inner(schema: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    for name in _MAPS:
        if isinstance(schema.get(name), Mapping):
            yield from schema[name].items()
    for name in _LISTS:
        if isinstance(schema.get(name), list):
            yield from ((name, inner) for inner in schema[name])
    for name in _SCHEMAS:
        if name in schema:
            yield name, schema[name]


def _referred(reference: Json, root: Json) -> Json:
    """What a reference leads to (a JSON pointer after `#`); None if it leads nowhere, or elsewhere."""
    if not isinstance(reference, str) or not f"{reference}/".startswith("#/"):
        return None
    found = root
    for step in reference.split("/")[1:]:
        step = unquote(step).replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping):
            found = found.get(step)
        elif isinstance(found, list) and step.isdecimal() and int(step[:9]) < len(found):
            found = found[int(step[:9])]
        else:
            return None
    return found


class _Walk:
    """One check of one value."""

    def __init__(self, root: Json) -> None:
        self._root = root
        self._steps = 0
        self._referred: dict[str, Json] = {}

    def problems(self, schema: Json, value: Json, place: str, depth: int) -> Iterator[str]:
        self._steps += 1
        if isinstance(schema, Mapping):
            self._steps += len(schema.get("enum", ())) + len(schema.get("required", ()))
        if schema is True or depth == 0 or self._steps > MAX_STEPS:
            return
        shown = place or "arguments"
        if schema is False:
            yield f"{shown} is not known"
            return
        if "$ref" in schema:
            reference = schema["$ref"]
            if reference not in self._referred:
                self._referred[reference] = _referred(reference, self._root)
            yield from self.problems(self._referred[reference], value, place, depth - 1)
        types = schema.get("type", [])
        types = [types] if isinstance(types, str) else types
        if types and not any(_TYPES[one](value) for one in types):
            yield f"{shown} must be {' or '.join(types)}"
            return
        if "enum" in schema and not any(_is_same(value, one) for one in schema["enum"]):
            yield f"{shown} must be one of {', '.join(map(str, schema['enum'][:20]))}"
        if "const" in schema and not _is_same(value, schema["const"]):
            yield f"{shown} must be {schema['const']}"
        yield from self._choices(schema, value, place, depth)
        if isinstance(value, Mapping):
            yield from self._object(schema, value, place, depth)
        elif isinstance(value, list | tuple):
            yield from _bounds(schema, len(value), "minItems", "maxItems", f"the length of {shown}")
            first, rest = schema.get("prefixItems", ()), schema.get("items", True)
            for number, inner in enumerate(value):
                wanted = first[number] if number < len(first) else rest
                yield from self.problems(wanted, inner, f"{shown}.{number}", depth)
        elif isinstance(value, str):
            yield from _bounds(schema, len(value), "minLength", "maxLength", f"the length of {shown}")
        elif _TYPES["number"](value):
            yield from _bounds(schema, value, "minimum", "maximum", shown)
            if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
                yield f"{shown} must be more than {schema['exclusiveMinimum']}"
            if "exclusiveMaximum" in schema and value >= schema["exclusiveMaximum"]:
                yield f"{shown} must be less than {schema['exclusiveMaximum']}"

    def _choices(self, schema: Mapping[str, Json], value: Json, place: str, depth: int) -> Iterator[str]:
        for inner in schema.get("allOf", ()):
            yield from self.problems(inner, value, place, depth - 1)
        for name in ("anyOf", "oneOf"):
            choices = schema.get(name, ())
            if choices and not any(_is_empty(self.problems(inner, value, place, depth - 1)) for inner in choices):
                yield f"{place or 'arguments'} fits none of what is allowed there"

    def _object(self, schema: Mapping[str, Json], value: Mapping[str, Json], place: str, depth: int) -> Iterator[str]:
        known = schema.get("properties", {})
        # What is additional is told by the patterns, where there are any.
        others = True if "patternProperties" in schema else schema.get("additionalProperties", True)
        prefix = f"{place}." if place else ""
        for name in schema.get("required", ()):
            if name not in value:
                yield f"{prefix}{name} is required"
        for name, inner in value.items():
            allowed = known.get(name, others)
            yield from self.problems(allowed, inner, f"{prefix}{name}", depth)


def _bounds(schema: Mapping[str, Json], value: float, low: str, high: str, shown: str) -> Iterator[str]:
    if low in schema and value < schema[low]:
        yield f"{shown} must be at least {schema[low]}"
    if high in schema and value > schema[high]:
        yield f"{shown} must be at most {schema[high]}"


def _is_same(one: Json, other: Json) -> bool:
    """As JSON: true is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _is_empty(problems: Iterable[str]) -> bool:
    return next(iter(problems), None) is None

"""JSON Schemas that clients bring for their tools: whether one is usable, and whether arguments fit it.

A part of the standard is checked: `type`, `enum`, `const`, `properties`, `required`, `additionalProperties`, `items`,
`anyOf`, `oneOf`, `allOf`, `$ref` into `$defs`, and the limits of numbers, texts and arrays. Patterns and formats are
left to who brought the schema: a pattern from outside may take for ever.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from hub.chat.parts import Json

MAX_DEPTH = 20
"""Of a schema, and of the references that follow each other."""
MAX_PROBLEMS = 8
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
_LISTS = ("anyOf", "oneOf", "allOf")
_MAPS = ("properties", "$defs", "definitions")
_COUNTS = ("minItems", "maxItems", "minLength", "maxLength")
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


def flaw_of(schema: Json) -> str | None:
    """Why this is no usable schema; None if it is one."""
    return next(_flaws(schema, "the schema", schema, MAX_DEPTH), None)


def problems_of(schema: Json, value: Json) -> list[str]:
    """What does not fit, the first few of it. `schema` has no flaw."""
    walk = _Walk(schema)
    found = []
    for problem in walk.problems(schema, value, "", MAX_DEPTH):
        found.append(problem)
        if len(found) == MAX_PROBLEMS:
            break
    return found


def _flaws(schema: Json, place: str, root: Json, depth: int) -> Iterator[str]:
    if isinstance(schema, bool):
        return
    if not isinstance(schema, Mapping):
        yield f"{place} is no object"
        return
    if depth == 0:
        yield f"{place} is nested over {MAX_DEPTH} levels deep"
        return
    types = schema.get("type", [])
    for one in [types] if isinstance(types, str) else types if isinstance(types, list) else [None]:
        if not isinstance(one, str) or one not in _TYPES:
            yield f"the type of {place} is none of {', '.join(_TYPES)}"
    required = schema.get("required", [])
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        yield f"`required` of {place} is no list of names"
    if not isinstance(schema.get("enum", []), list):
        yield f"`enum` of {place} is no list"
    for name in (*_COUNTS, *_NUMBERS):
        if name in schema and not _TYPES["integer" if name in _COUNTS else "number"](schema[name]):
            yield f"`{name}` of {place} is no number"
    if "$ref" in schema and _referred(schema["$ref"], root) is None:
        yield f"`$ref` of {place} does not lead into the schema's own $defs"
    for name, inner in _inner(schema):
        yield from _flaws(inner, f"{name} of {place}", root, depth - 1)
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
    for name in ("items", "additionalProperties"):
        if name in schema:
            yield name, schema[name]


def _referred(reference: Json, root: Json) -> Json:
    """The schema that a reference means; None if there is none."""
    if not isinstance(reference, str) or not isinstance(root, Mapping):
        return None
    for name in ("$defs", "definitions"):
        prefix = f"#/{name}/"
        if reference.startswith(prefix) and isinstance(root.get(name), Mapping):
            return root[name].get(reference.removeprefix(prefix))
    return None


class _Walk:
    """One check of one value."""

    def __init__(self, root: Json) -> None:
        self._root = root
        self._steps = 0

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
            yield from self.problems(_referred(schema["$ref"], self._root), value, place, depth - 1)
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
            for number, inner in enumerate(value):
                yield from self.problems(schema.get("items", True), inner, f"{shown}.{number}", depth)
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
        prefix = f"{place}." if place else ""
        for name in schema.get("required", ()):
            if name not in value:
                yield f"{prefix}{name} is required"
        for name, inner in value.items():
            allowed = known.get(name, schema.get("additionalProperties", True))
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

"""Objects as clients write them: field names in any case, null for "absent" (design, section 3.2).

`shape_of` reads an annotation once; `Shape.fold` then renames the fields of what arrived to what the model expects
and leaves out nulls, in models, dataclasses and typed dicts, however deep. Nothing is checked or converted here.
"""

import dataclasses
import functools
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Annotated, Self, Union

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from hub.server.methods import fold


class WireModel(BaseModel):
    """A base for arguments and results: snake_case in Python, camelCase on the wire, bytes as base64.

    Fields that the model does not know are ignored.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        val_json_bytes="base64",
        ser_json_bytes="base64",
    )

    @classmethod
    def from_wire(cls, value: object) -> Self:
        """A model of what a client wrote (plain values). Raises pydantic's ValidationError."""
        shape = _shape_of_model(cls)
        return cls.model_validate(value if shape is None else shape.fold(value))


@functools.cache
def _shape_of_model(model: type[WireModel]) -> "Shape | None":
    """Read once: it is needed for each value."""
    return shape_of(model)


@dataclasses.dataclass(slots=True, eq=False)
class Shape:
    """Where in a value there are objects with known fields. Unions are merged: what arrives chooses."""

    fields: dict[str, tuple[str, bool]] = dataclasses.field(default_factory=dict)
    """By folded name: the name that is expected, and whether the field is required (its null is then kept)."""
    inner: dict[str, "Shape"] = dataclasses.field(default_factory=dict)
    """By expected name: the shape of the field's value."""
    items: "Shape | None" = None
    """Of an array's items."""
    values: "Shape | None" = None
    """Of a mapping's values."""

    def fold(self, value: object) -> object:
        """`value` with its fields renamed; what has no such shape is returned as it is."""
        if isinstance(value, dict):
            return self._fold_object(value)
        if isinstance(value, list) and self.items is not None:
            return [self.items.fold(item) for item in value]
        return value

    def _fold_object(self, value: dict[str, object]) -> dict[str, object]:
        folded: dict[str, object] = {}
        for key, item in value.items():
            known = self.fields.get(fold(str(key)))
            if known is None:
                folded[key] = item if self.values is None else self.values.fold(item)
                continue
            name, required = known
            if item is None and not required:
                continue
            inner = self.inner.get(name)
            folded[name] = item if inner is None else inner.fold(item)
        return folded

    def merge(self, other: "Shape") -> None:
        for key, (name, required) in other.fields.items():
            known = self.fields.get(key)
            self.fields[key] = (name, required) if known is None else (known[0], known[1] and required)
        self.inner = {**other.inner, **self.inner}
        self.items = self.items or other.items
        self.values = self.values or other.values


def shape_of(annotation: object) -> Shape | None:
    """The shape of a type's values; None if nothing in it needs folding."""
    return _shape(annotation, {})


def _shape(annotation: object, known: dict[object, Shape]) -> Shape | None:
    annotation = getattr(annotation, "__value__", annotation)  # `type X = …`
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return _shape(arguments[0], known)
    if origin is Union or origin is types.UnionType:
        return _union_shape(arguments, known)
    if isinstance(origin, type):
        return _container_shape(origin, arguments, known)
    if isinstance(annotation, type):
        return _object_shape(annotation, known)
    return None


def _union_shape(members: Iterable[object], known: dict[object, Shape]) -> Shape | None:
    shapes = [shape for member in members if (shape := _shape(member, known)) is not None]
    if len(shapes) < 2:
        return shapes[0] if shapes else None
    merged = Shape()
    for shape in shapes:
        merged.merge(shape)
    return merged


def _container_shape(origin: type, arguments: tuple[object, ...], known: dict[object, Shape]) -> Shape | None:
    if issubclass(origin, Mapping):
        values = _shape(arguments[1], known) if len(arguments) > 1 else None
        return None if values is None else Shape(values=values)
    if issubclass(origin, Iterable):
        items = _union_shape([argument for argument in arguments if argument is not Ellipsis], known)
        return None if items is None else Shape(items=items)
    return None


def _object_shape(annotation: type, known: dict[object, Shape]) -> Shape | None:
    if annotation in known:
        return known[annotation]
    _check_bytes(annotation)
    members = _members(annotation)
    if members is None:
        return None
    shape = known[annotation] = Shape()  # before its fields are looked at: types may be recursive
    for name, alias, required, inner_annotation in members:
        expected = alias if isinstance(alias, str) else name
        for written in {name, expected}:
            shape.fields.setdefault(fold(written), (expected, required))
        if (inner := _shape(inner_annotation, known)) is not None:
            shape.inner[expected] = inner
    return shape


def _check_bytes(annotation: type) -> None:
    """Bytes travel as base64 where they are text. Raises TypeError for a model that would take the letters for them."""
    if not issubclass(annotation, BaseModel) or annotation.model_config.get("val_json_bytes", "utf8") != "utf8":
        return
    for name, member in annotation.model_fields.items():
        if _mentions_bytes(member.annotation):
            raise TypeError(
                f"{annotation.__name__}.{name} has bytes: derive it from WireModel, or set val_json_bytes and "
                'ser_json_bytes to "base64" in its model_config.'
            )


def _mentions_bytes(annotation: object) -> bool:
    return annotation is bytes or any(map(_mentions_bytes, typing.get_args(annotation)))


def _members(annotation: type) -> list[tuple[str, object, bool, object]] | None:
    """Name, alias, whether required, and type of each field; None if the type is no object with known fields."""
    if issubclass(annotation, BaseModel):
        return [
            (name, member.validation_alias, member.is_required(), member.annotation)
            for name, member in annotation.model_fields.items()
        ]
    required: frozenset[str] | None = getattr(annotation, "__required_keys__", None)
    if required is not None:  # a typed dict, of `typing` or of `typing_extensions`
        hints = typing.get_type_hints(annotation)
        return [(name, None, name in required, hint) for name, hint in hints.items()]
    if dataclasses.is_dataclass(annotation):
        hints = typing.get_type_hints(annotation)
        return [
            (
                member.name,
                None,
                member.default is dataclasses.MISSING and member.default_factory is dataclasses.MISSING,
                hints[member.name],
            )
            for member in dataclasses.fields(annotation)
        ]
    return None

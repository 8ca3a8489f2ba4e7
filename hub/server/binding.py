"""Arguments from the wire to a method's parameters, by its annotations, worked out once per method.

| annotation | takes |
|---|---|
| none, `object`, `Any` | anything |
| `str`, `int`, `float`, `bool`, `dict`, `list` (alone) | that kind of JSON value; `int` also 1.0, `float` also 1 |
| `bytes` | MessagePack binary, or base64 text |
| `AsyncIterator[T]`, `AsyncIterable[T]`, `AsyncGenerator` | an upload: counted by its stream id, not as an argument |
| `StreamInfo` (streaming methods only) | how the stream ends; not counted either |
| anything else | what pydantic makes of the JSON value, strictly ("3" is no int, "2026-01-01" is a date) |

Trailing arguments with a default may be left out; null for a parameter with a default is its default.
"""

import base64
import binascii
import inspect
import typing
from collections import abc
from collections.abc import Callable, Container, Hashable, Sequence
from dataclasses import dataclass
from operator import call
from typing import Annotated, Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

from hub.errors import HublineError
from hub.protocol.values import dump_json
from hub.server.auth.authorize import Rules
from hub.server.methods import HubMethod
from hub.server.streams import PushStream, StreamInfo
from hub.server.wire_model import shape_of

Convert = Callable[[object], object]


class BindingError(HublineError):
    """The arguments do not fit. The text is the detail behind SignalR's binder error."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument that travels."""

    name: str
    convert: Convert
    required: bool
    default: object = None


@dataclass(frozen=True, slots=True)
class Need:
    """A parameter that the server fills in (see `inject`)."""

    place: int | None
    """Among the arguments that are given by place, from left to right; None for one that is given by name."""
    name: str
    kind: object


@dataclass(frozen=True, slots=True)
class BoundMethod:
    """A hub method with all that dispatch needs to know of its signature.

    `slots` says, in the order of the signature, where each value comes from: "argument", "upload" or "stream".
    `keyword_stream` is the name of a keyword-only parameter that takes the StreamInfo.
    """

    name: str
    function: Callable[..., Any]  # of the hub and the arguments; gives a coroutine or an async generator
    immediate: bool
    streaming: bool
    parameters: tuple[Parameter, ...]
    converters: tuple[Convert, ...]  # of the parameters
    required: int
    uploads: tuple[Convert, ...]
    slots: tuple[str, ...]
    simple: bool  # every slot is an argument
    is_plain: bool  # simple, and neither streaming nor immediate nor for some only
    stream_keyword: str | None
    rules: Rules = ()  # who may invoke it
    needs: tuple[Need, ...] = ()

    def bind(self, arguments: Sequence[object]) -> list[object]:
        """The converted arguments, defaults filled in. Raises BindingError."""
        given = len(arguments)
        if given == self.required == len(self.parameters):
            try:
                return list(map(call, self.converters, arguments))
            except BindingError:
                pass  # said below, with the parameter's name
        if not self.required <= given <= len(self.parameters):
            expected = self.required if given < self.required else len(self.parameters)
            raise BindingError(f"Invocation provides {given} argument(s) but target expects {expected}.")
        bound: list[object] = []
        for index, parameter in enumerate(self.parameters):
            value = arguments[index] if index < given else None
            if value is None and not parameter.required:
                bound.append(parameter.default)
                continue
            try:
                bound.append(parameter.convert(value))
            except BindingError as error:
                raise BindingError(f"Error binding argument '{parameter.name}': {error}") from None
        return bound

    def arrange(self, bound: Sequence[object], uploads: Sequence[object], stream: StreamInfo | None) -> list[object]:
        """Everything in the order of the signature."""
        arguments, streams = iter(bound), iter(uploads)
        sources: dict[str, Callable[[], object]] = {
            "argument": lambda: next(arguments),
            "upload": lambda: next(streams),
            "stream": lambda: stream,
        }
        return [sources[slot]() for slot in self.slots]


def bind_method(method: HubMethod, *, lax: bool = False, provided: Container[object] = ()) -> BoundMethod:
    """Read a method's signature. Parameters of the types in `provided` are filled in by the server. Raises TypeError
    for what cannot be called from a client."""
    hints = typing.get_type_hints(method.function, include_extras=True)
    returns = hints.pop("return", None)
    streaming = method.kind == "generator" or _is_a(returns, PushStream) or _is_a(returns, abc.AsyncIterable)
    parameters: list[Parameter] = []
    uploads: list[Convert] = []
    slots: list[str] = []
    needs: list[Need] = []
    stream_keyword: str | None = None
    for parameter in list(inspect.signature(method.function).parameters.values())[1:]:
        annotation = hints.get(parameter.name, object)
        if isinstance(annotation, Hashable) and annotation in provided:
            by_name = parameter.kind is inspect.Parameter.KEYWORD_ONLY
            needs.append(Need(None if by_name else len(slots) + _placed(needs), parameter.name, annotation))
        elif _is_a(annotation, StreamInfo):
            if not streaming:
                raise TypeError(f"{method.name}: only a streaming method can take a StreamInfo.")
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
                stream_keyword = parameter.name
            else:
                slots.append("stream")
        elif parameter.kind not in _POSITIONAL:
            raise TypeError(f"{method.name}: a client cannot give the parameter {parameter}; only plain ones.")
        elif (item := _upload_item(annotation)) is not None:
            slots.append("upload")
            uploads.append(_converter_for(method, parameter, item[0], lax))
        else:
            slots.append("argument")
            required = parameter.default is inspect.Parameter.empty
            convert = _converter_for(method, parameter, annotation, lax)
            parameters.append(Parameter(parameter.name, convert, required, None if required else parameter.default))
    simple = stream_keyword is None and set(slots) <= {"argument"}
    return BoundMethod(
        name=method.name,
        function=method.function,
        immediate=method.immediate,
        streaming=streaming,
        parameters=tuple(parameters),
        converters=tuple(parameter.convert for parameter in parameters),
        required=max((index + 1 for index, parameter in enumerate(parameters) if parameter.required), default=0),
        uploads=tuple(uploads),
        slots=tuple(slots),
        simple=simple,
        is_plain=simple and not (streaming or method.immediate or method.rules),
        stream_keyword=stream_keyword,
        rules=method.rules,
        needs=tuple(needs),
    )


def _placed(needs: Sequence[Need]) -> int:
    return sum(need.place is not None for need in needs)


def _converter_for(method: HubMethod, parameter: inspect.Parameter, annotation: object, lax: bool) -> Convert:
    try:
        return converter(annotation, lax=lax)
    except (PydanticSchemaGenerationError, PydanticUserError) as error:
        name = getattr(annotation, "__name__", annotation)
        raise TypeError(
            f"{method.function.__qualname__}: the parameter {parameter} is of a type that clients cannot send, and "
            f"nothing provides it: call provide({name}, …) before the hub is added. ({error})"
        ) from error


def converter(annotation: object, *, lax: bool = False) -> Convert:
    """From a plain value to the annotated type; the function raises BindingError."""
    if annotation in (object, Any, inspect.Parameter.empty):
        return _as_it_is
    if not lax and isinstance(annotation, type) and (simple := _SIMPLE.get(annotation)) is not None:
        return simple
    # In a list, because pydantic takes no configuration for a dataclass or a typed dict that stands alone.
    adapter: TypeAdapter[list[object]] = TypeAdapter(list[annotation], config=_CONFIG)  # type: ignore[valid-type]
    shape = shape_of(annotation)

    def convert(value: object) -> object:
        try:
            if shape is not None:
                value = shape.fold(value)
            return adapter.validate_python([value])[0] if lax else _validate_strictly(adapter, [value])[0]
        except ValidationError as error:
            raise BindingError(_explain(error)) from None
        except Exception as error:  # what a validator of the application raised, or a map that is no JSON object
            raise BindingError(f"{type(error).__name__}: {error}") from error

    return convert


def _validate_strictly(adapter: TypeAdapter[list[object]], value: list[object]) -> list[object]:
    """As JSON, where a text may be a date, a UUID, an enum, but never a number.

    JavaScript has one kind of number, so 1.0 is tried as 1 where it is refused as it is.
    """
    try:
        return adapter.validate_json(dump_json(value), strict=True)
    except ValidationError as error:
        if not any(fault["type"] == "int_type" and isinstance(fault["input"], float) for fault in error.errors()):
            raise
        return adapter.validate_json(dump_json(_with_whole_numbers(value)), strict=True)


def _with_whole_numbers(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_with_whole_numbers(item) for item in value]
    if isinstance(value, dict):
        return {key: _with_whole_numbers(item) for key, item in value.items()}
    return value


def _explain(error: ValidationError) -> str:
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, fault['loc'][1:])) or 'value'}: {fault['msg']}" for fault in faults)


def _as_it_is(value: object) -> object:
    return value


def _exactly(kind: type, words: str) -> Convert:
    def convert(value: object) -> object:
        if type(value) is kind:
            return value
        raise BindingError(f"expected {words}.")

    return convert


def _to_int(value: object) -> object:
    if type(value) is int:
        return value
    if type(value) is float and value.is_integer():
        return int(value)
    raise BindingError("expected a whole number.")


def _to_float(value: object) -> object:
    if type(value) is float:
        return value
    if type(value) is int:
        return float(value)
    raise BindingError("expected a number.")


def _to_bytes(value: object) -> object:
    if type(value) is bytes:
        return value
    if type(value) is str:
        try:
            return base64.b64decode(value, validate=True)
        except binascii.Error:
            pass  # said below
    raise BindingError("expected bytes, or their base64 text.")


_SIMPLE: dict[type, Convert] = {
    str: _exactly(str, "a text"),
    bool: _exactly(bool, "true or false"),
    dict: _exactly(dict, "an object"),
    list: _exactly(list, "an array"),
    int: _to_int,
    float: _to_float,
    bytes: _to_bytes,
}
_CONFIG = ConfigDict(val_json_bytes="base64")
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def _upload_item(annotation: object) -> tuple[object] | None:
    """The type of an upload's items, in a tuple; None if the annotation is no upload."""
    if typing.get_origin(annotation) is Annotated:
        annotation = typing.get_args(annotation)[0]
    origin = typing.get_origin(annotation) or annotation
    if origin not in (abc.AsyncIterator, abc.AsyncIterable, abc.AsyncGenerator):
        return None
    arguments = typing.get_args(annotation)
    return (arguments[0] if arguments else object,)


def _is_a(annotation: object, base: type) -> bool:
    origin = typing.get_origin(annotation) or annotation
    return isinstance(origin, type) and issubclass(origin, base)

"""From an async function to a tool: its JSON Schema, the check of its arguments, the shape of its result.

The schema comes from the annotations; descriptions from `Annotated[…, Field(description=…)]` or from the `Args:` of a
Google-style docstring, whose first paragraph becomes the tool's. A parameter annotated `ToolContext` is filled in by us
and never shown to a model.
"""

import inspect
import math
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, cast, get_args, get_type_hints

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.errors import PydanticUserError
from pydantic_core import PydanticSerializationError, to_jsonable_python

from hub.chat.parts import Access, Json
from hub.providers.base import ToolSpec
from hub.tools.base import Tool, ToolContext, ToolError
from hub.tools.gate import gated

MAX_RESULT_BYTES = 256 * 1024
MAX_PROBLEMS = 8
"""How many wrong arguments one error text names."""

TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ARG = re.compile(r"(?P<name>\*{0,2}\w+)\s*(?:\([^)]*\))?:\s*(?P<text>.*)")
_SECTION = re.compile(r"(Args|Arguments|Parameters|Returns|Raises|Yields|Example|Examples|Note|Notes):\s*")

_FIELD = "argument_"
"""Before every field of a model of arguments, so that a parameter may be called `copy`, `schema` or `_x`."""

ToolFunction = Callable[..., Awaitable[Any]]
"""Any coroutine function; its parameters and result are checked at run time, by their annotations."""


def make_tool(
    function: ToolFunction,
    *,
    name: str | None = None,
    title: str | None = None,
    access: Access = "read",
    timeout_s: float = 60.0,
    concurrency: int | None = None,
    max_result_bytes: int = MAX_RESULT_BYTES,
) -> Tool:
    """A tool that calls `function`. Raises `TypeError` or `ValueError` where it cannot be one, naming what to change.

    The tool's `run` raises `ToolError` for arguments that break the schema, before the function is called, and for a
    result that is not JSON or larger than `max_result_bytes`. `concurrency`: at most so many calls at once (`gated`).
    """
    shown_as = getattr(function, "__name__", repr(function))
    if not inspect.iscoroutinefunction(function):
        raise TypeError(f"The tool {shown_as} must be an `async def` function.")
    name = shown_as if name is None else name
    if TOOL_NAME.fullmatch(name) is None:
        raise ValueError(f"The tool name {name!r} must be 1 to 64 letters, digits, underscores or hyphens.")
    if access not in get_args(Access):
        raise ValueError(f"The access of the tool {name} must be one of {', '.join(get_args(Access))}, not {access!r}.")
    if not 0 < timeout_s < math.inf:
        raise ValueError(f"The timeout_s of the tool {name} must be a positive number of seconds, not {timeout_s!r}.")
    description, parameters = read_docstring(inspect.getdoc(function) or "")
    model, context_parameter = _arguments_model(function, name, parameters)

    async def run(arguments: Mapping[str, Json], context: ToolContext) -> Json:
        values = check_arguments(model, arguments)
        if context_parameter is not None:
            values[context_parameter] = context
        return to_json(await function(**values), max_result_bytes)

    def check(arguments: Mapping[str, Json]) -> None:
        check_arguments(model, arguments)

    spec = ToolSpec(
        name=name,
        description=description or title or name.replace("_", " "),
        input_schema=arguments_schema(model),
        access=access,
        title=title,
    )
    tool = Tool(spec=spec, run=run, timeout_s=timeout_s, check=check)
    return tool if concurrency is None else gated(tool, concurrency)


def arguments_schema(model: type[BaseModel]) -> Mapping[str, Json]:
    """The JSON Schema of type object, without the titles that pydantic adds and no model needs."""
    return cast(Mapping[str, Json], _without_titles(model.model_json_schema(by_alias=True)))


def check_arguments(model: type[BaseModel], arguments: Mapping[str, Json]) -> dict[str, Any]:
    """The arguments as the function's own types, by parameter name. Raises `ToolError` with a sentence per problem."""
    try:
        checked = model.model_validate(dict(arguments))
    except ValidationError as error:
        problems = [_problem(detail) for detail in error.errors(include_url=False, include_context=False)]
        more = len(problems) - MAX_PROBLEMS
        text = "; ".join(problems[:MAX_PROBLEMS]) + (f"; and {more} more" if more > 0 else "")
        raise ToolError(f"Wrong arguments: {text}.") from error
    # Parameters left out by the model keep the function's own default.
    return {field.removeprefix(_FIELD): getattr(checked, field) for field in checked.model_fields_set}


def to_json(result: object, max_bytes: int = MAX_RESULT_BYTES) -> Json:
    """A tool's result as a JSON value. Raises `ToolError` if it has no JSON form or is larger than `max_bytes`."""
    try:
        value = to_jsonable_python(result, fallback=msgspec.to_builtins, inf_nan_mode="null")
        size = len(msgspec.json.encode(value))
    except (PydanticSerializationError, TypeError, ValueError, RecursionError) as error:
        raise ToolError(f"The tool returned a {type(result).__name__}, which cannot be written as JSON.") from error
    if size > max_bytes:
        raise ToolError(
            f"The tool's result has {size} bytes; the limit max_tool_result_bytes is {max_bytes}. Ask for less of it."
        )
    return value


def read_docstring(text: str) -> tuple[str, Mapping[str, str]]:
    """The description, and each parameter's from a Google-style `Args:` section."""
    description: list[str] = []
    parameters: dict[str, str] = {}
    section = ""
    indent = 0
    current = ""
    for line in text.splitlines():
        stripped = line.strip()
        here = len(line) - len(line.lstrip())
        heading = _SECTION.fullmatch(line)
        if heading is not None:
            section, indent, current = heading[1], 0, ""
        elif section == "":
            description.append(stripped)
        elif section in ("Args", "Arguments", "Parameters") and stripped:
            indent = indent or here
            argument = _ARG.fullmatch(stripped) if here == indent else None
            if argument is not None:
                current = argument["name"].lstrip("*")
                parameters[current] = argument["text"]
            elif current:
                parameters[current] = f"{parameters[current]} {stripped}".strip()
    paragraphs = re.split(r"\n\s*\n", "\n".join(description).strip())
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs if paragraph.strip()), parameters


def _arguments_model(
    function: ToolFunction, name: str, descriptions: Mapping[str, str]
) -> tuple[type[BaseModel], str | None]:
    """The pydantic model of the parameters, and the name of the one that takes the context."""
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    context_parameter: str | None = None
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"The tool {name} takes {parameter}; give each parameter its own name and keyword.")
        if parameter.name not in hints:
            raise TypeError(f"The parameter {parameter.name} of the tool {name} needs a type annotation.")
        hint = hints[parameter.name]
        if hint is ToolContext:
            context_parameter = parameter.name
            continue
        default = ... if parameter.default is parameter.empty else parameter.default
        about = descriptions.get(parameter.name)
        shown = Field(alias=parameter.name) if about is None else Field(alias=parameter.name, description=about)
        fields[_FIELD + parameter.name] = (Annotated[hint, shown], default)
    try:
        # Extra arguments are refused: a model that misspells one should learn so.
        model: type[BaseModel] = create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
        model.model_json_schema()
    except (PydanticUserError, NameError) as error:
        raise TypeError(f"The parameters of the tool {name} have no JSON Schema: {error}") from error
    return model, context_parameter


def _problem(detail: Mapping[str, Any]) -> str:
    place = ".".join(str(step) for step in detail["loc"]) or "arguments"
    match detail["type"]:
        case "missing":
            return f"{place} is required"
        case "extra_forbidden":
            return f"{place} is not known"
        case _:
            message = str(detail["msg"])
            return f"{place}: {message[:1].lower()}{message[1:]}"


def _without_titles(schema: Json, names: bool = False) -> Json:
    """Drop the generated `title` of every schema, but not a property that is called so (`names`: keys are names)."""
    if isinstance(schema, list):
        return [_without_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _without_titles(value, names=not names and key in ("properties", "$defs"))
        for key, value in schema.items()
        if names or key != "title"
    }

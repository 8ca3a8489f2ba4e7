"""What the local provider server demands of a request to OpenAI, as strictly as Chat Completions (or more so: what any
of the servers that speak it refuses, it refuses).

RULES. A request that breaks one is answered 400 `invalid_request_error` with the reason.

 1. The body is a JSON object in UTF-8 without lone surrogates, and has no field that the server does not know (`Style`
    takes some away, as older and smaller servers do); the error names the field as `param`.
 2. `model` is known to the server; `stream` is a boolean; `stream_options` only with `stream`, and with known fields.
 3. `max_tokens` and `max_completion_tokens` are integers from 1 up, and not both there.
 4. `tools`: 1 to 128 functions; names match `^[a-zA-Z0-9_-]{1,64}$` and are unique; `parameters` are a schema of type
    "object" without `oneOf`, `anyOf`, `allOf`, `enum` or `not` at its top; each array in it has `items`.
 5. `tool_choice` and `parallel_tool_calls` only with `tools`; `tool_choice` is "none", "auto", "required" or a function
    that is there.
 6. Messages: at least one; each has a known role and only fields that the role may have.
 7. "system" stands at the beginning only. A user's message comes before the assistant's first. No two messages of a
    user, and no two of the assistant, stand side by side.
 8. Contents are non-blank strings; a user's may be a list of parts: text, images as data URLs, PDFs as files. The
    assistant's may be null or absent if there are `tool_calls`.
 9. `tool_calls`: not empty; each has an id of 1 to 40 characters that is unique in the request, the type "function", a
    name as in rule 4, and arguments that are a string with a JSON object.
10. Tool messages follow the assistant's message with their calls directly; each call is answered once.
11. The last message is the user's or a tool's.
12. The request fits the model's window: its characters / 4 are the tokens (`context_length_exceeded`).
13. With `Style.signs`, the first call of each assistant's message after the user's last has the `thought_signature`
    that this server gave for it, or the one that skips the check; without, `extra_content` is an unknown field.
14. With `Style.wants_reasoning`, each assistant's message with calls has the reasoning that came with them; a reasoning
    field that is not the server's own is unknown.
15. With `Style.needs_no_effort`, tools are refused unless `reasoning_effort` is "none".
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from tests.provider_server.rules import WINDOW_TOKENS, Broken, Obj, Signer, as_list, as_object, demand, is_file

MODELS = ("gpt-5.5", "gpt-6-luna", "gemini-3.8-flash", "gpt-oss:20b")
SKIPS = "skip_thought_signature_validator"

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_TOP = frozenset(
    "model messages stream stream_options tools tool_choice parallel_tool_calls max_tokens max_completion_tokens "
    "reasoning_effort prompt_cache_key temperature top_p n stop seed user metadata response_format".split()
)
_ROLE_FIELDS: Mapping[str, frozenset[str]] = {
    "system": frozenset({"role", "content"}),
    "user": frozenset({"role", "content", "name"}),
    "assistant": frozenset({"role", "content", "tool_calls"}),
    "tool": frozenset({"role", "content", "tool_call_id"}),
}
_UNIONS = ("oneOf", "anyOf", "allOf", "enum", "not")


@dataclass(frozen=True)
class Style:
    """How this server speaks the wire; the default is OpenAI's own way."""

    streams: Literal["yes", "ignores", "refuses"] = "yes"
    """Whether `stream` is obeyed, answered by an answer in one piece, or refused."""
    refuses: frozenset[str] = frozenset()
    """Fields of the body that it does not know."""
    refusal_status: int = 400
    reasoning: Literal["reasoning_content", "reasoning"] | None = None
    """The field of thinking; without, thinking is not shown."""
    wants_reasoning: bool = False
    needs_no_effort: bool = False
    indexes: Literal["right", "zero", "none"] = "right"
    """The `index` of tool calls: their number, always 0, or absent."""
    ids: Literal["once", "always", "never"] = "once"
    """Which deltas of a tool call have its id."""
    stops_with_calls: bool = False
    """An answer with tool calls ends by "stop"."""
    says_done: bool = True
    signs: bool = False
    lists_errors: bool = False
    """Errors come as a list with one error in it."""


_OF_OPENAI = frozenset({"prompt_cache_key", "include_obfuscation"})
GEMINI = Style(indexes="none", stops_with_calls=True, signs=True, lists_errors=True, refuses=_OF_OPENAI)
OLLAMA = Style(reasoning="reasoning", indexes="zero", refuses=_OF_OPENAI | {"max_completion_tokens"})
OPENAI = Style()


class UnknownField(Broken):
    """A field of the body that the server does not know."""

    def __init__(self, field: str) -> None:
        super().__init__(f"Unrecognized request argument supplied: {field}")
        self.field = field


class TooLong(Broken):
    """The request does not fit the window."""


def signature_of(name: str, signer: Signer) -> str:
    return signer.sign(f"call of {name}")


def check_body(
    body: object,
    style: Style,
    *,
    signer: Signer,
    models: Sequence[str] = MODELS,
    window_tokens: int = WINDOW_TOKENS,
) -> None:
    """Raise `Broken` if the request breaks a rule."""
    sent = as_object(body, "the body")
    try:
        size = len(json.dumps(sent, ensure_ascii=False).encode())
    except UnicodeEncodeError as error:
        raise Broken("the body holds half a character (a lone surrogate)") from error
    if unknown := sorted(set(sent) - (_TOP - style.refuses)):
        raise UnknownField(unknown[0])
    demand(sent.get("model") in models, f"The model `{sent.get('model')}` does not exist")
    _check_stream(sent, style)
    _check_lengths(sent)
    _check_tools(sent, style)
    messages = [as_object(each, f"messages[{n}]") for n, each in enumerate(as_list(sent.get("messages"), "messages"))]
    demand(len(messages) > 0, "[] is too short - 'messages'")
    for number, message in enumerate(messages):
        _check_message(message, f"messages[{number}]", style)
    _check_order(messages)
    _check_calls(messages)
    _check_reasoning(messages, style)
    if style.signs:
        _check_signatures(messages, signer)
    tokens = -(-size // 4)
    if tokens > window_tokens:
        raise TooLong(f"This model's maximum context length is {window_tokens} tokens; {tokens} were sent.")


def _check_stream(body: Obj, style: Style) -> None:
    stream = body.get("stream", False)
    demand(isinstance(stream, bool), "stream: must be a boolean")
    demand(
        not (stream and style.streams == "refuses"), "Streaming is not supported by this server: stream must be false"
    )
    if (options := body.get("stream_options")) is not None:
        demand(stream, "stream_options: only allowed when stream is true")
        extra = set(as_object(options, "stream_options")) - {"include_usage", "include_obfuscation"}
        demand(not extra, "stream_options: unknown field")
        demand(not style.refuses & set(options), "stream_options.include_obfuscation: Extra inputs are not permitted")


def _check_lengths(body: Obj) -> None:
    given = [body[name] for name in ("max_tokens", "max_completion_tokens") if name in body]
    demand(len(given) < 2, "max_tokens and max_completion_tokens exclude each other")
    demand(all(type(value) is int and value >= 1 for value in given), "max_tokens: must be an integer from 1 up")


def _check_tools(body: Obj, style: Style) -> None:
    if "tools" not in body:
        demand("tool_choice" not in body, "tool_choice is only allowed when tools are specified")
        demand("parallel_tool_calls" not in body, "parallel_tool_calls is only allowed when tools are specified")
        return
    tools = as_list(body["tools"], "tools")
    demand(0 < len(tools) <= 128, f"tools: 1 to 128 are allowed, not {len(tools)}")
    names: set[str] = set()
    for index, each in enumerate(tools):
        tool = as_object(each, f"tools[{index}]")
        demand(set(tool) == {"type", "function"} and tool["type"] == "function", f"tools[{index}]: is no function")
        function = as_object(tool["function"], f"tools[{index}].function")
        extra = set(function) - {"name", "description", "parameters", "strict"}
        demand(not extra, f"tools[{index}].function: unknown field")
        names.add(checked_name(function.get("name"), f"tools[{index}].function.name"))
        demand(len(names) == index + 1, "tools: names must be unique")
        demand(isinstance(function.get("description", ""), str), "tools: a description must be a string")
        check_schema(as_object(function.get("parameters"), f"tools[{index}].function.parameters"))
    choice = body.get("tool_choice", "auto")
    known = choice in ("none", "auto", "required") if isinstance(choice, str) else choice["function"]["name"] in names
    demand(known, "tool_choice: unknown")
    if style.needs_no_effort and body.get("reasoning_effort") != "none":
        text = "Function tools with reasoning_effort are not supported for this model in /v1/chat/completions. "
        raise Broken(text + "To use function tools, use /v1/responses or set reasoning_effort to 'none'.")


def check_schema(schema: Obj) -> None:
    demand(schema.get("type") == "object", "Invalid schema for function: schema must have type 'object'")
    unions = [word for word in _UNIONS if word in schema]
    demand(not unions, f"Invalid schema for function: {unions} are not allowed at the top level")
    as_object(schema.get("properties", {}), "properties")
    _check_arrays(schema)


def _check_arrays(schema: object) -> None:
    if isinstance(schema, Mapping):
        kind = schema.get("type")
        if kind == "array" or (isinstance(kind, list) and "array" in kind):
            demand("items" in schema, "Invalid schema for function: array schema missing items")
        for word, value in schema.items():
            if word in ("enum", "const", "default", "examples"):
                continue
            inner = value.values() if word in ("properties", "$defs") and isinstance(value, Mapping) else [value]
            for each in inner:
                _check_arrays(each)
    elif isinstance(schema, list):
        for each in schema:
            _check_arrays(each)


def checked_name(name: object, at: str) -> str:
    if not (isinstance(name, str) and NAME.fullmatch(name)):
        raise Broken(f"Invalid '{at}': string does not match pattern '^[a-zA-Z0-9_-]{{1,64}}$'")
    return name


def _check_message(message: Obj, at: str, style: Style) -> None:
    role = message.get("role")
    demand(role in _ROLE_FIELDS, f"{at}.role: {role!r} is unknown")
    allowed = _ROLE_FIELDS[str(role)]
    if role == "assistant" and style.reasoning is not None:
        allowed |= {style.reasoning}
    extra = sorted(set(message) - allowed)
    demand(not extra, f"{at}: Unrecognized field {extra[0] if extra else ''}")
    content = message.get("content")
    if role == "assistant" and "tool_calls" in message and content is None:
        return
    if role == "user" and isinstance(content, list):
        demand(bool(content), f"{at}.content: must have a part")
        for number, part in enumerate(content):
            _check_part(as_object(part, f"{at}.content.{number}"), f"{at}.content.{number}")
        return
    demand(isinstance(content, str) and bool(content.strip()), f"{at}.content: must be a string that is not blank")


def _check_part(part: Obj, at: str) -> None:
    match part:
        case {"type": "text", "text": str(text), **rest}:
            demand(bool(text.strip()) and not rest, f"{at}.text: must be a string that is not blank")
        case {"type": "image_url", "image_url": {"url": str(url)}, **rest}:
            demand(is_data(url, "image/") and not rest, f"{at}.image_url: Invalid image data")
        case {"type": "file", "file": {"filename": str(name), "file_data": str(url)}, **rest}:
            demand(is_data(url, "application/pdf") and bool(name) and not rest, f"{at}.file: Invalid file data")
        case _:
            raise Broken(f"{at}.type: {part.get('type')!r} is unknown")


def is_data(url: str, kind: str) -> bool:
    media_type, comma, encoded = url.removeprefix("data:").partition(";base64,")
    whole = url.startswith("data:") and bool(comma) and media_type.startswith(kind)
    return whole and is_file(media_type, encoded)


def _check_order(messages: Sequence[Obj]) -> None:
    roles = [message["role"] for message in messages]
    spoken = roles[1:] if roles[0] == "system" else roles
    demand("system" not in spoken, "System message must be at the beginning")
    demand(bool(spoken) and spoken[0] == "user", "The first message must be the user's")
    twice = any(one == two != "tool" for one, two in pairwise(spoken))
    demand(not twice, "Conversation roles must alternate")
    demand(spoken[-1] in ("user", "tool"), "The last message must be the user's or a tool's")


def _check_calls(messages: Sequence[Obj]) -> None:
    """Rules 9 and 10."""
    seen: set[str] = set()
    open_ids: list[str] = []
    for number, message in enumerate(messages):
        at = f"messages[{number}]"
        if message["role"] == "tool":
            call_id = message.get("tool_call_id")
            text = "messages with role 'tool' must be a response to a preceding message with 'tool_calls'"
            demand(call_id in open_ids, f"{at}: {text}")
            open_ids.remove(str(call_id))
            continue
        _demand_answered(open_ids)
        open_ids = [_call_id(call, seen, at) for call in _calls_of(message, at)]
    _demand_answered(open_ids)


def _demand_answered(open_ids: Sequence[str]) -> None:
    text = "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'"
    demand(not open_ids, f"{text}. These did not have a response: {open_ids}")


def _calls_of(message: Obj, at: str) -> list[Any]:
    if "tool_calls" not in message:
        return []
    calls = as_list(message["tool_calls"], f"{at}.tool_calls")
    demand(len(calls) > 0, f"[] is too short - '{at}.tool_calls'")
    return calls


def _call_id(each: object, seen: set[str], at: str) -> str:
    call = as_object(each, f"{at}.tool_calls")
    extra = set(call) - {"id", "type", "function", "extra_content"}
    demand(not extra and call.get("type") == "function", f"{at}.tool_calls: is no function call")
    call_id = call.get("id")
    if not (isinstance(call_id, str) and 1 <= len(call_id) <= 40):
        raise Broken(f"Invalid '{at}.tool_calls.id': expected a string with length 1 to 40")
    demand(call_id not in seen, f"{at}.tool_calls: ids must be unique")
    seen.add(call_id)
    function = as_object(call.get("function"), f"{at}.tool_calls.function")
    demand(set(function) == {"name", "arguments"}, f"{at}.tool_calls.function: must have name and arguments")
    checked_name(function["name"], f"{at}.tool_calls.function.name")
    try:
        arguments = json.loads(function["arguments"])
    except (TypeError, ValueError) as error:
        raise Broken(f"{at}.tool_calls: arguments must be a string of JSON") from error
    demand(isinstance(arguments, dict), f"{at}.tool_calls: arguments must be a JSON object")
    return call_id


def _check_reasoning(messages: Sequence[Obj], style: Style) -> None:
    for message in messages:
        for call in message.get("tool_calls", ()):
            demand(style.signs or "extra_content" not in call, "tool_calls: Unrecognized field extra_content")
        if style.wants_reasoning and "tool_calls" in message:
            reasoning = message.get(str(style.reasoning))
            demand(
                isinstance(reasoning, str) and bool(reasoning), f"The {style.reasoning} must be passed back to the API"
            )


def _check_signatures(messages: Sequence[Obj], signer: Signer) -> None:
    last = max(index for index, message in enumerate(messages) if message["role"] == "user")
    for message in messages[last:]:
        for call in message.get("tool_calls", ())[:1]:
            name = call["function"]["name"]
            signature = call.get("extra_content", {}).get("google", {}).get("thought_signature")
            valid = signature in (signature_of(name, signer), SKIPS)
            demand(valid, f"Function call is missing a thought_signature in functionCall parts: `{name}`")

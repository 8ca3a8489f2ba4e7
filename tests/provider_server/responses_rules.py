"""What the local provider server demands of a request to OpenAI's Responses API, as strictly as it (or more so).

RULES. A request that breaks one is answered 400 `invalid_request_error` with the reason.

 1. The body is a JSON object in UTF-8 without lone surrogates, and has no field that the server does not know (`Style`
    takes some away); the error names the field as `param`.
 2. `model` is known to the server; `stream` is a boolean; `stream_options` only with `stream`, and with known fields.
 3. `store` is false: whoever asks keeps the history.
 4. `instructions` is a non-blank string, if it is there at all; `max_output_tokens` is an integer from 16 up.
 5. `include` is a list of known things; `reasoning` has a known `summary` and `effort`, and nothing else.
 6. `tools`: 1 to 128 functions, flat; names match `^[a-zA-Z0-9_-]{1,64}$` and are unique; `strict` is said, and false;
    `parameters` as in rule 4 of Chat Completions. `tool_choice` and `parallel_tool_calls` only with them.
 7. `input`: at least one item; each is a message, reasoning, a call or its output, with the fields of that type only.
    None but reasoning has an id: nothing is stored that it could be found by.
 8. A message's role is "user" or "assistant" (the system's text is in `instructions`). The first item is the user's.
    Contents are non-blank strings; a user's may be a list of parts: text, images as data URLs, PDFs as files.
 9. `function_call`: a `call_id` of 1 to 64 characters that is unique in the request, a name as in rule 6, arguments
    that are a string with a JSON object.
10. Each call is answered once, by a `function_call_output` that comes after it and before the next message; its output
    is a non-blank string. No output is without its call.
11. `reasoning` has the id and the `encrypted_content` that this server gave for it, unchanged; no id comes twice. It is
    followed by what it led to: the assistant's message, a call, or more reasoning.
12. The reasoning that the request's calls came with is there: for each call of the turn under way whose item this
    server made after reasoning (its `call_id` tells), that reasoning stands before it.
13. A `phase` is "commentary" or "final_answer", and only the assistant's.
14. The last item is the user's or the output of a call.
15. The request fits the model's window: its characters / 4 are the tokens (`context_length_exceeded`).
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence

from tests.provider_server.openai_rules import (
    MODELS,
    Style,
    TooLong,
    UnknownField,
    check_schema,
    checked_name,
    is_data,
)
from tests.provider_server.rules import WINDOW_TOKENS, Broken, Obj, Signer, as_list, as_object, demand

AFTER = "call_after_"
"""How the ids of calls begin that came after reasoning; the reasoning's id follows."""

_TOP = frozenset(
    "model input instructions store stream stream_options include reasoning tools tool_choice parallel_tool_calls "
    "max_output_tokens prompt_cache_key temperature top_p metadata text truncation".split()
)
_FIELDS: Mapping[str, frozenset[str]] = {
    "message": frozenset({"type", "role", "content", "phase"}),
    "reasoning": frozenset({"type", "id", "summary", "encrypted_content"}),
    "function_call": frozenset({"type", "call_id", "name", "arguments"}),
    "function_call_output": frozenset({"type", "call_id", "output"}),
}
_INCLUDES = ("reasoning.encrypted_content", "message.output_text.logprobs", "web_search_call.action.sources")


def reasoning_id(number: int | str, signer: Signer) -> str:
    """The id of a reasoning that the server of this signer made."""
    return f"rs_{re.sub('[^0-9a-z]', '', signer.sign('ids'))[:8]}_{number}"


def encrypted(name: str, text: str, signer: Signer) -> str:
    """The content of the reasoning with this id."""
    return signer.redact(f"{name} {text}")


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
    demand(sent.get("model") in models, f"The requested model '{sent.get('model')}' does not exist.")
    _check_options(sent)
    _check_stream(sent, style)
    _check_tools(sent)
    items = [as_object(each, f"input[{n}]") for n, each in enumerate(as_list(sent.get("input"), "input"))]
    demand(len(items) > 0, "input: must have an item")
    for number, item in enumerate(items):
        _check_item(item, f"input[{number}]")
    demand(items[0].get("role") == "user", "input[0]: must be a message of the user")
    _check_calls(items)
    _check_reasoning(items, signer)
    last = items[-1]
    demand(last.get("role") == "user" or last["type"] == "function_call_output", "input: ends with the model's own")
    tokens = -(-size // 4)
    if tokens > window_tokens:
        raise TooLong("Your input exceeds the context window of this model. Please adjust your input and try again.")


def _check_options(body: Obj) -> None:
    demand(body.get("store") is False, "store: must be false")
    instructions = body.get("instructions", "x")
    demand(isinstance(instructions, str) and bool(instructions.strip()), "instructions: must be a non-blank string")
    most = body.get("max_output_tokens", 16)
    demand(type(most) is int and most >= 16, "max_output_tokens: expected an integer from 16 up")
    include = as_list(body.get("include", []), "include")
    demand(all(one in _INCLUDES for one in include), "include: unknown value")
    reasoning = as_object(body.get("reasoning", {}), "reasoning")
    demand(not set(reasoning) - {"summary", "effort"}, "reasoning: unknown field")
    demand(reasoning.get("summary", "auto") in ("auto", "concise", "detailed"), "reasoning.summary: unknown value")
    efforts = ("none", "minimal", "low", "medium", "high", "xhigh")
    demand(reasoning.get("effort", "none") in efforts, "reasoning.effort: unknown value")
    key = body.get("prompt_cache_key", "x")
    demand(isinstance(key, str) and 1 <= len(key) <= 64, "prompt_cache_key: expected a string with length 1 to 64")


def _check_stream(body: Obj, style: Style) -> None:
    stream = body.get("stream", False)
    demand(isinstance(stream, bool), "stream: must be a boolean")
    refused = stream and style.streams == "refuses"
    demand(not refused, "Streaming is not supported by this server: stream must be false")
    if (options := body.get("stream_options")) is not None:
        demand(stream, "stream_options: only allowed when stream is true")
        extra = set(as_object(options, "stream_options")) - ({"include_obfuscation"} - style.refuses)
        demand(not extra, "stream_options.include_obfuscation: unknown field")


def _check_tools(body: Obj) -> None:
    if "tools" not in body:
        for field in ("tool_choice", "parallel_tool_calls"):
            demand(field not in body, f"{field} is only allowed when tools are specified")
        return
    tools = as_list(body["tools"], "tools")
    demand(0 < len(tools) <= 128, f"tools: 1 to 128 are allowed, not {len(tools)}")
    names: set[str] = set()
    for index, each in enumerate(tools):
        tool = as_object(each, f"tools[{index}]")
        demand(tool.get("type") == "function", f"tools[{index}]: is no function")
        extra = set(tool) - {"type", "name", "description", "parameters", "strict"}
        demand(not extra, f"Unknown parameter: 'tools[{index}].{min(extra, default='')}'.")
        names.add(checked_name(tool.get("name"), f"tools[{index}].name"))
        demand(len(names) == index + 1, "tools: names must be unique")
        demand(isinstance(tool.get("description", ""), str), "tools: a description must be a string")
        demand(tool.get("strict") is False, f"tools[{index}]: 'required' must name all properties of a strict schema")
        check_schema(as_object(tool.get("parameters"), f"tools[{index}].parameters"))
    choice = body.get("tool_choice", "auto")
    known = choice in ("none", "auto", "required") if isinstance(choice, str) else choice["name"] in names
    demand(known, "tool_choice: unknown")


def _check_item(item: Obj, at: str) -> None:
    kind = item.get("type")
    demand(kind in _FIELDS, f"{at}.type: {kind!r} is unknown")
    extra = set(item) - _FIELDS[str(kind)]
    if "id" in extra:
        raise Broken(f"Item with id '{item['id']}' not found. Items are not persisted when `store` is set to false.")
    demand(not extra, f"Unknown parameter: '{at}.{min(extra, default='')}'.")
    match kind:
        case "message":
            _check_message(item, at)
        case "function_call":
            checked_name(item.get("name"), f"{at}.name")
            _check_arguments(item.get("arguments"), at)
        case "function_call_output":
            output = item.get("output")
            demand(isinstance(output, str) and bool(output.strip()), f"{at}.output: must be a non-blank string")


def _check_message(item: Obj, at: str) -> None:
    role, content = item.get("role"), item.get("content")
    demand(role in ("user", "assistant"), f"{at}.role: {role!r} is unknown")
    if "phase" in item:
        demand(role == "assistant" and item["phase"] in ("commentary", "final_answer"), f"{at}.phase: unknown")
    if role == "user" and isinstance(content, list):
        demand(bool(content), f"{at}.content: must have a part")
        for number, part in enumerate(content):
            _check_part(as_object(part, f"{at}.content[{number}]"), f"{at}.content[{number}]")
        return
    demand(isinstance(content, str) and bool(content.strip()), f"{at}.content: must be a string that is not blank")


def _check_part(part: Obj, at: str) -> None:
    match part:
        case {"type": "input_text", "text": str(text), **rest}:
            demand(bool(text.strip()) and not rest, f"{at}.text: must be a string that is not blank")
        case {"type": "input_image", "image_url": str(url), "detail": "auto" | "low" | "high", **rest}:
            demand(is_data(url, "image/") and not rest, f"{at}.image_url: Invalid image data")
        case {"type": "input_file", "filename": str(name), "file_data": str(url), **rest}:
            demand(is_data(url, "application/pdf") and bool(name) and not rest, f"{at}.file_data: Invalid file data")
        case _:
            raise Broken(f"{at}.type: {part.get('type')!r} is unknown")


def _check_arguments(given: object, at: str) -> None:
    try:
        arguments = json.loads(given if isinstance(given, str) else "none")
    except ValueError as error:
        raise Broken(f"{at}.arguments: must be a string of JSON") from error
    demand(isinstance(arguments, dict), f"{at}.arguments: must be a JSON object")


def _check_calls(items: Sequence[Obj]) -> None:
    """Rules 9 and 10."""
    seen: set[str] = set()
    open_ids: set[str] = set()
    for number, item in enumerate(items):
        call_id = item.get("call_id")
        match item["type"]:
            case "function_call":
                if not (isinstance(call_id, str) and 1 <= len(call_id) <= 64):
                    raise Broken(f"Invalid 'input[{number}].call_id': expected a string with length 1 to 64")
                demand(call_id not in seen, f"Duplicate call_id found in input: {call_id}.")
                seen.add(call_id)
                open_ids.add(call_id)
            case "function_call_output":
                demand(call_id in open_ids, f"No tool call found for function call output with call_id {call_id}.")
                open_ids.remove(str(call_id))
            case "message" if item["role"] == "user":
                _demand_answered(open_ids)
    _demand_answered(open_ids)


def _demand_answered(open_ids: set[str]) -> None:
    demand(not open_ids, f"No tool output found for function call {min(open_ids, default='')}.")


def _check_reasoning(items: Sequence[Obj], signer: Signer) -> None:
    """Rules 11 and 12."""
    seen: set[str] = set()
    own = re.compile(f"{AFTER}({reasoning_id('', signer)}.+)_[0-9]+")
    users = [number for number, item in enumerate(items) if item.get("role") == "user"]
    for number, item in enumerate(items):
        if item["type"] == "reasoning":
            name = _checked_reasoning(item, f"input[{number}]", signer)
            demand(name not in seen, f"Duplicate item found with id {name}. Remove duplicate items from your input.")
            seen.add(name)
            following = items[number + 1] if number + 1 < len(items) else {}
            led = following.get("role") == "assistant" or following.get("type") in ("reasoning", "function_call")
            demand(led, f"Item '{name}' of type 'reasoning' was provided without its required following item.")
        elif item["type"] == "function_call" and number > users[-1]:
            came = own.fullmatch(item["call_id"])
            text = f"Item of type 'function_call' was provided without its required 'reasoning' item: {item['call_id']}"
            demand(came is None or came[1] in seen, text)


def _checked_reasoning(item: Obj, at: str, signer: Signer) -> str:
    content, name = item.get("encrypted_content"), item.get("id")
    text = "The encrypted content could not be verified. Reason: Encrypted content could not be decrypted or parsed."
    demand(isinstance(content, str) and signer.made(content), text)
    demand(base64.b64decode(str(content).partition(".")[0]).startswith(f"{name} ".encode()), text)
    for part in as_list(item.get("summary"), f"{at}.summary"):
        good = part["type"] == "summary_text" and isinstance(part["text"], str) and len(part) == 2
        demand(good, f"{at}.summary: is unknown")
    return str(name)

"""What the local provider server demands of a request to Anthropic, as strictly as the Messages API (or more so).

RULES. A request that breaks one is answered 400 `invalid_request_error` with the reason.

 1. The body is a JSON object in UTF-8 without lone surrogates, and has no field that the API does not know.
 2. `model` is known to the server; `max_tokens` is an integer from 1 up; `stream` is true (this server only streams).
 3. `system` is a non-blank string or a list of non-blank text blocks, if it is there at all.
 4. `tools`: names match `^[a-zA-Z0-9_-]{1,128}$` and are unique; `input_schema` is an object of type "object" whose
    `properties` are an object and whose `required` is a list of strings.
 5. `tool_choice` is of a known type, and names a tool that is there if it is of type "tool".
 6. `thinking` is of a known type; a budget is from 1024 up and below `max_tokens`.
 7. Messages: at least one; each has a role, "user" or "assistant", content, and nothing else. Neighbours of one role
    count as one turn. The first turn is the user's.
 8. Content is a non-blank string or a non-empty list of blocks of a known type that the role may use, without unknown
    fields. No text block is empty or blank.
 9. The last turn, if the assistant's, does not end in white space.
10. `tool_use`: its id matches `^[a-zA-Z0-9_-]+$` and is unique in the request; its name matches the pattern of names;
    its input is an object.
11. Every `tool_use` is answered by one `tool_result` in the user's turn right after it; results are the first blocks of
    that turn; none is without its `tool_use`, none comes twice.
12. A `tool_result`'s content is a string or a list of non-blank text, image or document blocks; `is_error`, a boolean.
13. A request with `tool_use` or `tool_result` blocks defines `tools`.
14. A `thinking` block carries the very signature that this server gave for this very text; `redacted_thinking` carries
    data that this server made.
15. No assistant turn is only thinking or ends with it. While thinking is on, thinking comes first in its turn.
16. At most four blocks have `cache_control`, none of them thinking, all of type "ephemeral".
17. An `image` is base64 of a type that the model can see, a `document` of a PDF or a non-blank plain text, and the
    bytes are what they say. A document's title is not blank; `citations` are enabled for all documents or for none.
18. The request fits the model's window: its characters / 4 are the tokens ("prompt is too long").
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Obj = Mapping[str, Any]

MODELS = (
    "claude-sonnet-5-5",
    "claude-opus-5-5",
    "claude-haiku-5-5",
    "claude-sonnet-4-6",
)
VERSIONS = ("2023-06-01", "2026-10-21")
WINDOW_TOKENS = 200_000

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_ID = re.compile(r"[a-zA-Z0-9_-]+")
_TOP = frozenset(
    "model max_tokens messages stream system tools tool_choice thinking metadata stop_sequences cache_control "
    "output_config service_tier temperature top_k top_p".split()
)
_BLOCK_FIELDS: Mapping[str, frozenset[str]] = {
    "text": frozenset({"type", "text", "cache_control", "citations"}),
    "thinking": frozenset({"type", "thinking", "signature"}),
    "redacted_thinking": frozenset({"type", "data"}),
    "tool_use": frozenset({"type", "id", "name", "input", "cache_control"}),
    "tool_result": frozenset({"type", "tool_use_id", "content", "is_error", "cache_control"}),
    "image": frozenset({"type", "source", "cache_control"}),
    "document": frozenset({"type", "source", "title", "context", "citations", "cache_control"}),
}
_ROLE_BLOCKS: Mapping[str, frozenset[str]] = {
    "user": frozenset({"text", "tool_result", "image", "document"}),
    "assistant": frozenset({"text", "thinking", "redacted_thinking", "tool_use"}),
}
_THINKING = ("thinking", "redacted_thinking")
SIGNS: Mapping[str, bytes] = {
    "application/pdf": b"%PDF-",
    "image/png": b"\x89PNG",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}
"""How files begin."""


class Broken(Exception):
    """A rule is broken; the text is what the client reads."""


class Signer:
    """Makes and checks the signatures of thinking, with a key that only this server has."""

    def __init__(self, key: bytes = b"local provider server") -> None:
        self._key = key

    def sign(self, thinking: str) -> str:
        digest = hmac.new(self._key, b"thinking:" + thinking.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
        return base64.b64encode(digest).decode()

    def redact(self, thinking: str) -> str:
        """The data of a redacted block: what was thought (a real one would encrypt it) and its signature."""
        return base64.b64encode(thinking.encode()).decode() + "." + self.sign(thinking)

    def made(self, data: str) -> bool:
        """Whether `redact` made this."""
        text, _, signature = data.partition(".")
        try:
            thinking = base64.b64decode(text, validate=True).decode()
        except ValueError:
            return False
        return hmac.compare_digest(self.sign(thinking), signature)


SIGNER = Signer()


def check_body(
    body: object,
    *,
    signer: Signer = SIGNER,
    models: Sequence[str] = MODELS,
    window_tokens: int = WINDOW_TOKENS,
) -> None:
    """Raise `Broken` if the request breaks a rule."""
    if not isinstance(body, Mapping):
        raise Broken("the body must be a JSON object")
    try:
        size = len(json.dumps(body, ensure_ascii=False).encode())
    except UnicodeEncodeError as error:
        raise Broken("the body holds half a character (a lone surrogate)") from error
    demand(not (extra := sorted(set(body) - _TOP)), f"{extra[0] if extra else ''}: Extra inputs are not permitted")
    demand(body.get("model") in models, f"model: {body.get('model')!r} is unknown")
    max_tokens = body.get("max_tokens")
    demand(type(max_tokens) is int and max_tokens >= 1, "max_tokens: must be an integer greater than or equal to 1")
    demand(body.get("stream") is True, "stream: this server only streams")
    _check_system(body.get("system"))
    _check_tools(body.get("tools"), body.get("tool_choice"))
    thinks = _check_thinking_setting(body.get("thinking"), body["max_tokens"])
    turns = merged(body.get("messages"))
    demand(len(set(cites(body))) < 2, "citations: must be enabled for all documents or for none")
    _check_turns(turns, signer, thinks)
    _check_pairs(turns)
    if not body.get("tools"):
        used = any(block["type"] in ("tool_use", "tool_result") for _, blocks in turns for block in blocks)
        demand(not used, "requests which include `tool_use` or `tool_result` blocks must define tools")
    _check_cache(body)
    tokens = -(-size // 4)
    demand(tokens <= window_tokens, f"prompt is too long: {tokens} tokens > {window_tokens} maximum")


def merged(messages: object) -> list[tuple[str, list[Obj]]]:
    """The turns (role, blocks) of `messages`, neighbours of one role joined. Checks the shape (rules 7 and 8)."""
    demand(isinstance(messages, list) and len(messages) > 0, "messages: at least one message is required")
    turns: list[tuple[str, list[Obj]]] = []
    for number, message in enumerate(as_list(messages, "messages")):
        at = f"messages.{number}"
        demand(isinstance(message, Mapping), f"{at}: must be an object")
        demand(set(message) == {"role", "content"}, f"{at}: must have role and content, and nothing else")
        role = message["role"]
        demand(role in ("user", "assistant"), f"{at}.role: must be user or assistant")
        blocks = _blocks(message["content"], f"{at}.content", _ROLE_BLOCKS[role])
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(blocks)
        else:
            turns.append((role, blocks))
    demand(turns[0][0] == "user", "messages: first message must use the user role")
    return turns


def demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Broken(otherwise)


def as_list(value: object, at: str) -> list[Any]:
    if not isinstance(value, list):
        raise Broken(f"{at}: must be a list")
    return value


def as_object(value: object, at: str) -> Obj:
    if not isinstance(value, Mapping):
        raise Broken(f"{at}: must be an object")
    return value


def _text(value: object, at: str) -> str:
    if not isinstance(value, str):
        raise Broken(f"{at}: must be a string")
    if not value:
        raise Broken(f"{at}: text content blocks must be non-empty")
    if not value.strip():
        raise Broken(f"{at}: text content blocks must contain non-whitespace text")
    return value


def _blocks(content: object, at: str, allowed: frozenset[str]) -> list[Obj]:
    if isinstance(content, str):
        return [{"type": "text", "text": _text(content, at)}]
    blocks = [as_object(block, f"{at}.{index}") for index, block in enumerate(as_list(content, at))]
    demand(len(blocks) > 0, f"{at}: must have at least one block")
    for index, block in enumerate(blocks):
        kind = block.get("type")
        demand(kind in allowed, f"{at}.{index}: block type {kind!r} is not allowed here")
        extra = sorted(set(block) - _BLOCK_FIELDS[str(kind)])
        demand(not extra, f"{at}.{index}.{extra[0] if extra else ''}: Extra inputs are not permitted")
        if kind == "text":
            _text(block.get("text"), f"{at}.{index}.text")
        elif kind in ("image", "document"):
            source = as_object(block.get("source"), f"{at}.{index}.source")
            demand(source.get("type") in ("base64", "url", "text", "file"), f"{at}.{index}.source: unknown type")
            if kind == "document":
                _check_document(block, source, f"{at}.{index}")
            if source.get("type") == "base64":
                _check_file(source.get("media_type"), source.get("data"), str(kind), f"{at}.{index}.source")
    return blocks


def _check_document(block: Obj, source: Obj, at: str) -> None:
    if source.get("type") == "text":
        demand(source.get("media_type") == "text/plain", f"{at}.source.media_type: must be text/plain")
        _text(source.get("data"), f"{at}.source.data")
    if "title" in block:
        _text(block["title"], f"{at}.title")
    if "citations" in block:
        demand(block["citations"] in ({"enabled": True}, {"enabled": False}), f"{at}.citations: must be enabled or not")


def cites(body: Obj) -> list[bool]:
    """Whether each of the request's documents is to be cited, in their order."""
    blocks = (block for message in body["messages"] for block in _contents(message))
    return [block.get("citations", {}).get("enabled", False) for block in blocks if block["type"] == "document"]


def _contents(message: Obj) -> list[Obj]:
    content = message["content"]
    return [] if isinstance(content, str) else content


def _check_file(media_type: object, encoded: object, kind: str, at: str) -> None:
    known = ("application/pdf",) if kind == "document" else tuple(SIGNS)[1:]
    demand(media_type in known, f"{at}.base64.media_type: Input should be one of {known}")
    demand(is_file(media_type, encoded), f"{at}.base64: Could not process {kind}")


def is_file(media_type: object, encoded: object) -> bool:
    """Whether base64 holds a file of the type, by its first bytes."""
    if not isinstance(encoded, str) or media_type not in SIGNS:
        return False
    try:
        content = base64.b64decode(encoded, validate=True)
    except ValueError:
        return False
    return content.startswith(SIGNS[str(media_type)])


def _check_system(system: object) -> None:
    if system is not None:
        _blocks(system, "system", frozenset({"text"}))


def _check_tools(tools: object, choice: object) -> None:
    names: set[str] = set()
    for index, each in enumerate(as_list(tools, "tools") if tools is not None else []):
        at = f"tools.{index}"
        tool = as_object(each, at)
        extra = set(tool) - {"name", "description", "input_schema", "cache_control", "strict", "type"}
        demand(not extra, f"{at}: Extra inputs are not permitted")
        name = tool.get("name")
        if not (isinstance(name, str) and _NAME.fullmatch(name)):
            raise Broken(f"{at}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
        demand(name not in names, "tools: Tool names must be unique")
        names.add(name)
        demand(isinstance(tool.get("description", ""), str), f"{at}.description: must be a string")
        schema = as_object(tool.get("input_schema"), f"{at}.input_schema")
        demand(schema.get("type") == "object", f"{at}.input_schema.type: must be 'object'")
        demand(isinstance(schema.get("properties", {}), Mapping), f"{at}.input_schema.properties: must be an object")
        required = as_list(schema.get("required", []), f"{at}.input_schema.required")
        demand(all(isinstance(field, str) for field in required), f"{at}.input_schema.required: must be strings")
    if choice is not None:
        kind = as_object(choice, "tool_choice").get("type")
        demand(kind in ("auto", "any", "tool", "none"), "tool_choice: unknown type")
        demand(bool(names), "tool_choice: may only be given together with tools")
        demand(kind != "tool" or as_object(choice, "tool_choice").get("name") in names, "tool_choice: no such tool")


def _check_thinking_setting(thinking: object, max_tokens: int) -> bool:
    """Whether thinking is on."""
    if thinking is None:
        return False
    setting = as_object(thinking, "thinking")
    kind = setting.get("type")
    demand(kind in ("adaptive", "enabled", "between_tools", "disabled"), "thinking: unknown type")
    if kind == "enabled":
        budget = setting.get("budget_tokens")
        enough = type(budget) is int and 1024 <= budget < max_tokens
        demand(enough, "thinking.budget_tokens: must be at least 1024 and less than max_tokens")
    return kind != "disabled"


def _check_turns(turns: Sequence[tuple[str, list[Obj]]], signer: Signer, thinks: bool) -> None:
    for number, (role, blocks) in enumerate(turns):
        if role != "assistant":
            continue
        kinds = [block["type"] for block in blocks]
        for block in blocks:
            _check_signature(block, signer, f"turn {number}")
        demand(kinds[-1] not in _THINKING, f"turn {number}: the final block of an assistant turn cannot be thinking")
        if thinks:
            spoken = next(index for index, kind in enumerate(kinds) if kind not in _THINKING)
            late = any(kind in _THINKING for kind in kinds[spoken:])
            demand(not late, f"turn {number}: thinking must come first in its turn")
    role, blocks = turns[-1]
    if role == "assistant" and blocks[-1]["type"] == "text":
        text = blocks[-1]["text"]
        demand(text == text.rstrip(), "messages: final assistant content cannot end with trailing whitespace")


def _check_signature(block: Obj, signer: Signer, at: str) -> None:
    if block["type"] == "thinking":
        text, signature = block.get("thinking"), block.get("signature")
        demand(isinstance(text, str), f"{at}: thinking must be a string")
        demand(signature == signer.sign(str(text)), f"{at}: Invalid `signature` in `thinking` block")
    elif block["type"] == "redacted_thinking":
        demand(signer.made(str(block.get("data"))), f"{at}: Invalid `data` in `redacted_thinking` block")


def _check_pairs(turns: Sequence[tuple[str, list[Obj]]]) -> None:
    """Rules 10 to 12."""
    seen: set[str] = set()
    open_ids: list[str] = []
    for number, (role, blocks) in enumerate(turns):
        if role == "assistant":
            open_ids = []
            for block in blocks:
                if block["type"] == "tool_use":
                    open_ids.append(_tool_use_id(block, seen, f"turn {number}"))
        else:
            _check_results(blocks, open_ids, f"turn {number}")
            open_ids = []
    if open_ids:
        raise Broken(f"`tool_use` ids were found without `tool_result` blocks immediately after: {open_ids[0]}")


def _tool_use_id(block: Obj, seen: set[str], at: str) -> str:
    call_id, name = block.get("id"), block.get("name")
    if not (isinstance(call_id, str) and _ID.fullmatch(call_id)):
        raise Broken(f"{at}: tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
    demand(call_id not in seen, f"{at}: `tool_use` ids must be unique")
    seen.add(call_id)
    demand(isinstance(name, str) and bool(_NAME.fullmatch(name)), f"{at}: tool_use.name: does not match the pattern")
    as_object(block.get("input"), f"{at}: tool_use.input")
    return call_id


def _check_results(blocks: Sequence[Obj], open_ids: Sequence[str], at: str) -> None:
    answered: list[str] = []
    for index, block in enumerate(blocks):
        if block["type"] != "tool_result":
            continue
        demand(len(answered) == index, f"{at}: `tool_result` blocks must come first in the user's turn")
        call_id = block.get("tool_use_id")
        if call_id not in open_ids:
            raise Broken(f"{at}: unexpected `tool_use_id` found in `tool_result` blocks: {call_id!r}")
        demand(call_id not in answered, f"{at}: each tool_use must have a single result: {call_id!r}")
        answered.append(str(call_id))
        demand(isinstance(block.get("is_error", False), bool), f"{at}: tool_result.is_error: must be a boolean")
        content = block.get("content", "")
        if not isinstance(content, str):
            _blocks(content, f"{at}: tool_result.content", frozenset({"text", "image", "document"}))
    if missing := [call_id for call_id in open_ids if call_id not in answered]:
        raise Broken(f"`tool_use` ids were found without `tool_result` blocks immediately after: {missing[0]}")


def _check_cache(body: Obj) -> None:
    marked = [block for block in _all_blocks(body) if block.get("cache_control") is not None]
    demand(len(marked) <= 4, f"a maximum of 4 blocks with cache_control may be provided; found {len(marked)}")
    for block in marked:
        marker = as_object(block["cache_control"], "cache_control")
        demand(marker.get("type") == "ephemeral", "cache_control.type: must be 'ephemeral'")


def _all_blocks(body: Obj) -> Iterator[Obj]:
    if isinstance(body.get("system"), list):
        yield from body["system"]
    yield from body.get("tools") or []
    for message in body["messages"]:
        if isinstance(message["content"], list):
            yield from message["content"]

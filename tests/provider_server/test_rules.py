"""Each rule of the provider server refuses what breaks it, and nothing else."""

import copy
from typing import Any

import pytest

from tests.provider_server.rules import SIGNER, Broken, Signer, check_body

Body = dict[str, Any]
CACHE = {"type": "ephemeral"}


def text(said: str = "Hi", **more: Any) -> Body:
    return {"type": "text", "text": said, **more}


def use(call_id: str = "t1", **more: Any) -> Body:
    return {"type": "tool_use", "id": call_id, "name": "sum", "input": {}, **more}


def result(call_id: str = "t1", **more: Any) -> Body:
    return {"type": "tool_result", "tool_use_id": call_id, "content": "1", **more}


def thinking(said: str = "hm") -> Body:
    return {"type": "thinking", "thinking": said, "signature": SIGNER.sign(said)}


def redacted(said: str = "secret") -> Body:
    return {"type": "redacted_thinking", "data": SIGNER.redact(said)}


def user(*blocks: Body) -> Body:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: Body) -> Body:
    return {"role": "assistant", "content": list(blocks)}


def document(said: str = "Total: 7", **more: Any) -> Body:
    source = {"type": "text", "media_type": "text/plain", "data": said}
    return {"type": "document", "source": source, "citations": {"enabled": True}, **more}


def body(*messages: Body, **more: Any) -> Body:
    return {
        "model": "claude-sonnet-5-5",
        "max_tokens": 2048,
        "stream": True,
        "system": [text("Be brief.", cache_control=CACHE)],
        "tools": [{"name": "sum", "description": "Adds.", "input_schema": {"type": "object", "properties": {}}}],
        "messages": list(messages)
        or [
            user(text("How much?")),
            assistant(thinking(), redacted(), text("I look."), use("t1"), use("t2")),
            user(result("t1"), result("t2", is_error=True), text("And?")),
            assistant(text("3")),
            user(text("Thanks.", cache_control=CACHE)),
        ],
        **more,
    }


@pytest.mark.parametrize(
    "accepted",
    [
        body(),
        body(thinking={"type": "adaptive"}),
        body(thinking={"type": "enabled", "budget_tokens": 1024}),
        body(system="Be brief."),
        body({"role": "user", "content": "Hi"}),
        body(user(text()), user(text())),
        body(user(text()), assistant(use()), user(result(content=[text()])), user(text())),
        body(user(text()), assistant(text("So far"))),
        body(user(text()), assistant(text(), thinking(), text())),  # thinking is off
        body(tool_choice={"type": "tool", "name": "sum"}),
        body(user({"type": "image", "source": {"type": "base64", "data": "iVBORw0KGgo=", "media_type": "image/png"}})),
        body(user(document(), document(title="Notes")), assistant(text("Yes.")), user(document())),
    ],
)
def test_what_keeps_the_rules_is_accepted(accepted: Body) -> None:
    before = copy.deepcopy(accepted)
    check_body(accepted)
    assert accepted == before


def without(field: str) -> Body:
    made = body()
    del made[field]
    return made


def tool(**changed: Any) -> Body:
    return {"name": "sum", "input_schema": {"type": "object"}, **changed}


BROKEN: list[tuple[object, str]] = [
    # 1, 2: the body, the model
    ([], "must be a JSON object"),
    (body(user(text("\ud83d"))), "half a character"),
    (body(prompt="x"), "prompt: Extra inputs"),
    (body(model="claude-nothing"), "model: 'claude-nothing' is unknown"),
    (without("model"), "model: None"),
    (body(max_tokens=0), "max_tokens"),
    (body(max_tokens=True), "max_tokens"),
    (body(max_tokens="5"), "max_tokens"),
    (body(stream=False), "stream"),
    # 3: the system text
    (body(system=""), "non-empty"),
    (body(system=[text(" \n")]), "non-whitespace"),
    (body(system=[result()]), "not allowed here"),
    # 4, 5: tools
    (body(tools={}), "tools: must be a list"),
    (body(tools=[tool(name="read range")]), "should match pattern"),
    (body(tools=[tool(name="x" * 129)]), "should match pattern"),
    (body(tools=[tool(name="")]), "should match pattern"),
    (body(tools=[tool(), tool()]), "Tool names must be unique"),
    (body(tools=[tool(title="Sum")]), "Extra inputs"),
    (body(tools=[tool(description=1)]), "description"),
    (body(tools=[tool(input_schema=None)]), "input_schema: must be an object"),
    (body(tools=[tool(input_schema={"type": "array"})]), "must be 'object'"),
    (body(tools=[tool(input_schema={"type": "object", "properties": []})]), "properties"),
    (body(tools=[tool(input_schema={"type": "object", "required": "a"})]), "required"),
    (body(tools=[tool(input_schema={"type": "object", "required": [1]})]), "required"),
    (body(tool_choice={"type": "some"}), "tool_choice: unknown type"),
    (body(tool_choice={"type": "tool", "name": "gone"}), "tool_choice: no such tool"),
    (body(user(text()), tools=[], tool_choice={"type": "auto"}), "only be given together with tools"),
    # 6: thinking
    (body(thinking={"type": "deep"}), "thinking: unknown type"),
    (body(thinking={"type": "enabled", "budget_tokens": 1000}), "budget_tokens"),
    (body(thinking={"type": "enabled", "budget_tokens": 2048}), "budget_tokens"),
    # 7, 8: messages and content
    (body(messages=[]), "at least one message"),
    (body(messages="Hi"), "at least one message"),
    (body("Hi"), "must be an object"),  # type: ignore[arg-type]  # what is broken is the type
    (body({"role": "system", "content": "Hi"}), "role: must be user or assistant"),
    (body({"role": "user"}), "must have role and content"),
    (body({"role": "user", "content": "Hi", "id": "1"}), "and nothing else"),
    (body(assistant(text()), user(text())), "first message must use the user role"),
    (body(user()), "at least one block"),
    (body({"role": "user", "content": None}), "must be a list"),
    (body(user(text(""))), "must be non-empty"),
    (body(user(text(" \n\t"))), "non-whitespace"),
    (body({"role": "user", "content": ""}), "must be non-empty"),
    (body(user({"type": "text", "text": 1})), "must be a string"),
    (body(user({"type": "video"})), "not allowed here"),
    (body(user(thinking())), "not allowed here"),
    (body(user(use())), "not allowed here"),
    (body(user(text()), assistant(result())), "not allowed here"),
    (body(user(text(step=1))), "Extra inputs"),
    (body(user({"type": "image", "source": {"type": "path"}})), "unknown type"),
    (body(user(document(" "))), "non-whitespace"),
    (body(user(document(title=" "))), "non-whitespace"),
    (body(user(document(citations=True))), "enabled or not"),
    (body(user(document(), document(citations={"enabled": False}))), "all documents or for none"),
    (body(user(document()), assistant(text("Yes.")), user(document(citations={"enabled": False}))), "all documents"),
    # 9: the end
    (body(user(text()), assistant(text("So far "))), "trailing whitespace"),
    # 10, 11, 12: tool calls and their results
    (body(user(text()), assistant(use("a:1")), user(result("a:1"))), "should match pattern"),
    (body(user(text()), assistant(use(""))), "should match pattern"),
    (body(user(text()), assistant(use(), use()), user(result())), "must be unique"),
    (body(user(text()), assistant(use()), user(result()), assistant(use()), user(result())), "must be unique"),
    (body(user(text()), assistant(use(name="read range")), user(result())), "does not match the pattern"),
    (body(user(text()), assistant(use(input="{}")), user(result())), "tool_use.input: must be an object"),
    (body(user(text()), assistant(use())), "without `tool_result` blocks immediately after: t1"),
    (body(user(text()), assistant(use()), user(text())), "without `tool_result` blocks immediately after: t1"),
    (body(user(text()), assistant(use("t1"), use("t2")), user(result("t1"))), "immediately after: t2"),
    (
        body(user(text()), assistant(use()), user(text()), assistant(text()), user(result())),
        "without `tool_result` blocks immediately after",
    ),
    (body(user(text()), assistant(use()), user(text(), result())), "must come first"),
    (body(user(text()), assistant(use("t1"), use("t2")), user(result(), text(), result("t2"))), "must come first"),
    (body(user(result())), "unexpected `tool_use_id`"),
    (body(user(text()), assistant(use()), user(result(), result())), "a single result"),
    (body(user(text()), assistant(use()), user(result(is_error="yes"))), "is_error"),
    (body(user(text()), assistant(use()), user(result(content=[text("")]))), "must be non-empty"),
    (body(user(text()), assistant(use()), user(result(content=[use()]))), "not allowed here"),
    # 13: tools must be defined
    (body(tools=[]), "must define tools"),
    (without("tools"), "must define tools"),
    # 14, 15: thinking
    (body(user(text()), assistant({**thinking(), "signature": "x"}, text("a"))), "Invalid `signature`"),
    (body(user(text()), assistant({**thinking(), "thinking": "hm "}, text("a"))), "Invalid `signature`"),
    (body(user(text()), assistant({"type": "thinking", "thinking": "hm"}, text("a"))), "Invalid `signature`"),
    (body(user(text()), assistant({"type": "thinking", "signature": "x"}, text("a"))), "must be a string"),
    (body(user(text()), assistant({"type": "redacted_thinking", "data": "x"}, text("a"))), "Invalid `data`"),
    (body(user(text()), assistant({"type": "redacted_thinking"}, text("a"))), "Invalid `data`"),
    (body(user(text()), assistant(thinking())), "cannot be thinking"),
    (body(user(text()), assistant(text(), redacted())), "cannot be thinking"),
    (body(user(text()), assistant(text(), thinking(), text("a")), thinking={"type": "adaptive"}), "come first"),
    # 16: cache markers
    (body(user(*(text(cache_control=CACHE) for _ in range(4)))), "maximum of 4 blocks"),
    (body(user(text(cache_control={"type": "for ever"}))), "cache_control.type"),
    (body(user(text()), assistant({**thinking(), "cache_control": CACHE}, text("a"))), "Extra inputs"),
    # 17: the window
    (body(user(text("x" * 900_000))), "prompt is too long"),
]


@pytest.mark.parametrize(("broken", "why"), BROKEN, ids=lambda value: value if isinstance(value, str) else "")
def test_what_breaks_a_rule_is_refused(broken: object, why: str) -> None:
    with pytest.raises(Broken) as caught:
        check_body(broken)
    assert why.lower() in str(caught.value).lower()


def test_the_window_can_be_set() -> None:
    with pytest.raises(Broken, match="> 20 maximum"):
        check_body(body(), window_tokens=20)


def test_a_signature_of_another_server_is_refused() -> None:
    with pytest.raises(Broken, match="signature"):
        check_body(body(), signer=Signer(b"another"))


@pytest.mark.parametrize("data", ["", ".", "x.y", "!!.!!", SIGNER.redact("a").replace(".", ".x")])
def test_only_what_was_made_here_is_redacted_thinking(data: str) -> None:
    assert not SIGNER.made(data)
    assert SIGNER.made(SIGNER.redact("a"))


@pytest.mark.parametrize(
    ("kind", "media_type", "encoded"),
    [
        ("image", "image/png", ""),
        ("image", "image/png", "!!!!"),
        ("image", "image/jpeg", "iVBORw0KGgo="),
        ("image", "image/svg+xml", "PHN2Zy8+"),
        ("image", "application/pdf", "JVBERi0="),
        ("document", "image/png", "iVBORw0KGgo="),
    ],
)
def test_files_that_are_not_what_they_say_are_refused(kind: str, media_type: str, encoded: str) -> None:
    block = {"type": kind, "source": {"type": "base64", "data": encoded, "media_type": media_type}}
    with pytest.raises(Broken, match="base64"):
        check_body(body(user(block)))

"""The history that goes to servers like OpenAI's: what each part becomes, and that the strict rules accept whatever
happened."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.chat.parts import Json, Message, Part, TextPart, ThinkingPart, ToolCallPart, ToolState
from hub.providers.base import Request, ToolSpec
from hub.providers.history import GO_ON, LEFT_OUT
from hub.providers.openai import presets
from hub.providers.openai.history import REASONING_FIELDS, UNSIGNED, call_signature, to_messages
from hub.providers.openai.presets import Preset
from hub.providers.openai.request import to_body
from tests.provider_server.openai_rules import GEMINI, MODELS, OLLAMA, OPENAI, Style, check_body, signature_of
from tests.provider_server.rules import SIGNER
from tests.providers.anthropic_setup import answer, call, user
from tests.providers.any_history import any_text, blank_or_text, messages, tools

KINDS: dict[str, tuple[Preset, Style]] = {
    "openai": (presets.OPENAI, OPENAI),
    "gemini": (msgspec.structs.replace(presets.GEMINI, name="openai"), GEMINI),
    "ollama": (msgspec.structs.replace(presets.OLLAMA, name="openai"), OLLAMA),
}
"""All by the name that some answers of `any_history` have."""
SIGNED: Json = {"google": {"thought_signature": signature_of("sum", SIGNER)}}


def sent(*history: Message, errors: tuple[str, ...] = (), signs_calls: bool = False) -> list[dict[str, Any]]:
    return to_messages(history, errors, provider="openai", signs_calls=signs_calls)


def roles(*history: Message) -> list[str]:
    return [message["role"] for message in sent(*history)]


def said(text: str, step: int = 0) -> Message:
    return answer(TextPart(text, step), provider="openai")


def test_calls_side_by_side_are_answered_each_before_the_next_step() -> None:
    parts = [*said("I look.").parts, call("c1"), call("c2", "denied", error="No."), *said("Done.", 1).parts]
    made = sent(user("Sum."), answer(*parts, provider="openai"), user("Thanks."))
    assert [message["role"] for message in made] == ["user", "assistant", "tool", "tool", "assistant", "user"]
    assert [one["id"] for one in made[1]["tool_calls"]] == ["c1", "c2"] == [one["tool_call_id"] for one in made[2:4]]
    assert "did not allow" in made[3]["content"]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("failed", "failed"),
        ("denied", "did not allow"),
        ("timed_out", "in time"),
        ("interrupted", "stopped"),
        ("pending", "before this call ran"),
    ],
)
def test_each_outcome_is_told_apart(state: ToolState, words: str) -> None:
    told = sent(user("Sum."), answer(call(state=state, arguments={}), provider="openai"), user("And?"))[2]
    assert told["role"] == "tool" and words in told["content"]


def test_an_answer_that_is_gone_on_with_is_followed_by_the_wish_to_go_on() -> None:
    assert sent(user("Tell."), said("Once upon"))[-1] == {"role": "user", "content": GO_ON}


def test_what_is_left_out_at_the_beginning_is_said() -> None:
    assert sent(said("Yes."), user("And?"))[0] == {"role": "user", "content": LEFT_OUT}


def test_an_empty_answer_is_left_out_and_its_neighbours_join() -> None:
    assert roles(user("One."), answer(provider="openai"), user("Two.")) == ["user"]
    assert sent(user("One."), answer(provider="openai"), user("Two."))[0]["content"] == "One.\n\nTwo."


def test_errors_of_the_client_come_last() -> None:
    made = sent(user("Sum."), answer(call(), provider="openai"), errors=("No sheet.",))
    assert made[-1]["role"] == "user" and "No sheet." in made[-1]["content"]


@pytest.mark.parametrize("field", REASONING_FIELDS)
def test_thinking_goes_back_with_its_calls_in_its_own_field_and_to_its_own_server_only(field: str) -> None:
    parts: list[Part] = [ThinkingPart("I count.", 0, field), call()]
    assert sent(user("Sum."), answer(*parts, provider="openai"))[1][field] == "I count."
    assert field not in sent(user("Sum."), answer(*parts, provider="anthropic"))[1]
    unsigned: list[Part] = [ThinkingPart("I count.", 0), call()]
    assert not set(REASONING_FIELDS) & set(sent(user("Sum."), answer(*unsigned, provider="openai"))[1])


def test_signatures_of_calls_go_back_and_calls_of_others_skip_the_check() -> None:
    own: list[Part] = [ThinkingPart("", 0, call_signature("c1", SIGNED)), call("c1"), call("c2")]
    made = sent(user("Sum."), answer(*own, provider="openai"), signs_calls=True)[1]["tool_calls"]
    assert [one.get("extra_content") for one in made] == [SIGNED, None]
    others = sent(user("Sum."), answer(*own, provider="anthropic"), signs_calls=True)[1]["tool_calls"]
    assert [one.get("extra_content") for one in others] == [UNSIGNED, None]
    unasked = sent(user("Sum."), answer(*own, provider="openai"))[1]["tool_calls"]
    assert not any("extra_content" in one for one in unasked)


def as_it_came(message: Message, style: Style) -> Message:
    """Answers of this server have thinking and signatures as it gives them, or none."""
    if message.provider != "openai":
        return message
    parts = list(message.parts)
    for place, part in enumerate(parts):
        if isinstance(part, ThinkingPart):
            signature = style.reasoning if part.signature in REASONING_FIELDS else None
            parts[place] = msgspec.structs.replace(part, signature=signature)
        elif isinstance(part, ToolCallPart) and style.signs and part.name == "sum":
            parts.append(ThinkingPart("", part.step, call_signature(part.call_id, SIGNED)))
    return msgspec.structs.replace(message, parts=sorted(parts, key=lambda part: part.step))


@settings(max_examples=250, deadline=None)
@given(
    st.sampled_from(sorted(KINDS)),
    st.lists(messages, max_size=6),
    tools,
    blank_or_text,
    st.lists(any_text, max_size=2),
)
def test_the_strict_rules_accept_any_history(
    kind: str, history: list[Message], specs: list[ToolSpec], system: str, errors: list[str]
) -> None:
    preset, style = KINDS[kind]
    request = Request(
        session_id="s",
        run_id="r",
        model=MODELS[0],
        system=system,
        messages=[as_it_came(message, style) for message in history],
        tools=specs,
        client_errors=errors,
    )
    body = to_body(request, preset, max_tokens=1024)
    check_body(json.loads(json.dumps(body, allow_nan=False)), style, signer=SIGNER)
    assert json.dumps(body) == json.dumps(to_body(request, preset, max_tokens=1024)), "always the same"


@settings(max_examples=150, deadline=None)
@given(st.lists(messages, min_size=1, max_size=6), st.data())
def test_a_history_that_grows_keeps_its_beginning(history: list[Message], data: st.DataObject) -> None:
    asked = [index for index, message in enumerate(history) if message.role == "user"]
    if not asked:
        return
    cut = data.draw(st.sampled_from(asked)) + 1
    before, after = sent(*history[:cut]), sent(*history)
    assert before[:-1] == after[: len(before) - 1]

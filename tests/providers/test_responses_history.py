"""The history that goes to the Responses API: what each part becomes, and that the strict rules accept whatever
happened."""

import json
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.chat.parts import Message, Part, TextPart, ThinkingPart
from hub.providers.base import Request, ToolSpec
from hub.providers.history import EMPTY_MESSAGE, GO_ON, LEFT_OUT
from hub.providers.openai import presets
from hub.providers.openai.responses.history import Item, signature, to_items
from hub.providers.openai.responses.request import REASONING, to_body
from tests.provider_server.openai_rules import MODELS, OPENAI
from tests.provider_server.responses_rules import check_body, encrypted, reasoning_id
from tests.provider_server.rules import SIGNER
from tests.providers.anthropic_setup import answer, call, user
from tests.providers.any_history import any_text, blank_or_text, messages, tools


def reasoned(number: int, text: str = "hm", step: int = 0) -> ThinkingPart:
    name = reasoning_id(number, SIGNER)
    return ThinkingPart(text, step, signature(id=name, encrypted_content=encrypted(name, text, SIGNER)))


def own(*parts: Part) -> Message:
    return answer(*parts, provider="openai")


def sent(*history: Message, errors: Sequence[str] = (), reasons: bool = True) -> list[Item]:
    return to_items(history, errors, provider="openai", reasons=reasons)


def kinds(*history: Message, reasons: bool = True) -> list[str]:
    return [str(item.get("role", item["type"])) for item in sent(*history, reasons=reasons)]


def test_a_step_goes_in_its_order_and_its_outputs_after_it() -> None:
    parts: list[Part] = [reasoned(1), TextPart("I look."), reasoned(2), call("c1"), call("c2", "denied", error="No.")]
    made = sent(user("Sum."), own(*parts, reasoned(3, step=1), TextPart("Done.", 1)), user("Thanks."))
    assert [item.get("role", item["type"]) for item in made] == [
        *("user", "reasoning", "assistant", "reasoning", "function_call", "function_call"),
        *("function_call_output", "function_call_output", "reasoning", "assistant", "user"),
    ]
    assert [item["call_id"] for item in made[4:8]] == ["c1", "c2", "c1", "c2"]
    assert "did not allow" in made[7]["output"]


def test_reasoning_goes_only_to_who_made_it_and_with_what_it_led_to() -> None:
    followed: list[Part] = [reasoned(1), TextPart("Yes.")]
    assert kinds(user("?"), answer(*followed), user("!")) == ["user", "assistant", "user"]
    assert kinds(user("?"), own(*followed), user("!"), reasons=False) == ["user", "assistant", "user"]
    assert kinds(user("?"), own(TextPart("Yes."), reasoned(1)), user("!")) == ["user", "assistant", "user"]
    assert kinds(user("?"), own(reasoned(1), TextPart(" ")), user("!")) == ["user", "user"]
    # What led to a step that is not the next one is not what led to that.
    assert kinds(user("?"), own(reasoned(1), TextPart("Yes.", 1)), user("!")) == ["user", "assistant", "user"]


@pytest.mark.parametrize(
    "foreign", ["reasoning", "{", "[1]", "{}", '{"id": "rs_1"}', '{"encrypted_content": "x"}', '{"id": 1}', None]
)
def test_what_other_apis_signed_is_passed_over(foreign: str | None) -> None:
    thinking = ThinkingPart("hm", signature=foreign)
    assert kinds(user("?"), own(thinking, TextPart("Yes.")), user("!")) == ["user", "assistant", "user"]


def test_a_phase_is_that_of_what_is_said_next() -> None:
    def phase(word: str, step: int) -> ThinkingPart:
        return ThinkingPart("", step, signature(phase=word))

    parts: list[Part] = [
        phase("commentary", 0),
        TextPart("I look."),
        call("c1"),
        phase("final_answer", 1),
        TextPart("7.", 1),
    ]
    made = sent(user("?"), own(*parts, TextPart("8.", 2)), user("!"))
    assert [item.get("phase") for item in made if item.get("role") == "assistant"] == [
        "commentary",
        "final_answer",
        None,
    ]


def test_the_user_is_first_and_the_model_is_not_last() -> None:
    assert sent() == [{"type": "message", "role": "user", "content": EMPTY_MESSAGE}]
    assert [item["content"] for item in sent(own(TextPart("Half")))] == [LEFT_OUT, "Half", GO_ON]
    assert kinds(user("?"), own(call("c1"))) == ["user", "function_call", "function_call_output"]
    told = sent(user("?"), own(call("c1")), errors=["It broke."])[-1]
    assert told["role"] == "user" and "It broke." in told["content"]


def test_ids_are_unique_and_short() -> None:
    made = sent(user("?"), own(call("x" * 99), call("x" * 99, step=1)), own(call("c:1")), user("!"))
    ids = [item["call_id"] for item in made if item["type"] == "function_call"]
    assert len(set(ids)) == 3 and max(map(len, ids)) <= 64


@st.composite
def histories(draw: st.DrawFn) -> list[Message]:
    """Answers of OpenAI's have reasoning as it gives it, or as another of its APIs does."""
    found: list[Message] = []
    for message in draw(st.lists(messages, max_size=6)):
        parts = list(message.parts)
        for place, part in enumerate(parts):
            if message.provider == "openai" and isinstance(part, ThinkingPart):
                words = ThinkingPart(
                    "", part.step, signature(phase=draw(st.sampled_from(["commentary", "final_answer"])))
                )
                parts[place] = draw(
                    st.sampled_from([part, words, reasoned(draw(st.integers(0, 3)), part.text, part.step)])
                )
        found.append(msgspec.structs.replace(message, parts=parts))
    return found


@settings(max_examples=150, deadline=None)
@given(histories(), tools, blank_or_text, st.lists(any_text, max_size=2), st.booleans())
def test_the_strict_rules_accept_any_history(
    history: list[Message], specs: list[ToolSpec], system: str, errors: list[str], reasons: bool
) -> None:
    request = Request(
        session_id="s",
        run_id="r",
        model=MODELS[0],
        system=system,
        messages=history,
        tools=specs,
        client_errors=errors,
    )
    left_out = frozenset() if reasons else frozenset({REASONING})
    body = to_body(request, presets.OPENAI, max_tokens=1024, left_out=left_out)
    check_body(json.loads(json.dumps(body, allow_nan=False)), OPENAI, signer=SIGNER)
    again = to_body(request, presets.OPENAI, max_tokens=1024, left_out=left_out)
    assert json.dumps(body) == json.dumps(again), "always the same"


@settings(max_examples=60, deadline=None)
@given(histories(), st.data())
def test_a_history_that_grows_keeps_its_beginning(history: list[Message], data: st.DataObject) -> None:
    asked = [index for index, message in enumerate(history) if message.role == "user"]
    if not asked:
        return
    cut = data.draw(st.sampled_from(asked)) + 1
    before, after = sent(*history[:cut]), sent(*history)
    assert before == after[: len(before)]

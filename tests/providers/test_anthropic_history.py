"""The history that goes to Anthropic: what each part becomes, and that the strict rules accept whatever happened."""

import json
import math
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.chat.parts import (
    Approval,
    FilePart,
    Json,
    Message,
    Part,
    TextPart,
    ThinkingPart,
    ToolState,
)
from hub.providers.anthropic_history import Turn, to_turns
from hub.providers.anthropic_request import to_body
from hub.providers.base import Request, ToolSpec
from hub.providers.history import EMPTY_MESSAGE, GO_ON, LEFT_OUT, CallIds, result_text, sent_names, valid_name
from hub.providers.text import whole_json, whole_text
from tests.provider_server.rules import MODELS, check_body
from tests.providers.anthropic_setup import answer, ask, call, user
from tests.providers.any_history import any_text, blank_or_text, messages, signed, tools


def body_of(request: Request, *, thinking: bool = True) -> dict[str, Any]:
    return {**to_body(request, max_tokens=1024, thinking=thinking), "stream": True}


def shape(turns: list[Turn]) -> list[tuple[str, list[str]]]:
    return [(turn.role, [block["type"] for block in turn.content]) for turn in turns]


def test_an_answer_is_cut_by_step() -> None:
    turns = to_turns(
        [
            user("How much?"),
            answer(
                signed("Look."),
                TextPart("I look."),
                call("a", arguments={"column": "A"}, result=1),
                call("b", arguments={"column": "B"}, result=2),
                signed("Add.", 1),
                call("c", step=1, arguments={}, result=3),
                TextPart("It is 3.", 2),
            ),
            user("Thanks."),
        ]
    )
    assert shape(turns) == [
        ("user", ["text"]),
        ("assistant", ["thinking", "text", "tool_use", "tool_use"]),
        ("user", ["tool_result", "tool_result"]),
        ("assistant", ["thinking", "tool_use"]),
        ("user", ["tool_result"]),
        ("assistant", ["text"]),
        ("user", ["text"]),
    ]
    assert turns[2].content == [
        {"type": "tool_result", "tool_use_id": "a", "content": "1"},
        {"type": "tool_result", "tool_use_id": "b", "content": "2"},
    ]


def test_results_come_before_the_next_words_of_the_user() -> None:
    turns = to_turns([user("Go"), answer(call("a", "interrupted", arguments={})), user("And?")])
    assert shape(turns)[-1] == ("user", ["tool_result", "text"])


def test_an_empty_answer_is_left_out_and_its_neighbours_join() -> None:
    stopped = [answer(status="stopped"), answer(TextPart(" \n"), ThinkingPart("half a th")), answer(signed("only"))]
    for message in stopped:
        assert shape(to_turns([user("One"), message, user("Two")])) == [("user", ["text", "text"])]


def test_thinking_goes_back_only_to_who_made_it_and_signed() -> None:
    parts: list[Part] = [signed("hm"), ThinkingPart("", redacted="data"), ThinkingPart("unsigned"), TextPart("Yes.")]
    assert shape(to_turns([user("?"), answer(*parts)]))[1][1] == ["thinking", "redacted_thinking", "text"]
    assert shape(to_turns([user("?"), answer(*parts, provider="openai")]))[1][1] == ["text"]


def test_thinking_of_an_answer_that_joins_another_is_dropped() -> None:
    turns = to_turns([user("?"), answer(signed("a"), TextPart("A")), answer(signed("b"), TextPart("B"))])
    assert shape(turns)[1][1] == ["thinking", "text", "text"]


@pytest.mark.parametrize("state", get_args(ToolState))
def test_each_state_of_a_call_is_told_apart(state: ToolState) -> None:
    text, is_error = result_text(call(state=state, arguments={}, result="fine", error="because"))
    others = {result_text(call(state=other, arguments={}, result="fine"))[0] for other in get_args(ToolState)}
    assert is_error == (state != "success")
    assert text == "fine" if state == "success" else "because" in text
    assert len(others) == 6  # pending and approval are told alike, so are running and interrupted


def test_a_call_that_nobody_allowed_did_not_take_effect() -> None:
    waited = msgspec.structs.replace(call(state="interrupted", arguments={}), access="write", approval=Approval())
    allowed = msgspec.structs.replace(waited, approval=Approval(approve=True, by="ann"))
    assert result_text(waited) == ("The answer was stopped before anybody allowed this call; it did not run.", True)
    assert "It may have taken effect" in result_text(allowed)[0]


def test_a_call_whose_arguments_were_cut_off_is_answered_so() -> None:
    turns = to_turns([user("?"), answer(call("a", "interrupted", arguments=None))])
    assert turns[1].content[0]["input"] == {}
    assert "did not run" in turns[2].content[0]["content"]
    assert turns[2].content[0]["is_error"] is True


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("plain", "plain"),
        ("", '""'),
        (" ", '" "'),
        (None, "null"),
        ({"größe": [1, 2.5]}, '{"größe": [1, 2.5]}'),
        (math.inf, "null"),
        ("half \ud83d", "half \ufffd"),
    ],
)
def test_results_are_text(result: Json, text: str) -> None:
    assert result_text(call(result=result)) == (text, False)


def test_context_stands_before_the_words_and_errors_after_them() -> None:
    turns = to_turns([user("Sum it", context={"selection": "B1:B10"})], ["The chart did not draw"])
    first, second, third = (block["text"] for block in turns[0].content)
    assert first == '<context>\n{"selection": "B1:B10"}\n</context>'
    assert second == "Sum it"
    assert "- The chart did not draw" in third


def test_errors_of_the_client_come_after_tool_results() -> None:
    turns = to_turns([user("Go"), answer(call("a", arguments={}, result=1))], ["Oops"])
    assert shape(turns)[-1] == ("user", ["tool_result", "text"])


def test_an_answer_under_way_ends_without_white_space() -> None:
    turns = to_turns([user("?"), answer(TextPart("So far \n"), status="streaming")])
    assert turns[-1].content[-1]["text"] == "So far"


def test_an_answer_that_is_gone_on_with_is_followed_by_the_wish_to_go_on() -> None:
    turns = to_turns([user("?"), answer(TextPart("So far"), status="stopped")])
    assert [turn.content[-1]["text"] for turn in turns] == ["?", "So far", GO_ON]


def test_an_answer_that_ended_with_tool_results_goes_on_by_them() -> None:
    turns = to_turns([user("?"), answer(call("a", arguments={}, result=1), status="stopped")])
    assert shape(turns)[-1] == ("user", ["tool_result"])


def test_files_are_named() -> None:
    part = FilePart("f1", "sales.csv", "text/csv", 12)
    message = Message(message_id="u", role="user", author="ann", parts=[part], status="complete", created_at=0)
    assert to_turns([message])[0].content[0]["text"] == "[file: sales.csv, text/csv, 12 bytes]"
    assert shape(to_turns([message, answer(TextPart("Here."), part)]))[1][1] == ["text"]


def test_a_request_always_says_something() -> None:
    assert to_turns([]) == [Turn("user", [{"type": "text", "text": EMPTY_MESSAGE}])]
    assert to_turns([user("  ")])[0].content[0]["text"] == EMPTY_MESSAGE
    assert [turn.content[0]["text"] for turn in to_turns([answer(TextPart("And so"))])] == [
        LEFT_OUT,
        "And so",
        GO_ON,
    ]


def test_names_are_made_valid_and_kept_apart() -> None:
    assert valid_name("read_range-2") == "read_range-2"
    made = {valid_name(name) for name in ("a b", "a.b", "a_b", "", "ü", "x" * 200, "x" * 201, "\ud83d")}
    assert len(made) == 8
    assert all(valid_name(name) == name for name in made)


def test_ids_of_calls_are_unique_in_a_request() -> None:
    ids = CallIds()
    taken = [ids.take(call_id) for call_id in ("a", "a", "a_2", "call:1", "call:1", "a")]
    assert len(set(taken)) == 6
    assert taken[0] == "a"
    again = CallIds()
    assert [again.take(call_id) for call_id in ("a", "a", "a_2", "call:1", "call:1", "a")] == taken


def test_whole_text_joins_halves_and_replaces_lone_ones() -> None:
    assert whole_text("a\ud83d\ude00b") == "a😀b"
    assert whole_text("\ude00 \ud83d") == "\ufffd \ufffd"
    assert whole_json({"\ud83d": [math.nan, "\ude00", (1, None, True)]}) == {
        "\ufffd": [None, "\ufffd", [1, None, True]]
    }


def test_calls_of_tools_that_are_gone_still_have_their_definition() -> None:
    body = body_of(ask(user("?"), answer(call("a", arguments={}, result=1)), user("And?"), tools=()))
    assert [tool["name"] for tool in body["tools"]] == ["sum"]
    assert body["tool_choice"] == {"type": "none"}
    check_body(body)


def test_no_system_text_is_no_field() -> None:
    assert "system" not in body_of(ask(system=" \n"))


@settings(max_examples=400, deadline=None)
@given(
    st.lists(messages, max_size=6),
    tools,
    blank_or_text,
    st.lists(any_text, max_size=2),
    st.booleans(),
)
def test_the_strict_rules_accept_any_history(
    history: list[Message], specs: list[ToolSpec], system: str, errors: list[str], thinking: bool
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
    body = body_of(request, thinking=thinking)
    check_body(json.loads(json.dumps(body, allow_nan=False)))
    assert json.dumps(body) == json.dumps(body_of(request, thinking=thinking))
    assert set(sent_names(specs)) == {tool["name"] for tool in body.get("tools", [])} or not specs


@settings(max_examples=200, deadline=None)
@given(st.lists(messages, min_size=1, max_size=6), st.data())
def test_a_history_that_grows_keeps_its_beginning(history: list[Message], data: st.DataObject) -> None:
    asked = [index for index, message in enumerate(history) if message.role == "user"]
    if not asked:
        return
    cut = data.draw(st.sampled_from(asked)) + 1
    before, after = to_turns(history[:cut]), to_turns(history)
    assert before[:-1] == after[: len(before) - 1]
    last = after[len(before) - 1]
    assert last.role == "user" and last.content[: len(before[-1].content)] == before[-1].content

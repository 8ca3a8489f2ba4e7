"""Each rule of the provider server's OpenAI wire refuses what breaks it, and nothing else."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.provider_server.openai_rules import GEMINI, OLLAMA, OPENAI, SKIPS, Style, check_body, signature_of
from tests.provider_server.rules import SIGNER, Broken

Body = dict[str, Any]
Change = Callable[[Body], object]


def call(call_id: str = "c1", arguments: str = "{}", **more: Any) -> Body:
    return {"id": call_id, "type": "function", "function": {"name": "sum", "arguments": arguments}, **more}


def good() -> Body:
    return {
        "model": "gpt-5.5",
        "stream": True,
        "stream_options": {"include_usage": True},
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "sum",
                    "description": "Adds.",
                    "parameters": {
                        "type": "object",
                        "properties": {"columns": {"type": "array", "items": {"type": "string"}}, "type": {}},
                    },
                },
            }
        ],
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "How much?"},
            {"role": "assistant", "content": "I look.", "tool_calls": [call("c1"), call("c2")]},
            {"role": "tool", "tool_call_id": "c2", "content": "2"},
            {"role": "tool", "tool_call_id": "c1", "content": "1"},
            {"role": "assistant", "content": "3"},
            {"role": "user", "content": "And?"},
            {"role": "assistant", "tool_calls": [call("c3")]},
            {"role": "tool", "tool_call_id": "c3", "content": "4"},
        ],
    }


def check(body: object, style: Style = OPENAI, window_tokens: int = 10_000) -> None:
    check_body(body, style, signer=SIGNER, window_tokens=window_tokens)


def test_what_keeps_the_rules_is_accepted() -> None:
    check(good())
    check({"model": "gpt-5.5", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 5})
    check({**good(), "tool_choice": {"type": "function", "function": {"name": "sum"}}, "parallel_tool_calls": True})
    check(good(), OLLAMA)


def function(body: Body) -> Body:
    tool: Body = body["tools"][0]["function"]
    return tool


BREAKS: dict[str, tuple[Change, str]] = {
    "unknown field": (lambda b: b.update(store=True), "Unrecognized request argument"),
    "unknown model": (lambda b: b.update(model="gpt-0"), "does not exist"),
    "half a character": (lambda b: b["messages"][1].update(content="\ud83d"), "half a character"),
    "stream is no boolean": (lambda b: b.update(stream=1), "stream"),
    "options without a stream": (lambda b: b.update(stream=False), "stream_options"),
    "unknown option": (lambda b: b["stream_options"].update(more=1), "stream_options"),
    "no tokens": (lambda b: b.update(max_tokens=0), "max_tokens"),
    "two limits": (lambda b: b.update(max_tokens=1, max_completion_tokens=1), "exclude"),
    "no tools in a list": (lambda b: b.update(tools=[]), "1 to 128"),
    "too many tools": (lambda b: b.update(tools=b["tools"] * 129), "1 to 128"),
    "no function": (lambda b: b["tools"][0].update(type="custom"), "no function"),
    "a function's unknown field": (lambda b: function(b).update(title="Sum"), "unknown field"),
    "a bad name": (lambda b: function(b).update(name="sum up"), "pattern"),
    "a long name": (lambda b: function(b).update(name="x" * 65), "pattern"),
    "a name twice": (lambda b: b["tools"].append(b["tools"][0]), "unique"),
    "a description that is none": (lambda b: function(b).update(description=1), "description"),
    "no schema": (lambda b: function(b).pop("parameters"), "parameters"),
    "no object": (lambda b: function(b).update(parameters={"type": "string"}), "type 'object'"),
    "a union at the top": (lambda b: function(b)["parameters"].update(anyOf=[]), "top level"),
    "an array of nothing": (
        lambda b: function(b)["parameters"]["properties"].update(x={"anyOf": [{"type": "array"}]}),
        "missing items",
    ),
    "an array or null of nothing": (
        lambda b: function(b)["parameters"]["properties"].update(x={"type": ["array", "null"]}),
        "missing items",
    ),
    "a choice without tools": (lambda b: (b.pop("tools"), b.update(tool_choice="none")), "tool_choice"),
    "parallel calls without tools": (lambda b: (b.pop("tools"), b.update(parallel_tool_calls=True)), "parallel"),
    "an unknown choice": (lambda b: b.update(tool_choice="some"), "tool_choice"),
    "no messages": (lambda b: b.update(messages=[]), "too short"),
    "messages that are no list": (lambda b: b.update(messages={}), "must be a list"),
    "an unknown role": (lambda b: b["messages"][1].update(role="function"), "role"),
    "an unknown field of a message": (lambda b: b["messages"][1].update(id="x"), "Unrecognized field id"),
    "reasoning": (lambda b: b["messages"][5].update(reasoning="hm"), "Unrecognized field reasoning"),
    "blank": (lambda b: b["messages"][1].update(content=" \n"), "blank"),
    "nothing said": (lambda b: b["messages"][5].update(content=None), "blank"),
    "a blank result": (lambda b: b["messages"][3].update(content=""), "blank"),
    "the system late": (lambda b: b["messages"].append({"role": "system", "content": "x"}), "at the beginning"),
    "the assistant first": (lambda b: b["messages"].pop(1), "user's"),
    "the user twice": (lambda b: b["messages"].insert(1, {"role": "user", "content": "x"}), "alternate"),
    "the assistant twice": (lambda b: b["messages"].insert(6, {"role": "assistant", "content": "x"}), "alternate"),
    "the assistant last": (lambda b: b["messages"].append({"role": "assistant", "content": "x"}), "last message"),
    "no calls in a list": (lambda b: b["messages"][2].update(tool_calls=[]), "too short"),
    "a call's unknown field": (lambda b: b["messages"][2]["tool_calls"][0].update(index=0), "no function call"),
    "extra content": (lambda b: b["messages"][2]["tool_calls"][0].update(extra_content={}), "extra_content"),
    "no id": (lambda b: b["messages"][2]["tool_calls"][0].update(id=""), "id"),
    "a long id": (lambda b: b["messages"][2]["tool_calls"][0].update(id="x" * 41), "id"),
    "an id twice": (lambda b: b["messages"][2]["tool_calls"][1].update(id="c1"), "unique"),
    "an id twice, later": (lambda b: b["messages"][7]["tool_calls"][0].update(id="c1"), "unique"),
    "a called name that is bad": (lambda b: b["messages"][2]["tool_calls"][0]["function"].update(name=""), "pattern"),
    "arguments as an object": (
        lambda b: b["messages"][2]["tool_calls"][0]["function"].update(arguments={}),
        "arguments",
    ),
    "arguments that are cut": (
        lambda b: b["messages"][2]["tool_calls"][0]["function"].update(arguments="{"),
        "arguments",
    ),
    "arguments in a list": (
        lambda b: b["messages"][2]["tool_calls"][0]["function"].update(arguments="[]"),
        "arguments",
    ),
    "a call without an answer": (lambda b: b["messages"].pop(3), "did not have a response"),
    "a last call without an answer": (lambda b: b["messages"].pop(), "did not have a response|last message"),
    "an answer twice": (lambda b: b["messages"].insert(3, b["messages"][3]), "must be a response"),
    "an answer without a call": (
        lambda b: b["messages"].insert(2, {"role": "tool", "tool_call_id": "c9", "content": "x"}),
        "must be a response",
    ),
}


@pytest.mark.parametrize("what", BREAKS)
def test_what_breaks_a_rule_is_refused(what: str) -> None:
    change, reason = BREAKS[what]
    body = copy.deepcopy(good())
    change(body)
    with pytest.raises(Broken, match=reason):
        check(body)


def test_the_window_is_counted() -> None:
    with pytest.raises(Broken, match="maximum context length"):
        check(good(), window_tokens=100)


def test_what_one_server_knows_another_does_not() -> None:
    with pytest.raises(Broken, match="max_completion_tokens"):
        check({**good(), "max_completion_tokens": 9}, OLLAMA)
    with pytest.raises(Broken, match="include_obfuscation"):
        check({**good(), "stream_options": {"include_obfuscation": False}}, GEMINI)
    with pytest.raises(Broken, match="not supported"):
        check(good(), Style(streams="refuses"))
    with pytest.raises(Broken, match="reasoning_effort"):
        check(good(), Style(needs_no_effort=True))
    check({**good(), "reasoning_effort": "none"}, Style(needs_no_effort=True))


def test_signatures_of_the_turn_under_way_are_checked() -> None:
    body = good()
    with pytest.raises(Broken, match="thought_signature"):
        check(body, GEMINI)
    for signature in (signature_of("sum", SIGNER), SKIPS):
        body["messages"][7]["tool_calls"] = [call("c3", extra_content={"google": {"thought_signature": signature}})]
        check(body, GEMINI)


def test_reasoning_comes_back() -> None:
    style = Style(reasoning="reasoning_content", wants_reasoning=True)
    body = good()
    with pytest.raises(Broken, match="passed back"):
        check(body, style)
    for message in body["messages"]:
        if "tool_calls" in message:
            message["reasoning_content"] = "hm"
    check(body, style)

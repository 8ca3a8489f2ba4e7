"""The strict wire of the Responses API refuses what breaks its rules, and nothing else."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.provider_server.openai_rules import OPENAI, Style
from tests.provider_server.responses_rules import AFTER, check_body, encrypted, reasoning_id
from tests.provider_server.rules import SIGNER, Broken, Signer

Body = dict[str, Any]
Change = Callable[[Body], object]

RS = reasoning_id(1, SIGNER)


def said(role: str, content: object, **more: Any) -> Body:
    return {"type": "message", "role": role, "content": content, **more}


def call(call_id: str = "c1", arguments: str = "{}") -> Body:
    return {"type": "function_call", "call_id": call_id, "name": "sum", "arguments": arguments}


def output(call_id: str = "c1", text: str = "7") -> Body:
    return {"type": "function_call_output", "call_id": call_id, "output": text}


def reasoning(name: str = RS, text: str = "hm", signer: Signer = SIGNER) -> Body:
    summary = [{"type": "summary_text", "text": text}]
    return {"type": "reasoning", "id": name, "summary": summary, "encrypted_content": encrypted(name, text, signer)}


def good() -> Body:
    return {
        "model": "gpt-5.5",
        "stream": True,
        "stream_options": {"include_obfuscation": False},
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"summary": "auto"},
        "instructions": "Be brief.",
        "tools": [
            {
                "type": "function",
                "name": "sum",
                "description": "Adds.",
                "parameters": {"type": "object", "properties": {}},
                "strict": False,
            }
        ],
        "input": [
            said("user", "How much?"),
            call("c1"),
            call("c2"),
            output("c2"),
            output("c1"),
            said("assistant", "7", phase="final_answer"),
            said("user", [{"type": "input_text", "text": "And?"}]),
            reasoning(),
            said("assistant", "I look.", phase="commentary"),
            call(f"{AFTER}{RS}_2"),
            output(f"{AFTER}{RS}_2"),
        ],
    }


def check(body: object, style: Style = OPENAI, window_tokens: int = 10_000, signer: Signer = SIGNER) -> None:
    check_body(body, style, signer=signer, window_tokens=window_tokens)


def test_what_keeps_the_rules_is_accepted() -> None:
    check(good())
    check({"model": "gpt-5.5", "store": False, "input": [said("user", "Hi")], "max_output_tokens": 16})
    check({**good(), "tool_choice": {"type": "function", "name": "sum"}, "parallel_tool_calls": True})


def tool(body: Body) -> Body:
    found: Body = body["tools"][0]
    return found


def item(body: Body, place: int) -> Body:
    found: Body = body["input"][place]
    return found


BREAKS: dict[str, tuple[Change, str]] = {
    "unknown field": (lambda b: b.update(messages=[]), "Unrecognized request argument"),
    "unknown model": (lambda b: b.update(model="gpt-0"), "does not exist"),
    "half a character": (lambda b: item(b, 0).update(content="\ud83d"), "half a character"),
    "stored": (lambda b: b.update(store=True), "store"),
    "stored by default": (lambda b: b.pop("store"), "store"),
    "blank instructions": (lambda b: b.update(instructions=" "), "instructions"),
    "too few tokens": (lambda b: b.update(max_output_tokens=8), "max_output_tokens"),
    "an unknown include": (lambda b: b.update(include=["all"]), "include"),
    "an unknown summary": (lambda b: b["reasoning"].update(summary="long"), "summary"),
    "an unknown effort": (lambda b: b["reasoning"].update(effort="most"), "effort"),
    "an unknown field of reasoning": (lambda b: b["reasoning"].update(budget=1), "reasoning"),
    "a long key of the cache": (lambda b: b.update(prompt_cache_key="x" * 65), "prompt_cache_key"),
    "stream is no boolean": (lambda b: b.update(stream=1), "stream"),
    "options without a stream": (lambda b: b.update(stream=False), "stream_options"),
    "unknown option": (lambda b: b["stream_options"].update(include_usage=True), "unknown field"),
    "no tools in a list": (lambda b: b.update(tools=[]), "1 to 128"),
    "a tool of another kind": (lambda b: tool(b).update(type="custom"), "no function"),
    "a tool as Chat Completions has it": (lambda b: tool(b).update(function={}), "function"),
    "a bad name": (lambda b: tool(b).update(name="sum up"), "pattern"),
    "a name twice": (lambda b: b["tools"].append(tool(b)), "unique"),
    "strict by default": (lambda b: tool(b).pop("strict"), "strict"),
    "no schema": (lambda b: tool(b).pop("parameters"), "parameters"),
    "a union at the top": (lambda b: tool(b)["parameters"].update(anyOf=[]), "top level"),
    "a choice without tools": (lambda b: (b.pop("tools"), b.update(tool_choice="none")), "tool_choice"),
    "an unknown choice": (lambda b: b.update(tool_choice="some"), "tool_choice"),
    "nothing": (lambda b: b.update(input=[]), "must have an item"),
    "a string": (lambda b: b.update(input="Hi"), "must be a list"),
    "an unknown item": (lambda b: item(b, 0).update(type="item_reference"), "unknown"),
    "an item that would be stored": (lambda b: item(b, 1).update(id="fc_1"), "not persisted"),
    "an unknown field of an item": (lambda b: item(b, 1).update(namespace="x"), "Unknown parameter"),
    "a system message": (lambda b: item(b, 0).update(role="system"), "role"),
    "a phase of a user": (lambda b: item(b, 0).update(phase="commentary"), "phase"),
    "an unknown phase": (lambda b: item(b, 5).update(phase="middle"), "phase"),
    "blank": (lambda b: item(b, 0).update(content=" \n"), "blank"),
    "an empty list": (lambda b: item(b, 0).update(content=[]), "must have a part"),
    "a blank part": (lambda b: item(b, 6)["content"][0].update(text=""), "blank"),
    "a part of Chat Completions": (lambda b: item(b, 6)["content"][0].update(type="text"), "unknown"),
    "no image": (
        lambda b: item(b, 6).update(content=[{"type": "input_image", "image_url": "x", "detail": "auto"}]),
        "image",
    ),
    "no file": (
        lambda b: item(b, 6).update(content=[{"type": "input_file", "filename": "x.pdf", "file_data": "x"}]),
        "file",
    ),
    "the assistant first": (lambda b: b["input"].pop(0), "of the user"),
    "the assistant last": (lambda b: b["input"].append(said("assistant", "x")), "ends with"),
    "a long id": (lambda b: item(b, 1).update(call_id="x" * 65), "length 1 to 64"),
    "an id twice": (lambda b: item(b, 2).update(call_id="c1"), "Duplicate"),
    "an id twice, later": (lambda b: item(b, 9).update(call_id="c1"), "Duplicate"),
    "arguments as an object": (lambda b: item(b, 1).update(arguments={}), "arguments"),
    "arguments that are cut": (lambda b: item(b, 1).update(arguments="{"), "arguments"),
    "arguments in a list": (lambda b: item(b, 1).update(arguments="[]"), "arguments"),
    "a call without an output": (lambda b: b["input"].pop(3), "No tool output"),
    "a last call without an output": (lambda b: b["input"].pop(), "No tool output"),
    "an output twice": (lambda b: b["input"].insert(4, output("c2")), "No tool call"),
    "an output before its call": (lambda b: b["input"].insert(1, output("c9")), "No tool call"),
    "a blank output": (lambda b: item(b, 3).update(output=" "), "output"),
    "reasoning of somebody else": (
        lambda b: b["input"].__setitem__(7, reasoning(signer=Signer(b"other"))),
        "could not be verified",
    ),
    "reasoning of another item": (lambda b: item(b, 7).update(id="rs_2"), "could not be verified"),
    "reasoning without its content": (lambda b: item(b, 7).pop("encrypted_content"), "could not be verified"),
    "reasoning twice": (lambda b: b["input"].insert(7, reasoning()), "Duplicate item"),
    "reasoning that led to nothing": (lambda b: b["input"].insert(4, reasoning("rs_0")), "following item"),
    "a summary of something else": (lambda b: item(b, 7).update(summary=[{"type": "text", "text": "x"}]), "summary"),
    "a call without its reasoning": (lambda b: b["input"].pop(7), "required 'reasoning' item"),
}


@pytest.mark.parametrize("what", BREAKS)
def test_what_breaks_a_rule_is_refused(what: str) -> None:
    change, reason = BREAKS[what]
    body = copy.deepcopy(good())
    change(body)
    with pytest.raises(Broken, match=reason):
        check(body)


def test_the_window_is_counted() -> None:
    with pytest.raises(Broken, match="context window"):
        check(good(), window_tokens=100)


def test_what_one_server_knows_another_does_not() -> None:
    with pytest.raises(Broken, match="Unrecognized request argument supplied: include"):
        check(good(), Style(refuses=frozenset({"include"})))
    with pytest.raises(Broken, match="not supported"):
        check(good(), Style(streams="refuses"))


def test_calls_of_earlier_turns_need_their_reasoning_no_more() -> None:
    body = good()
    body["input"].pop(7)
    body["input"].append(said("user", "Thanks."))
    check(body)

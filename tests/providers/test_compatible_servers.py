"""Servers that speak Chat Completions, each in its own way: with tools, over a whole hub, and the way it is learned."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.provider_server.openai_rules import GEMINI, MODELS, OLLAMA, OPENAI, Style
from tests.provider_server.script import (
    Abort,
    Answer,
    CallTool,
    Delivery,
    End,
    ErrorEvent,
    Gate,
    Refuse,
    Say,
    Script,
    Think,
    Truncate,
)
from tests.provider_server.server import ProviderServer
from tests.providers.hubs import Chatting, chatting, notices, one, openai_at, text

STYLES = {
    "openai": OPENAI,
    "gemini": GEMINI,
    "ollama": OLLAMA,
    "in_one_piece": Style(streams="ignores"),
    "never_streams": Style(streams="refuses"),
    "never_streams_and_says_422": Style(streams="refuses", refusal_status=422),
    "calls_without_ids": Style(ids="never"),
    "ids_in_each_piece": Style(ids="always"),
    "all_indexes_are_0": Style(indexes="zero"),
    "no_indexes": Style(indexes="none"),
    "neither_ids_nor_indexes": Style(ids="never", indexes="none"),
    "ends_calls_by_stop": Style(stops_with_calls=True),
    "says_no_done": Style(says_done=False),
    "wants_its_reasoning_back": Style(reasoning="reasoning_content", wants_reasoning=True),
    "wants_it_back_in_one_piece": Style(reasoning="reasoning_content", wants_reasoning=True, streams="ignores"),
    "takes_tools_without_effort": Style(needs_no_effort=True),
    "knows_few_fields": Style(refuses=frozenset({"stream_options", "prompt_cache_key"}), refusal_status=422),
    "knows_few_and_never_streams": Style(
        refuses=frozenset({"stream_options", "prompt_cache_key", "max_completion_tokens"}), streams="refuses"
    ),
}
WHOLE = Style(streams="ignores")


def answer(body: Mapping[str, Any]) -> Answer:
    """Two calls at once where that is asked for, and then what came of them."""
    last = body["messages"][-1]
    if last["role"] == "tool":
        return Script(Think("So."), Say("Three ", "and seven."))
    if "add" not in str(last["content"]):
        return Script(Say("Fine."))
    calls = [CallTool("add", {"left": 1, "right": 2}), CallTool("add", {"left": 3, "right": 4})]
    return Script(Think("I ", "add."), Say("Let ", "me see. "), *calls)


async def add(left: int, right: int) -> int:
    """Adds."""
    return left + right


def settings(server: ProviderServer) -> dict[str, object]:
    return {**openai_at(server), "provider": "openai", "model": MODELS[0]}


def settings_of(name: str, server: ProviderServer) -> dict[str, object]:
    """Calls are signed for Gemini only."""
    if name != "gemini":
        return settings(server)
    return {"gemini_api_key": server.api_key, "gemini_base_url": server.openai_url, "provider": name}


@pytest.mark.parametrize("name", STYLES)
async def test_each_way_of_speaking(name: str) -> None:
    style = STYLES[name]
    async with ProviderServer(style=style, default=answer) as server, chatting(settings_of(name, server), add) as chat:
        events = await chat.ask("add")
        learned = len([request for request in server.requests if request.refused])
        followed = await chat.ask("thanks")
        again = await chat.ask("add")
    for came in (events, again):
        assert (one(came, "done")["outcome"], notices(came)) == ("completed", [])
        assert text(came) == "Let me see. Three and seven."
        assert [event["result"] for event in came if event["type"] == "tool_complete"] == [3, 7]
        thoughts = "".join(event["delta"] for event in came if event["type"] == "thinking" and "delta" in event)
        assert thoughts == ("" if style.reasoning is None else "I add.So.")
    usage = one(events, "done")["usage"]
    assert usage["inputTokens"] > 0 and usage["outputTokens"] > 0
    assert (one(followed, "done")["outcome"], text(followed)) == ("completed", "Fine.")
    assert len(server.requests) == learned + 5, "what a server does not know is remembered"
    assert [request.refused for request in server.requests[learned:]] == [None] * 5


async def test_an_answer_in_one_piece_is_one_piece_of_each_part() -> None:
    async with ProviderServer(style=WHOLE, default=answer) as server, chatting(settings(server), add) as chat:
        events = await chat.ask("add")
    assert [event["delta"] for event in events if event["type"] == "text"] == ["Let me see. ", "Three and seven."]
    arguments = [event["arguments"] for event in events if event["type"] == "tool_input" and "arguments" in event]
    assert arguments == [{"left": 1, "right": 2}, {"left": 3, "right": 4}]


@pytest.mark.parametrize("delivery", ["drip", "cut_utf8"])
async def test_an_answer_in_one_piece_may_come_in_any(delivery: Delivery) -> None:
    async with ProviderServer(style=WHOLE) as server, chatting(settings(server)) as chat:
        server.add(Script(Say("Grüße 👋🏽"), delivery=delivery))
        assert text(await chat.ask("hello")) == "Grüße 👋🏽"


@pytest.mark.parametrize("fault", [Truncate(), Abort(reset=False), ErrorEvent()], ids=["ended", "closed", "overloaded"])
async def test_half_of_an_answer_in_one_piece_is_asked_for_again(fault: Truncate | Abort | ErrorEvent) -> None:
    """Nothing of it was shown."""
    async with ProviderServer(style=WHOLE) as server, chatting(settings(server)) as chat:
        server.add(Script(Say("Half", fault)), Script(Say("Whole.")))
        events = await chat.ask("hello")
    assert (one(events, "done")["outcome"], notices(events), text(events)) == ("completed", ["retrying"], "Whole.")


@pytest.mark.parametrize(
    ("reason", "outcome", "code"), [("max_tokens", "limit", "max_output"), ("refusal", "failed", "refused")]
)
async def test_an_answer_in_one_piece_that_was_cut_off(reason: str, outcome: str, code: str) -> None:
    async with ProviderServer(style=WHOLE) as server, chatting(settings(server), add) as chat:
        server.add(Script(Say("Half"), CallTool("add", {"left": 1, "right": 2}), End(reason)))
        events = await chat.ask("add")
        done = one(events, "done")
        assert (done["outcome"], done["error"]["code"], text(events)) == (outcome, code, "Half")
        assert one(events, "tool_complete")["outcome"] == "interrupted"
        assert text(await chat.ask("thanks")) != ""
        assert [request.refused for request in server.requests] == [None, None]


async def test_stop_while_an_answer_in_one_piece_is_waited_for() -> None:
    gate = Gate()
    async with ProviderServer(style=WHOLE) as server, chatting(settings(server)) as chat:
        server.add(Script(before_headers=gate))
        events = await stopped(chat, gate)
        assert (one(events, "done")["outcome"], text(events)) == ("stopped", "")
        await server.requests[0].closed_by_client.wait()
        assert one(await chat.ask("thanks"), "done")["outcome"] == "completed"


async def stopped(chat: Chatting, gate: Gate) -> list[dict[str, Any]]:
    """Ask, and stop at the gate."""
    found: list[dict[str, Any]] = []
    async for event in chat.client.stream("Chat", chat.session_id, {"messageId": "stopped", "content": "hi"}, {}):
        assert isinstance(event, dict)
        found.append(event)
        if event["type"] == "step":
            await gate.reached.wait()
            await chat.client.invoke("Stop", chat.session_id)
    return found


async def test_what_is_no_answer_is_told_as_such() -> None:
    """Such as the page of another program that listens at the address."""
    page = Refuse(200, headers={"content-type": "text/html"}, body=b"<html>Welcome</html>")
    async with ProviderServer() as server, chatting(settings(server)) as chat:
        server.add(page)
        error = one(await chat.ask("hello"), "done")["error"]
    assert (error["code"], error["retryable"]) == ("internal", False)
    assert "check its address" in error["message"]

"""Sessions that outgrow the model's window: the strict server counts, and takes all that it is sent."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.provider_server import openai_rules, rules
from tests.provider_server.script import Answer, CallTool, Refuse, Say, Script
from tests.provider_server.server import ProviderServer, echo
from tests.providers.hubs import anthropic_at, chatting, notices, one, openai_at, responses_at, text

WINDOW = 20_000
TURNS = 300
MODELS = {"anthropic": rules.MODELS[0], "openai": openai_rules.MODELS[0], "openai responses": openai_rules.MODELS[0]}
AT = {"anthropic": anthropic_at, "openai": openai_at, "openai responses": responses_at}


async def read_rows(rows: int, width: int = 20) -> list[list[str]]:
    """Some rows of a table."""
    return [[f"cell {row}:{column}" for column in range(width // 10)] for row in range(rows)]


def sent(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The messages, or items, of a request."""
    found: list[Mapping[str, Any]] = body["messages"] if "messages" in body else body["input"]
    return found


def is_result(message: Mapping[str, Any]) -> bool:
    if message.get("type") == "function_call_output":
        return True
    content = message["content"]
    return message["role"] == "tool" or (
        isinstance(content, list) and any(block.get("type") == "tool_result" for block in content)
    )


def settings(provider: str, server: ProviderServer, window: int | None = WINDOW) -> dict[str, object]:
    windows = {} if window is None else {MODELS[provider]: window}
    return {
        **AT[provider](server),
        "provider": provider.partition(" ")[0],
        "model": MODELS[provider],
        "context_windows": windows,
    }


def reading(rows: Callable[[int], int]) -> Callable[[Mapping[str, Any]], Answer]:
    """Every fifth question is answered by reading a table first."""
    asked = 0

    def answer(body: Mapping[str, Any]) -> Answer:
        nonlocal asked
        if is_result(sent(body)[-1]):
            return Script(Say("These are the rows. " * 10))
        asked += 1
        if asked % 5 == 0:
            return Script(Say("Let me look."), CallTool("read_rows", {"rows": rows(asked)}))
        return Script(Say("An answer of some length. " * 20))

    return answer


async def test_three_hundred_turns_go_through_a_window_of_20_000_tokens() -> None:
    """In one session, every third of them answered by OpenAI, the others by Anthropic."""
    told: list[bool] = []
    async with ProviderServer(window_tokens=WINDOW, default=reading(lambda asked: asked % 100)) as server:
        both = {**settings("openai", server), **settings("anthropic", server)}
        both["context_windows"] = {model: WINDOW for model in MODELS.values()}
        async with chatting(both, read_rows) as chat:
            for turn in range(TURNS):
                choice = {"provider": "openai", "model": MODELS["openai"]} if turn % 3 == 0 else {}
                events = await chat.ask(f"Question {turn}: " + "what does it say? " * 20, **choice)
                assert one(events, "done")["outcome"] == "completed"
                assert notices(events) in ([], ["context_trimmed"])
                told.append("context_trimmed" in notices(events))
                newest = json.dumps(server.requests[-1].body["messages"][-3:])
                assert f"Question {turn}:" in newest
        assert [request.refused for request in server.requests if request.refused] == []
        assert len(server.requests) == TURNS + TURNS // 5
    assert not any(told[:10]), "while all fits, nothing is left out"
    assert all(told[100:]), "once it does not, it is said each time"
    by_anthropic = [request for request in server.requests if request.body["model"] == MODELS["anthropic"]]
    bodies = [json.dumps(request.body["messages"]) for request in by_anthropic]
    assert max(map(len, bodies)) < 4 * WINDOW
    assert min(map(len, bodies[-100:])) > WINDOW, "no more is left out than has to be"
    assert "Earlier messages are left out" in bodies[-1]
    same = [later[:1000] == earlier[:1000] for earlier, later in zip(bodies[-100:], bodies[-99:], strict=False)]
    assert sum(same) > 80, "requests begin as the ones before, for the provider's cache"


@pytest.mark.parametrize("provider", AT)
async def test_results_go_before_anything_that_was_said(provider: str) -> None:
    async with ProviderServer(window_tokens=WINDOW, default=reading(lambda _: 300)) as server:
        async with chatting(settings(provider, server), read_rows) as chat:
            for turn in range(40):
                assert one(await chat.ask(f"Question {turn}."), "done")["outcome"] == "completed"
    last = json.dumps(sent(server.requests[-1].body))
    assert "Question 0." in last
    assert last.count("This result was left out") >= 5
    assert "cell 299:1" in last, "the newest is there"


@pytest.mark.parametrize("provider", AT)
async def test_a_result_that_alone_is_too_long_is_cut(provider: str) -> None:
    async with ProviderServer(window_tokens=WINDOW) as server:
        server.add(Script(CallTool("read_rows", {"rows": 4_000})), Script(Say("Many.")))
        async with chatting(settings(provider, server), read_rows) as chat:
            events = await chat.ask("How many?")
    assert (one(events, "done")["outcome"], text(events), notices(events)) == (
        "completed",
        "Many.",
        ["context_trimmed"],
    )
    last = json.dumps(sent(server.requests[-1].body))
    assert "cell 0:1" in last
    assert "The rest of this result was left out" in last
    whole = one(events, "tool_complete")["result"]
    assert len(whole) == 4_000, "users see all of it"


@pytest.mark.parametrize("provider", AT)
async def test_a_model_whose_window_is_unknown_is_asked_once_more(provider: str) -> None:
    async with ProviderServer(window_tokens=4_000) as server:
        async with chatting({**settings(provider, server, None), "model": "unknown"}) as chat:
            first = await chat.ask("Hello")
        assert one(first, "done")["error"]["code"] == "internal"
    async with ProviderServer(window_tokens=4_000, default=lambda body: echo(body)) as server:
        async with chatting(
            {**settings(provider, server, None), "context_windows": {MODELS[provider]: 1_000_000}}
        ) as chat:
            for turn in range(12):
                events = await chat.ask(f"Question {turn} " * 60)
                assert one(events, "done")["outcome"] == "completed"
            assert notices(events) == ["context_trimmed"]
        refused = [request for request in server.requests if request.refused]
    assert 0 < len(refused) < 12


async def test_what_does_not_fit_either_way_is_told() -> None:
    async with ProviderServer() as server:
        server.add(Refuse(413), Refuse(413), Script(Say("not asked")))
        async with chatting(settings("anthropic", server)) as chat:
            events = await chat.ask("x" * 100)
    done = one(events, "done")
    assert (done["error"]["code"], len(server.requests)) == ("context_too_long", 2)
    assert notices(events) == [], "nothing could be left out"

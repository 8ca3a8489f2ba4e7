"""Another provider answers while the chosen one is down; and what answers cost, whoever gave them."""

from collections.abc import AsyncIterator, Sequence

import pytest

from tests.provider_server.script import Answer, CallTool, ErrorEvent, Redacted, Refuse, Say, Script, Stall, Think
from tests.provider_server.server import ProviderServer
from tests.providers.hubs import anthropic_at, chatting, notices, one, openai_at, text

AT_ONCE = {"retry-after": "0"}
DOWN = [Refuse(529, headers=AT_ONCE)] * 3  # asked once, and twice again
LIMITED = Refuse(429, headers={"retry-after": "60"})  # longer than is waited for
PRICES = '{"gpt-5.5": {"input": 2, "output": 10}, "claude-*": {"input": 3, "output": 15, "cacheRead": 0.3}}'


@pytest.fixture
async def other_server() -> AsyncIterator[ProviderServer]:
    async with ProviderServer() as server:
        yield server


def chain(chosen: ProviderServer, other: ProviderServer) -> dict[str, object]:
    """Anthropic is asked, and OpenAI if it is down."""
    return {**anthropic_at(chosen), **openai_at(other), "fallback_providers": "openai/gpt-6-luna", "prices": PRICES}


@pytest.mark.parametrize(
    "failures",
    [DOWN, [LIMITED], [Refuse(500, headers=AT_ONCE), LIMITED]],
    ids=["overloaded", "limited", "both"],
)
async def test_another_answers_while_one_is_down(
    provider_server: ProviderServer, other_server: ProviderServer, failures: Sequence[Answer]
) -> None:
    provider_server.add(*failures)
    other_server.add(Script(Say("Four.")))
    async with chatting(chain(provider_server, other_server)) as chat:
        events = await chat.ask("2 + 2?")
        history = await chat.client.invoke("History", chat.session_id)
        again = await chat.ask("and 3 + 3?")
    assert one(events, "run_started")["provider"] == "anthropic"
    assert notices(events) == ["retrying"] * (len(failures) - 1) + ["fallback_provider"]
    notice = next(event for event in events if event.get("code") == "fallback_provider")
    assert (notice["provider"], notice["model"]) == ("openai", "gpt-6-luna")
    assert "openai answers instead" in notice["text"]
    done = one(events, "done")
    assert (done["outcome"], done["provider"], done["model"]) == ("completed", "openai", "gpt-6-luna")
    assert text(events) == "Four."
    assert isinstance(history, dict)
    answer = history["messages"][-1]
    assert (answer["provider"], answer["author"]) == ("openai", "gpt-6-luna")
    assert "provider" not in one(again, "done"), "the chosen one is asked first again"
    assert notices(again) == []


async def test_another_answers_while_one_says_nothing(
    provider_server: ProviderServer, other_server: ProviderServer
) -> None:
    provider_server.add(*[Script(Stall())] * 3)
    other_server.add(Script(Say("Four.")))
    settings = {**chain(provider_server, other_server), "provider_inactivity_s": 1.0}
    async with chatting(settings) as chat:
        events = await chat.ask("2 + 2?")
    assert notices(events) == ["retrying", "retrying", "fallback_provider"]
    assert (one(events, "done")["outcome"], text(events)) == ("completed", "Four.")


async def test_the_rest_of_the_answer_is_the_others(
    provider_server: ProviderServer, other_server: ProviderServer
) -> None:
    """Its thinking goes back to it as it was signed; the strict server would refuse it otherwise."""
    other_server.add(*DOWN)
    provider_server.add(
        Script(Think("I count."), Redacted(), Say("Let me see."), CallTool("nothing", {})), Script(Say("Done."))
    )
    settings = {**chain(provider_server, other_server), "provider": "openai", "fallback_providers": "anthropic"}
    async with chatting(settings) as chat:
        events = await chat.ask("count")
        followed = await chat.ask("thanks")
    assert (one(events, "done")["outcome"], text(events)) == ("completed", "Let me see.Done.")
    assert one(followed, "done")["outcome"] == "completed"
    assert [request.refused for request in provider_server.requests + other_server.requests[3:]] == [None] * 3
    second = provider_server.requests[1].body["messages"][1]["content"]
    assert [block["type"] for block in second] == ["thinking", "redacted_thinking", "text", "tool_use"]


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (Script(Say("Fo", "ur"), ErrorEvent()), "provider_overloaded"),
        (Refuse(401), "provider_auth"),
        (Refuse(400), "internal"),
        (Refuse(413), "context_too_long"),
    ],
    ids=["begun", "auth", "invalid", "too_long"],
)
async def test_nobody_else_answers_what_is_not_for_others(
    provider_server: ProviderServer, other_server: ProviderServer, failure: Answer, code: str
) -> None:
    provider_server.add(failure, failure)
    async with chatting(chain(provider_server, other_server)) as chat:
        events = await chat.ask("2 + 2?")
    done = one(events, "done")
    assert (done["outcome"], done["error"]["code"]) == ("failed", code)
    assert "fallback_provider" not in notices(events)
    assert other_server.requests == []


async def test_the_chain_is_gone_through_in_order(other_server: ProviderServer) -> None:
    """The first has no server, the second is overloaded, the last needs none."""
    other_server.add(*DOWN)
    settings = {**openai_at(other_server), "ollama_base_url": "http://127.0.0.1:9/v1", "provider": "ollama"}
    async with chatting({**settings, "fallback_providers": "ollama,openai,demo", "demo_pace": 0}) as chat:
        events = await chat.ask("hello")
    told = [event["provider"] for event in events if event.get("code") == "fallback_provider"]
    assert told == ["openai", "demo"]
    assert (one(events, "done")["outcome"], one(events, "done")["provider"]) == ("completed", "demo")


async def test_the_last_failure_is_told_if_all_are_down(
    provider_server: ProviderServer, other_server: ProviderServer
) -> None:
    provider_server.add(*DOWN)
    other_server.add(LIMITED)
    async with chatting(chain(provider_server, other_server)) as chat:
        done = one(await chat.ask("hello"), "done")
        assert (done["error"]["code"], done["error"]["retryAfterS"]) == ("provider_rate_limited", 60)
        assert one(await chat.ask("hello"), "done")["outcome"] == "completed"


async def test_cost_is_counted_for_the_run_the_session_and_the_user(
    provider_server: ProviderServer, other_server: ProviderServer
) -> None:
    async with chatting({**chain(provider_server, other_server), "fallback_providers": ""}) as chat:
        first = one(await chat.ask("hello"), "done")["usage"]
        second = one(await chat.ask("hello", provider="openai", model="gpt-5.5"), "done")["usage"]
        unknown = one(await chat.ask("hello", provider="openai", model="gpt-6-luna"), "done")["usage"]
        session = await chat.counted(sum(usage["inputTokens"] for usage in (first, second, unknown)))
    assert first["cost"] == pytest.approx((first["inputTokens"] * 3 + first["outputTokens"] * 15) / 1e6)
    assert second["cost"] == pytest.approx((second["inputTokens"] * 2 + second["outputTokens"] * 10) / 1e6)
    assert "cost" not in unknown
    assert session["usage"]["cost"] == pytest.approx(first["cost"] + second["cost"])
    assert session["usageByUser"] == {"tester": session["usage"]}

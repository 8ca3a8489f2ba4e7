"""One answer that outgrows the window by itself, and another provider whose window is smaller."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.provider_server import openai_rules
from tests.provider_server.script import Answer, CallTool, Refuse, Say, Script, Think
from tests.provider_server.server import ProviderServer
from tests.providers.hubs import anthropic_at, chatting, notices, one, openai_at, text
from tests.providers.test_window import AT, WINDOW, read_rows, sent, settings

STEPS = 20
SMALL_WINDOW = 4_000


def reading(thinking: str = "") -> Callable[[Mapping[str, Any]], Answer]:
    """So many tables are read one after the other; anything that is asked later is answered at once."""

    def answer(body: Mapping[str, Any]) -> Answer:
        if "And now?" in json.dumps(sent(body)[-1]):
            return Script(Say("Fine."))
        steps = json.dumps(sent(body)).count("Step ")
        thought = [Think(thinking)] if thinking else []
        if steps == STEPS:
            return Script(*thought, Say("Done."))
        return Script(*thought, Say(f"Step {steps}. "), CallTool("read_rows", {"rows": 200}))

    return answer


@pytest.mark.parametrize("provider", AT)
async def test_results_of_the_answer_under_way_go_too(provider: str) -> None:
    async with ProviderServer(window_tokens=WINDOW, default=reading()) as server:
        async with chatting(settings(provider, server), read_rows) as chat:
            events = await chat.ask("Read them all.")
            assert text(await chat.ask("And now?")) == "Fine."
    assert (one(events, "done")["outcome"], notices(events)) == ("completed", ["context_trimmed"])
    assert text(events).endswith(f"Step {STEPS - 1}. Done.")
    assert [request.refused for request in server.requests] == [None] * (STEPS + 2)
    last = json.dumps(sent(server.requests[-2].body))
    assert "left out" in last and "cell 199:1" in last


async def test_thinking_that_outgrows_the_window_within_one_answer_ends_it_and_not_the_session() -> None:
    """A model wants its thinking back until it has answered, so that none of it can be left out."""
    async with ProviderServer(window_tokens=WINDOW, default=reading("I think. " * 700)) as server:
        async with chatting(settings("anthropic", server), read_rows) as chat:
            events = await chat.ask("Read them all.")
            after = await chat.ask("And now?")
    done = one(events, "done")
    assert (done["outcome"], done["error"]["code"]) == ("failed", "context_too_long")
    assert "Step 3" in text(events)
    assert (one(after, "done")["outcome"], text(after)) == ("completed", "Fine.")


async def test_who_answers_instead_is_sent_what_its_own_window_takes_and_paid_its_own_price() -> None:
    model = openai_rules.MODELS[0]
    down = [Refuse(529, headers={"retry-after": "0"})] * 3
    async with ProviderServer() as chosen, ProviderServer(window_tokens=SMALL_WINDOW) as other:
        at = {**anthropic_at(chosen), **openai_at(other), "provider": "anthropic"}
        windows = {"fallback_providers": f"openai/{model}", "context_windows": {model: SMALL_WINDOW}}
        prices = json.dumps({model: {"input": 2, "output": 10}, "claude-*": {"input": 3000, "output": 15000}})
        async with chatting({**at, **windows, "prices": prices}) as chat:
            for number in range(10):
                await chat.ask(f"Question {number}: " + "what is it? " * 200)
            chosen.add(*down)
            events = await chat.ask("And now?")
    done = one(events, "done")
    assert done["outcome"] == "completed"
    usage = done["usage"]
    assert usage["cost"] == pytest.approx((usage["inputTokens"] * 2 + usage["outputTokens"] * 10) / 1e6)
    assert notices(events) == ["retrying", "retrying", "fallback_provider", "context_trimmed"]
    assert [request.refused for request in other.requests] == [None]

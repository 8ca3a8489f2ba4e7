"""What users do with an answer after (or while) it was made, for every provider: they go on from it, ask anew, edit
their message, or replace it by another. The server is strict about all that it is sent then."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from hub.errors import HubError
from hub.providers.history import GO_ON
from hub.providers.openai.provider import NO_KEY
from tests.provider_server.script import Answer, CallTool, End, ErrorEvent, Gate, Refuse, Say, Script, Think, Truncate
from tests.provider_server.server import ProviderServer
from tests.providers.failing import SETTINGS
from tests.providers.hubs import Chatting, Event, chatting, notices, one, text
from tests.providers.speakers import OLLAMA, Speaker

ADD = {"left": 1, "right": 2}
CUT: dict[str, list[Answer]] = {
    "max_output": [Script(Think("Hm."), Say("Once "), End("max_tokens"))],
    "truncated": [Script(Think("Hm."), Say("Once ", Truncate()))],
    "overloaded": [Script(Say("Once ", ErrorEvent()))],
    "in_arguments": [Script(Say("Once "), CallTool("add", pieces=['{"left": 1', Truncate()]))],
    "after_a_call": [Script(Say("Once "), CallTool("add", ADD)), Script(Think("It is three"), Say("upon", Truncate()))],
}
"""Answers that break off."""


async def add(left: int, right: int) -> int:
    """Adds."""
    return left + right


@asynccontextmanager
async def asked(speaker: Speaker, *answers: Answer) -> AsyncIterator[tuple[Chatting, ProviderServer]]:
    """A session whose requests are answered so, by a server that takes each."""
    server = ProviderServer(style=speaker.style, api_key=NO_KEY if speaker is OLLAMA else "local-provider-key")
    async with server:
        server.add(*answers)
        chosen = {"provider": speaker.setting, "model": speaker.model}
        async with chatting({**chosen, **SETTINGS[speaker.name](server)}, add) as chat:
            yield chat, server
        assert [request.refused for request in server.requests if request.refused] == []


def sent(server: ProviderServer) -> str:
    """The newest request."""
    return json.dumps(server.requests[-1].body)


async def answers_of(chat: Chatting) -> list[tuple[str, str]]:
    """Status and text of the session's answers."""
    history = await chat.client.invoke("History", chat.session_id)
    assert isinstance(history, dict)
    return [
        (message["status"], "".join(part["text"] for part in message["parts"] if part["type"] == "text"))
        for message in history["messages"]
        if message["role"] == "assistant"
    ]


async def stopped(chat: Chatting, gate: Gate, content: str = "Tell.") -> list[Event]:
    """The events of an answer that is stopped at the gate."""
    asking = asyncio.create_task(chat.ask(content))
    await gate.reached.wait()
    await chat.client.invoke("Stop", chat.session_id)
    return await asking


async def test_an_answer_that_took_all_its_steps_is_gone_on_with(speaker: Speaker) -> None:
    calls = [CallTool("add", ADD), CallTool("add", ADD)]
    async with asked(speaker, Script(Think("Hm."), Say("I add. "), *calls), Script(Say("Three."))) as (chat, server):
        first = await chat.ask("1 + 2?", maxSteps=1)
        done = one(first, "done")
        assert (done["outcome"], done["error"]["code"]) == ("limit", "max_steps")
        assert [event["outcome"] for event in first if event["type"] == "tool_complete"] == ["success"] * 2
        assert text(await chat.ask("", continues=done["runId"])) == "Three."
        assert "I add." in sent(server)


@pytest.mark.parametrize("how", CUT)
async def test_an_answer_that_broke_off_is_gone_on_with(speaker: Speaker, how: str) -> None:
    async with asked(speaker, *CUT[how], Script(Think("On."), Say("a time."))) as (chat, server):
        first = await chat.ask("Tell.")
        run_id = one(first, "done")["runId"]
        went_on = await chat.ask("", continues=run_id)
        assert (one(went_on, "done")["outcome"], text(went_on)) == ("completed", "a time.")
        assert "Once" in sent(server)
        assert (GO_ON in sent(server)) == (how != "in_arguments"), "the result of a call is gone on from as it is"
        after = await chat.ask("Thanks.")
        assert one(after, "done")["outcome"] == "completed"
        assert "a time." in sent(server) and GO_ON not in sent(server)


async def test_a_stopped_answer_is_gone_on_with(speaker: Speaker) -> None:
    gate = Gate()
    script = Script(Think("Hm."), Say("Once ", gate))
    async with asked(speaker, script, Script(Say("a time."))) as (chat, server):
        run_id = one(await stopped(chat, gate), "done")["runId"]
        went_on = await chat.ask("", continues=run_id)
        assert (one(went_on, "done")["outcome"], text(went_on)) == ("completed", "a time.")
        assert "Once" in sent(server) and GO_ON in sent(server)


async def test_an_answer_is_made_anew_and_a_message_is_edited(speaker: Speaker) -> None:
    answers: Sequence[Answer] = [
        Script(Think("Hm."), Say("I add. "), CallTool("add", ADD)),
        Script(Say("Three.")),
        Script(Say("It is three.")),
        Script(Say("Seven.")),
    ]
    async with asked(speaker, *answers) as (chat, server):
        assert text(await chat.ask("1 + 2?")) == "I add. Three."
        anew = await chat.client.invoke("Regenerate", chat.session_id, {"regenerateId": "anew"})
        assert isinstance(anew, dict)
        # Which waits for the answer that is made anew.
        assert text(await edited(chat, "m1", "3 + 4?")) == "Seven."
        assert await answers_of(chat) == [
            ("superseded", "I add. Three."),
            ("superseded", "It is three."),
            ("complete", "Seven."),
        ]
        assert "1 + 2" not in sent(server) and "Three" not in sent(server)
        assert "Three" not in json.dumps(server.requests[2].body)


async def edited(chat: Chatting, replaces: str, content: str) -> list[Event]:
    message = {"messageId": f"{replaces}-edited", "content": content, "replaces": replaces}
    found: list[Event] = []
    async for event in chat.client.stream("Chat", chat.session_id, message, {}):
        assert isinstance(event, dict)
        found.append(event)
    return found


async def test_a_busy_session_rejects_or_replaces(speaker: Speaker) -> None:
    gate = Gate()
    script = Script(Think("Hm."), Say("Once "), CallTool("add", pieces=['{"left": 1', gate]))
    async with asked(speaker, script, Script(Say("Fine."))) as (chat, server):
        asking = asyncio.create_task(chat.ask("Tell."))
        await gate.reached.wait()
        with pytest.raises(HubError, match=r"^\[busy\]"):
            await chat.client.invoke(
                "SendMessage", chat.session_id, {"messageId": "no", "content": "Now."}, {"whenBusy": "reject"}
            )
        second = await chat.ask("Now.", whenBusy="replace")
        first = await asking
        assert (one(first, "done")["outcome"], text(first)) == ("stopped", "Once ")
        assert one(first, "tool_complete")["outcome"] == "interrupted"
        assert (one(second, "done")["outcome"], text(second), notices(second)) == ("completed", "Fine.", [])
        await server.requests[0].closed_by_client.wait()
        assert "Once" in sent(server)


async def test_a_stop_while_a_busy_provider_is_waited_for_asks_no_more(speaker: Speaker) -> None:
    busy = Refuse(429, headers={"retry-after": "15"})
    async with asked(speaker, busy) as (chat, server):
        first: list[Event] = []
        async for event in chat.client.stream("Chat", chat.session_id, {"messageId": "m", "content": "Tell."}, {}):
            assert isinstance(event, dict)
            first.append(event)
            if event["type"] == "notice":
                await chat.client.invoke("Stop", chat.session_id)
        assert (one(first, "done")["outcome"], notices(first)) == ("stopped", ["retrying"])
        assert len(server.requests) == 1
        assert one(await chat.ask("Tell."), "done")["outcome"] == "completed"


async def test_a_stop_before_the_request_opens_none(speaker: Speaker) -> None:
    async with asked(speaker) as (chat, server):
        await chat.client.invoke("Stop", chat.session_id, {"messageId": "m1"})
        await chat.ask("Tell.")
        assert await answers_of(chat) == [("stopped", "")]
        assert server.requests == [] and server.connections_made == 0
        assert one(await chat.ask("Tell."), "done")["outcome"] == "completed"

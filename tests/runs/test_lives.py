"""What was asked of a session that is deleted, while another user makes a new one with its id."""

import asyncio
import random
from contextlib import suppress

import pytest

from hub.backplane.base import Ask, Note
from hub.chat import events
from hub.chat.parts import Rating, Session
from hub.errors import CallError
from hub.runs import lives
from hub.runs.ask import RunAsk
from hub.runs.chats import SettingsWish
from tests.runs.node import Node


async def reborn(node: Node) -> tuple[Session, Session]:
    """Ann's session, deleted, and Eve's with the same id."""
    old = await node.open()
    await node.chats.delete("ann", "ses")
    return old, await node.open(user="eve")


async def said(node: Node) -> list[str]:
    page = await node.chats.history("eve", "ses", before=None, limit=50)
    return [message.message_id for message in page.messages]


async def test_a_message_stays_with_the_session_that_it_was_sent_to(node: Node) -> None:
    old, new = await reborn(node)
    top = await node.backplane.journal.top("ses")
    for session in (old, new):
        message_id = f"m-{session.owner}"
        ask = RunAsk(
            message_id=message_id, answer_id=f"answer_{session.owner}", author=session.owner, reply_to=None,
            provider=session.provider, model=session.model, session_created_at=session.created_at,
        )  # fmt: skip
        asked = Ask(message_id, f"run_{session.owner}", "digest", ask.encode(), node.clock.now_ms())
        await node.backplane.inbox.accept("ses", asked, top, max_queued=9, now=node.clock.now_ms())
    node.supervisor.touch("ses")
    await node.idle()
    assert await said(node) == ["answer_eve"]
    known = await node.backplane.inbox.known("ses", ask_id="m-ann")
    assert known is not None and known.state == "done"


async def test_so_does_a_note(node: Node) -> None:
    old, new = await reborn(node)
    recorder = await node.record()
    for session in (old, new):
        event = events.Notice("client_error", session.owner, time=1)
        note = Note(lives.note_id(session, f"note_{session.owner}"), [events.encode(event)])
        await node.backplane.inbox.note("ses", note, now=node.clock.now_ms())
    node.supervisor.touch("ses")
    await node.idle()
    assert [notice.text for notice in recorder.of(events.Notice)] == ["eve"]


async def test_a_change_of_a_session_that_is_gone_changes_no_other(node: Node) -> None:
    old, new = await reborn(node)
    assert await node.sessions.change("ses", lambda session: old, created_at=old.created_at) is None
    assert await node.chats.get("eve", "ses") == new


@pytest.mark.parametrize("seed", range(15))
async def test_any_order_of_sending_deleting_and_opening(node: Node, seed: int) -> None:
    chance = random.Random(seed)
    await node.open()
    await node.send("first")

    async def later(turns: int, doing: object) -> None:
        assert asyncio.iscoroutine(doing)
        for _ in range(turns):
            await asyncio.sleep(0)
        with suppress(CallError):
            await doing

    await asyncio.gather(
        *(later(chance.randrange(60), node.send(f"secret-{number}")) for number in range(10)),
        later(chance.randrange(60), node.chats.update("ann", "ses", SettingsWish(title="secret"))),
        later(chance.randrange(60), node.chats.report_error("ann", "ses", "secret")),
        later(chance.randrange(60), node.chats.rate("ann", "ses", "m-first", Rating(1))),
        later(chance.randrange(30), node.chats.delete("ann", "ses")),
        *(later(turns, node.open(user="eve")) for turns in range(5, 60, 5)),
    )
    await node.idle()
    session = await node.open(user="eve") if await node.sessions.get("ses") is None else await node.sessions.get("ses")
    assert session is not None and session.owner == "eve" and session.title == ""
    assert await said(node) == []

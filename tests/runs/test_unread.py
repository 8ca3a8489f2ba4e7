"""What a user has not read: an answer makes a session unread in the lists of all, until each says to have read it."""

from collections.abc import Sequence

from hub.runs.sessions import SessionRow
from tests.runs.node import Node, until


async def unread(node: Node, user: str) -> Sequence[bool]:
    async with node.chats.rows(user, lambda row: None) as rows:
        return [row.unread for row in rows]


async def test_an_answer_is_unread_until_it_is_read(node: Node) -> None:
    await node.open()
    await node.chats.sharing.share("ann", "ses", "bob", "viewer")
    assert (await unread(node, "ann"), await unread(node, "bob")) == ([False], [False])
    recorder = await node.record()
    await node.send("one")
    await node.idle()
    assert (await unread(node, "ann"), await unread(node, "bob")) == ([True], [True])
    rows: list[SessionRow] = []
    async with node.chats.rows("bob", rows.append):
        offset = recorder.entries[-1].offset
        await node.chats.mark_read("bob", "ses", offset)
        await until(lambda: bool(rows))
        await node.chats.mark_read("bob", "ses", offset)  # says nothing new
        await node.chats.mark_read("bob", "ses", 1)  # what was read stays read
        assert (await unread(node, "ann"), await unread(node, "bob")) == ([True], [False])
        await node.send("two")
        await node.idle()
        await until(lambda: rows[-1].unread and not rows[-1].running)
    assert [row.unread for row in rows if not row.running] == [False, True]


async def test_a_title_makes_nothing_unread(node: Node) -> None:
    await node.open()
    recorder = await node.record()
    await node.send("one")
    await node.idle()
    await node.chats.mark_read("ann", "ses", recorder.entries[-1].offset)
    await node.chats.sharing.share("ann", "ses", "bob", "viewer")
    await node.idle()
    assert await unread(node, "ann") == [False]


async def test_a_session_shows_clients_nothing_of_it(node: Node) -> None:
    session = await node.open()
    await node.chats.mark_read("ann", "ses", 5)
    assert await node.chats.get("ann", "ses") == session

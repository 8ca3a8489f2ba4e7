"""Sessions of several users: roles given and taken, everywhere at once."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from hub.backplane.base import Backplane
from hub.errors import CallError
from hub.runs.chats import SettingsWish
from hub.runs.limits import RunLimits
from hub.runs.sessions import SessionRow
from hub.runs.sharing import MAX_PARTICIPANTS
from tests.runs.node import Node, until
from tests.runs.scripted import says

QUICK = RunLimits(scan_s=0.001, linger_s=0.0, retry_read_s=0.001)


@pytest_asyncio.fixture
async def nodes(backplane: Backplane) -> AsyncIterator[tuple[Node, Node]]:
    """Two nodes of one store."""
    first, second = Node(backplane, limits=QUICK), Node(backplane, limits=QUICK, owner="node_2")
    async with first.running(), second.running():
        yield first, second


async def test_who_is_invited_takes_part_and_who_is_taken_out_sees_no_more(nodes: tuple[Node, Node]) -> None:
    first, second = nodes
    await first.open()
    with pytest.raises(CallError, match=r"^\[forbidden\]"):
        await second.chats.get("bob", "ses")
    shared = await first.chats.sharing.share("ann", "ses", "bob", "editor")
    assert [(member.user, member.role) for member in shared.participants] == [("ann", "owner"), ("bob", "editor")]
    async with second.watch(user="bob") as bob, second.watch() as ann:
        await until(lambda: bool(bob.sink.items and ann.sink.items))
        await second.send("hello", user="bob")
        await until(lambda: "done" in bob.sink.types() and "done" in ann.sink.types())
        await first.chats.sharing.unshare("ann", "ses", "bob")
        assert bob.task is not None and ann.task is not None
        await asyncio.wait_for(bob.task, 60)  # it ends as a stream does
        await first.send("again")
        await until(lambda: ann.sink.types().count("done") == 2)
        assert not ann.task.done()
    assert bob.sink.types().count("done") == 1
    told = [json.loads(item) for item in ann.sink.items if b'"type":"session"' in item]
    assert [len(event["session"]["participants"]) for event in told if "participants" in event["session"]][-1:] == [1]
    with pytest.raises(CallError, match=r"^\[forbidden\]"):
        await second.send("still here?", user="bob")
    with pytest.raises(CallError, match=r"^\[forbidden\]"):
        await second.watch(user="bob").start().ended()


async def test_a_viewer_may_watch_only_and_an_editor_may_not_share(nodes: tuple[Node, Node]) -> None:
    first, second = nodes
    await first.open()
    await first.chats.sharing.share("ann", "ses", "bob", "viewer")
    with pytest.raises(CallError, match=r"^\[forbidden\] This needs the role editor"):
        await second.send("may I?", user="bob")
    with pytest.raises(CallError, match=r"^\[forbidden\] This needs the role editor"):
        await second.stop(user="bob")
    async with second.watch(user="bob") as bob:
        await until(lambda: bool(bob.sink.items))
        await first.send("one")
        await until(lambda: "done" in bob.sink.types())
        await first.chats.sharing.share("ann", "ses", "bob", "editor")
        await second.send("two", user="bob")
        await until(lambda: bob.sink.types().count("done") == 2)
    with pytest.raises(CallError, match=r"^\[forbidden\] This needs the role owner"):
        await second.chats.sharing.share("bob", "ses", "cat", "viewer")
    with pytest.raises(CallError, match=r"^\[forbidden\] This needs the role owner"):
        await second.chats.sharing.unshare("bob", "ses", "ann")


async def test_an_editor_cannot_raise_autonomy(nodes: tuple[Node, Node]) -> None:
    first, second = nodes
    session = await first.open()
    assert session.autonomy == "agent-yolo"
    await first.chats.update("ann", "ses", SettingsWish(autonomy="ask"))
    await first.chats.sharing.share("ann", "ses", "bob", "editor")
    with pytest.raises(CallError, match=r"^\[forbidden\] Only the owner may raise"):
        await second.chats.update("bob", "ses", SettingsWish(autonomy="agent-default"))


async def test_lists_of_who_comes_and_who_goes(nodes: tuple[Node, Node]) -> None:
    first, second = nodes
    await first.open()
    rows: list[SessionRow] = []
    async with second.chats.rows("bob", rows.append) as before:
        assert before == []
        await first.chats.sharing.share("ann", "ses", "bob", "viewer")
        await until(lambda: bool(rows))
        assert [each.session_id for each in (await second.chats.list("bob", before=None, limit=10)).sessions] == ["ses"]
        await first.chats.sharing.unshare("ann", "ses", "bob")
        await until(lambda: rows[-1].deleted)
        assert (await second.chats.list("bob", before=None, limit=10)).sessions == []


async def test_a_participant_may_go_and_the_owner_may_not(nodes: tuple[Node, Node]) -> None:
    first, second = nodes
    await first.open()
    await first.chats.sharing.share("ann", "ses", "bob", "viewer")
    assert len((await second.chats.sharing.unshare("bob", "ses", "bob")).participants) == 1
    for attempt in (
        first.chats.sharing.unshare("ann", "ses", "ann"),
        first.chats.sharing.share("ann", "ses", "ann", "viewer"),
    ):
        with pytest.raises(CallError, match=r"^\[invalid_arguments\] The owner"):
            await attempt


async def test_both_are_idempotent(nodes: tuple[Node, Node]) -> None:
    first, _ = nodes
    await first.open()
    recorder = await first.record()
    for _ in range(2):
        await first.chats.sharing.share("ann", "ses", "bob", "viewer")
    for _ in range(2):
        await first.chats.sharing.unshare("ann", "ses", "bob")
    await first.idle()
    assert recorder.types().count("session") == 2


async def test_a_session_has_only_so_many_participants(nodes: tuple[Node, Node]) -> None:
    first, _ = nodes
    await first.open()
    for number in range(MAX_PARTICIPANTS - 1):
        await first.chats.sharing.share("ann", "ses", f"u{number}", "viewer")
    with pytest.raises(CallError, match=rf"^\[too_large\] A session has at most {MAX_PARTICIPANTS}"):
        await first.chats.sharing.share("ann", "ses", "one-more", "viewer")
    await first.chats.sharing.share("ann", "ses", "u0", "editor")


@pytest.mark.parametrize("turns", range(6))
async def test_a_watch_that_begins_while_its_user_is_taken_out_ends(nodes: tuple[Node, Node], turns: int) -> None:
    first, second = nodes
    first.provider.scripts = [says("one")]
    await first.open()
    await first.chats.sharing.share("ann", "ses", "bob", "viewer")
    async with second.watch(user="bob") as bob:
        for _ in range(turns):
            await asyncio.sleep(0)
        await first.chats.sharing.unshare("ann", "ses", "bob")
        assert bob.task is not None
        await asyncio.wait([bob.task], timeout=60)
        assert bob.task.done()
        if (error := bob.task.exception()) is not None:
            assert isinstance(error, CallError) and error.code == "forbidden"

"""Watches end with the access even if nobody tells: what is stored decides, looked at with the position."""

import asyncio

import msgspec

from hub.backplane.base import Backplane
from hub.chat.parts import Session
from hub.runs.limits import RunLimits
from tests.runs.node import Node, until

OFTEN = RunLimits(scan_s=0.001, linger_s=0.0, retry_read_s=0.001, check_position_s=0.01)


def without_bob(session: Session) -> Session:
    kept = [member for member in session.participants if member.user != "bob"]
    return msgspec.structs.replace(session, participants=kept)


async def test_a_revocation_that_nobody_heard_of_ends_the_watch(backplane: Backplane) -> None:
    async with Node(backplane, limits=OFTEN).running() as node:
        await node.open()
        await node.chats.sharing.share("ann", "ses", "bob", "viewer")
        async with node.watch(user="bob") as bob, node.watch() as ann:
            await until(lambda: bool(bob.sink.items and ann.sink.items))
            await node.sessions.change("ses", without_bob)
            await bob.ended()
            assert ann.task is not None and not ann.task.done()


async def test_a_deletion_that_nobody_heard_of_ends_all_watches(backplane: Backplane) -> None:
    async with Node(backplane, limits=OFTEN).running() as node:
        session = await node.open()
        async with node.watch() as ann:
            await until(lambda: bool(ann.sink.items))
            await node.sessions.delete(session)
            await asyncio.wait_for(ann.ended(), 30)

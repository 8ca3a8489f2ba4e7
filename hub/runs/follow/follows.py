"""The sessions that this node follows: opened for the first watcher, kept for a while after the last."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hub.backplane.base import Backplane, Subscription
from hub.errors import BackplaneAway, CallError
from hub.runs.follow.live import LiveSession
from hub.runs.follow.presence import Presences
from hub.runs.limits import RunLimits

logger = logging.getLogger("hub.runs")


def end_channel(session_id: str) -> str:
    """The bus channel on which a session's followers learn that it is gone: for all, or for the user that is named."""
    return f"end:{session_id}"


FOR_ALL = b""
"""No user's name."""


class _Followed:
    """A live session with those who use it."""

    def __init__(self, live: LiveSession) -> None:
        self.live = live
        self.users = 0
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.opening: asyncio.Task[None] | None = None  # set at once
        self.end: Subscription | None = None  # set while opening
        self.closing: asyncio.TimerHandle | None = None  # set while nobody uses it

    def fail(self, error: Exception) -> None:
        """Tell those who wait for the opening."""
        if not self.opened.done():
            self.opened.set_exception(error)
            self.opened.exception()  # retrieved: there may be nobody who waits


class Follows:
    """Use as `async with follows.running():`."""

    def __init__(self, backplane: Backplane, limits: RunLimits) -> None:
        self._backplane = backplane
        self._limits = limits
        self._followed: dict[str, _Followed] = {}
        self._group: asyncio.TaskGroup | None = None  # set while running; owns what opens and rereads
        self.presences = Presences(backplane.bus, limits.presence)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            self._group = group
            checking = group.create_task(self._check_forever(), name="check positions")
            presences = group.create_task(self.presences.run(group), name="presence")
            try:
                yield
            finally:
                checking.cancel()
                presences.cancel()
                for session_id, followed in list(self._followed.items()):
                    self._close(session_id, followed)

    @asynccontextmanager
    async def live(self, session_id: str) -> AsyncIterator[LiveSession]:
        """The session as followed here, opened if nobody does yet, for as long as the context lasts."""
        followed = self._followed.get(session_id)
        if followed is None:
            followed = self._begin(session_id)
        followed.users += 1
        if followed.closing is not None:
            followed.closing.cancel()
            followed.closing = None
        try:
            await asyncio.shield(followed.opened)
            yield followed.live
        finally:
            followed.users -= 1
            if followed.users == 0 and self._followed.get(session_id) is followed:
                loop = asyncio.get_running_loop()
                followed.closing = loop.call_later(self._limits.linger_s, self._close, session_id, followed)

    def end(self, session_id: str) -> None:
        """End all watches of a session, on every node."""
        self._backplane.bus.publish(end_channel(session_id), FOR_ALL)

    def end_for(self, session_id: str, user: str) -> None:
        """End one user's watches of a session, on every node."""
        self._backplane.bus.publish(end_channel(session_id), user.encode())

    def is_watched(self, session_id: str) -> bool:
        """Whether anybody on this node watches the session."""
        followed = self._followed.get(session_id)
        return followed is not None and bool(followed.live.watchers)

    @property
    def followed(self) -> int:
        return len(self._followed)

    def _begin(self, session_id: str) -> _Followed:
        """Open the session in a task of its own: whoever asked for it first may leave before it is open."""
        if self._group is None:
            raise CallError("unavailable", "The hub is not running. Try again when it is.")
        group = self._group

        def on_loss() -> None:
            group.create_task(self._check_after_loss(live), name=f"check {session_id}")

        live = LiveSession(session_id, self._backplane.journal, self._limits, group, on_loss)
        followed = self._followed[session_id] = _Followed(live)
        followed.opening = self._group.create_task(self._open(session_id, followed), name=f"follow {session_id}")
        return followed

    async def _open(self, session_id: str, followed: _Followed) -> None:
        """Never raises: those who wait for the opening learn how it went; the next one after a failure tries anew."""
        try:
            channel = end_channel(session_id)
            followed.end = await self._backplane.bus.subscribe(channel, lambda whose: self._end(session_id, whose))
            await followed.live.open()
        except Exception as error:
            followed.fail(error)
            self._close(session_id, followed)
        else:
            if not followed.opened.done():
                followed.opened.set_result(None)

    def _end(self, session_id: str, whose: bytes) -> None:
        if whose == FOR_ALL:
            self.presences.revise(session_id, {})
        followed = self._followed.get(session_id)
        if followed is not None and whose != FOR_ALL:
            followed.live.end_for(whose.decode())
        elif followed is not None:
            followed.live.end()
            if not followed.opened.done():
                followed.opened.set_result(None)  # open enough to see that it has ended
            self._close(session_id, followed)

    def _close(self, session_id: str, followed: _Followed) -> None:
        """Idempotent."""
        if self._followed.get(session_id) is followed:
            del self._followed[session_id]
        if followed.opening is not None and not followed.opened.done():
            followed.opening.cancel()
            followed.fail(CallError("unavailable", "The session is no longer followed here. Try again."))
        followed.live.close()
        if followed.end is not None:
            followed.end.close()
        if followed.closing is not None:
            followed.closing.cancel()

    async def _check_forever(self) -> None:
        """Find what was lost on the way: entries that have none after them (design, section 5), and ends of access."""
        while True:
            await asyncio.sleep(self._limits.check_position_s)
            for followed in list(self._followed.values()):
                if followed.live.is_open and followed.live.watchers:
                    try:
                        await self._check(followed.live)
                    except BackplaneAway:
                        break  # tried again at the next turn; the drivers log it

    async def _check_after_loss(self, live: LiveSession) -> None:
        """The store is back, and may not have brought us all."""
        try:
            await self._check(live)
        except BackplaneAway:
            return  # away again: once it is back it says so again
        self.presences.ask_again(live.session_id)

    async def _check(self, live: LiveSession) -> None:
        watchers = tuple(live.watchers)  # those of now: who comes meanwhile may have been let in after what is read
        await live.check()
        record = await self._backplane.directory.get(live.session_id)
        if record is None:
            self._end(live.session_id, FOR_ALL)
            return
        for watcher in watchers:
            if watcher.user not in record.members:
                watcher.end()
        self.presences.revise(live.session_id, record.members)

"""A watch: one client's place in a session, and the stream that it reads.

starting ──entries after its position are at hand──> live
starting ──they are not──> behind
live     ──new entry, connection writable: sent at once──> live
live     ──connection has a backlog: nothing is taken until it has drained──> live
live     ──its place has left the ring, or the epoch has changed──> behind
behind   ──connection writable: a snapshot is sent──> live
any      ──session deleted, access ended, run done (a watch of one run)──> ended
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from hub.backplane.base import Journal, Position
from hub.chat import events
from hub.chat.parts import Session
from hub.protocol.messages import Encoded
from hub.runs.follow.live import Item, LiveSession

CHUNK_ITEMS = 128
"""How many items leave in one write; between two the backlog is looked at."""


class Sink(Protocol):
    """Where a watch's items go: the connection's stream."""

    @property
    def writable(self) -> bool: ...
    def send(self, item: Encoded) -> None: ...
    def send_many(self, items: Sequence[Encoded]) -> None: ...
    def on_writable(self, callback: Callable[[], None]) -> None:
        """Call once when there is no backlog; at once if there is none."""
        ...


async def _never() -> Position | None:
    return None


class Watch:
    """`run` returns when the watch is over; cancel it to leave.

    With `run_id`, only that run's events are sent (and snapshots), and its `done` ends the watch. `run_ended` gives a
    position that the run's `done` is not after, once there is one: a run may be over before its watch begins.
    `session` gives the session, or None once `user` may not see it. `on_follow` is told each time how the watch caught
    up: by a "snapshot", or the "entries" after its position.
    """

    def __init__(
        self,
        live: LiveSession,
        journal: Journal,
        sink: Sink,
        *,
        user: str,
        session: Callable[[], Awaitable[Session | None]],
        now_ms: Callable[[], int],
        on_follow: Callable[[str], None],
        run_id: str | None = None,
        run_ended: Callable[[], Awaitable[Position | None]] = _never,
    ) -> None:
        self.user = user
        self._live = live
        self._journal = journal
        self._sink = sink
        self._session = session
        self._now_ms = now_ms
        self._on_follow = on_follow
        self._run_id = run_id
        self._run_ended = run_ended
        self._end: Position | None = None  # the run's `done` is not after this; set once that is known
        self._epoch = ""  # of `_offset`; set when the watch goes live
        self._offset = 0  # of the last item taken
        self._is_behind = True
        self._is_waiting = False  # asked to be called when the connection is writable
        self._has_ended = False
        self._wake = asyncio.Event()

    async def run(self, position: Position | None) -> None:
        """Catch up from `position` (None: from a snapshot), then go on live."""
        self._live.watchers.add(self)
        try:
            if await self._session() is None:
                return  # it was told to others before we were among those who are
            await self._start(position)
            while not self._has_ended and not self._live.has_ended:
                if self._is_behind and self._live.is_open and self._sink.writable:
                    await self._send_snapshot()
                else:
                    self._ask_for_room()
                    await self._wake.wait()
                self._wake.clear()
        finally:
            self._live.watchers.discard(self)

    def pump(self) -> None:
        """Send what is new, as far as the connection takes it."""
        if self._is_behind or self._has_ended:
            self._wake.set()
            return
        if self._epoch != self._live.epoch:
            self._fall_behind()
            return
        if self._offset > self._live.top and self._live.is_open:
            return  # read from the journal; its entries are still on their way to us
        while self._sink.writable and not self._has_ended:
            items = self._live.items(self._offset)
            if items is None:
                self._fall_behind()
                return
            if not items:
                return
            self._send(items[:CHUNK_ITEMS])
            if len(items) <= CHUNK_ITEMS:
                return  # that was all; whoever brings more calls again
        self._ask_for_room()

    def end(self) -> None:
        self._has_ended = True
        self._wake.set()

    async def _start(self, position: Position | None) -> None:
        """Go live right after `position` if all that came since is at hand."""
        if position is None or position.epoch != self._live.epoch:
            return
        if self._live.items(position.offset) is None:
            page = await self._journal.read(self._live.session_id, position)
            if not page.complete or page.epoch != self._live.epoch:
                return
            await self._send_stored([Item(entry.offset, entry.payload) for entry in page.entries])
            position = Position(page.epoch, page.top)
        self._on_follow("entries")
        self._go_live(position)

    async def _send_stored(self, items: Sequence[Item]) -> None:
        """Send what was read from the journal, as fast as the connection takes it."""
        for first in range(0, len(items), CHUNK_ITEMS):
            while not self._sink.writable and not self._has_ended:
                self._ask_for_room()
                await self._wake.wait()
                self._wake.clear()
            if self._has_ended:
                return
            self._send(items[first : first + CHUNK_ITEMS])

    async def _send_snapshot(self) -> None:
        session = await self._session()
        if session is None:
            self._has_ended = True
            return
        self._end = await self._run_ended()
        if self._live.is_open and self._sink.writable:  # both may have changed while we waited
            self._on_follow("snapshot")
            self._sink.send(self._live.snapshot(session, self._now_ms()))
            if self._run_id is not None and self._live.transcript().has_ended(self._run_id):
                self._has_ended = True
            self._go_live(self._live.position())

    def _go_live(self, position: Position) -> None:
        self._epoch, self._offset = position.epoch, position.offset
        self._is_behind = False
        self._end_if_past_run()
        self.pump()

    def _end_if_past_run(self) -> None:
        """A run that was done before the snapshot sends no `done` after it."""
        if self._end is not None and self._epoch == self._end.epoch and self._offset >= self._end.offset:
            self.end()

    def _fall_behind(self) -> None:
        self._is_behind = True
        self._wake.set()

    def _send(self, items: Sequence[Item]) -> None:
        self._offset = items[-1].offset
        if self._run_id is not None:
            self._send_of_run(items, self._run_id)
            self._end_if_past_run()
        elif len(items) == 1:
            self._sink.send(items[0].encoded)
        else:
            self._sink.send_many([item.encoded for item in items])

    def _send_of_run(self, items: Sequence[Item], run_id: str) -> None:
        for item in items:
            event = item.event
            if getattr(event, "run_id", None) == run_id:
                self._sink.send(item.encoded)
                if isinstance(event, events.Done):
                    self.end()
                    return

    def _ask_for_room(self) -> None:
        """Be called when the connection is writable; nothing to do if it is."""
        if not self._is_waiting and not self._sink.writable:
            self._is_waiting = True
            self._sink.on_writable(self._on_room)

    def _on_room(self) -> None:
        self._is_waiting = False
        self._wake.set()
        self.pump()

"""Puts one driver's events into its session's journal: in order, joined under pressure, each exactly once.

Theory of operation. `write` queues an event and, if no append is on its way, sends all that is queued as one append.
While one is on its way, further events wait, and deltas of the same part join into one: an idle system adds no
latency, a loaded one makes fewer and bigger entries. An append that the store could not take (`BackplaneAway`) is
sent again under the same number, so that one whose answer was lost is not stored twice.

    idle ──write──> sending ──stored, nothing waits──> idle
                    sending ──stored, more waits─────> sending
                    sending ──away───────────────────> waiting ──retry_s──> sending (same number)
                    any     ──stale fence────────────> lost (for good)
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from hub.backplane.base import Appended, Fence, Journal, Position
from hub.chat import events
from hub.errors import BackplaneAway, BackplaneError

MAX_JOINED_CHARS = 8 * 1024
"""A joined delta grows no longer than this."""


class EventWriter:
    """`on_event` is told each event as it is written, before it is stored; `on_lost` once, when writing has ended for
    good: with the error, or None when more than `max_waiting` events waited while the store was away.
    """

    def __init__(
        self,
        journal: Journal,
        session_id: str,
        fence: Fence,
        *,
        on_event: Callable[[events.Stored], None],
        on_lost: Callable[[BackplaneError | None], None],
        retry_s: float = 0.25,
        max_waiting: int = 10_000,
    ) -> None:
        self._journal = journal
        self._session_id = session_id
        self._fence = fence
        self._on_event = on_event
        self._on_lost = on_lost
        self._retry_s = retry_s
        self._max_waiting = max_waiting
        self._waiting: list[events.Stored] = []
        self._sending: list[bytes] | None = None  # the append on its way, set while there is one
        self._is_gathering = False  # inside `together`
        self._number = 0  # of the append on its way, or of the last
        self._retry: asyncio.TimerHandle | None = None  # set while the store is away
        self._idle: asyncio.Future[None] | None = None  # set while somebody waits in `flushed`
        self.position: Position | None = None  # of the newest event that is stored; set by the first append
        self.is_lost = False

    @property
    def appends(self) -> int:
        """How many are stored: the number of the last one."""
        return self._number if self._sending is None else self._number - 1

    def write(self, *new: events.Stored) -> None:
        """Queue events, in order; those of one call go in one append. After the fence is lost they are dropped."""
        if self.is_lost:
            return
        for event in new:
            self._on_event(event)
            if self._sending is None or not self._join(event):
                self._waiting.append(event)
        if self._is_gathering:
            return
        if self._sending is None:
            self._send()
        elif len(self._waiting) > self._max_waiting:
            self._lose(None)

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is written inside goes in one append; nothing may be awaited."""
        self._is_gathering = True
        try:
            yield
        finally:
            self._is_gathering = False
            self.write()

    async def flushed(self) -> None:
        """Return once everything written so far is stored, or the fence is lost."""
        if self._sending is None or self.is_lost:
            return
        if self._idle is None:
            self._idle = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._idle)

    def close(self) -> None:
        """Write no more; what is not stored yet is dropped."""
        self.is_lost = True
        if self._retry is not None:
            self._retry.cancel()
        self._wake_flushed()

    def _join(self, event: events.Stored) -> bool:
        """Make `event` part of the last one that waits, if the two are deltas of one part, or progress of one call."""
        if not self._waiting:
            return False
        last = self._waiting[-1]
        match event, last:
            case (events.Text(), events.Text()) if event.part == last.part and event.run_id == last.run_id:
                if last.citations:
                    return False
            case (events.Thinking(), events.Thinking()) if event.part == last.part and event.run_id == last.run_id:
                if last.signature is not None or last.redacted is not None or event.redacted is not None:
                    return False
            case (events.ToolInput(delta=str()), events.ToolInput(delta=str())) if event.call_id == last.call_id:
                pass
            case (events.ToolProgress(), events.ToolProgress()):
                return self._replace_progress(event)
            case _:
                return False
        joined = (last.delta or "") + (event.delta or "")
        if len(joined) > MAX_JOINED_CHARS:
            return False
        self._waiting[-1] = msgspec.structs.replace(event, delta=joined, time=last.time)
        return True

    def _replace_progress(self, event: events.ToolProgress) -> bool:
        """Only the newest progress of each call matters; calls that run side by side report in turn."""
        for place in range(len(self._waiting) - 1, -1, -1):
            other = self._waiting[place]
            if not isinstance(other, events.ToolProgress):
                return False
            if other.call_id == event.call_id:
                self._waiting[place] = event
                return True
        return False

    def _send(self) -> None:
        """Send what waits, until nothing does or an append is on its way."""
        while self._waiting and not self.is_lost:
            self._sending = [events.encode(event) for event in self._waiting]
            self._waiting.clear()
            self._number += 1
            if not self._append():
                return
        self._wake_flushed()

    def _append(self) -> bool:
        """Whether the append has been stored before this returns."""
        assert self._sending is not None
        future = self._journal.append(self._session_id, self._fence, self._number, self._sending)
        if future.done():
            return self._settle(future)
        future.add_done_callback(self._on_done)
        return False

    def _on_done(self, future: asyncio.Future[Appended]) -> None:
        if self._settle(future):
            self._send()

    def _settle(self, future: asyncio.Future[Appended]) -> bool:
        """Whether the append is stored; if not, it is tried again later or never."""
        error = None if future.cancelled() else future.exception()  # retrieved, whatever becomes of it
        if future.cancelled() or self.is_lost:
            return False
        if error is None:
            stored = future.result()
            self.position = Position(stored.epoch, stored.last)
            self._sending = None
            return True
        if isinstance(error, BackplaneAway):
            self._retry = asyncio.get_running_loop().call_later(self._retry_s, self._try_again)
        elif isinstance(error, BackplaneError):
            self._lose(error)
        else:
            raise error
        return False

    def _try_again(self) -> None:
        self._retry = None
        if self._append():
            self._send()

    def _lose(self, error: BackplaneError | None) -> None:
        self.close()
        self._on_lost(error)

    def _wake_flushed(self) -> None:
        if self._idle is not None:
            self._idle.set_result(None)
            self._idle = None

"""One session as this node follows it: one subscription and a ring of its newest entries serve all local watchers.

Theory of operation. Entries come from the journal in the order stored. Each is kept in the ring as it goes to clients,
encoded once, and every watcher is pumped at once, without a task switch. An entry that does not follow the one before
(a hole, another epoch) means that something was lost: the session is read again, and watchers whose place is gone get
a snapshot. A watcher that falls out of the ring likewise: it is a position, not a queue.

    opening ──subscribed, then read──> live ──entry is next──> live
                                       live ──hole, other epoch, or behind the journal's top──> opening
                                       live ──no watcher for linger_s, or the session is gone──> closed
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from hub.backplane.base import Entry, Journal, Position, Subscription
from hub.chat import events
from hub.chat.parts import Session
from hub.chat.transcript import SNAPSHOT_MESSAGES, Transcript
from hub.errors import BackplaneAway
from hub.protocol.messages import Encoded
from hub.runs.limits import RunLimits
from hub.runs.loading import load

logger = logging.getLogger("hub.runs")


class Item:
    """An entry as it goes to clients: encoded once, decoded at most once."""

    __slots__ = ("_event", "_is_decoded", "encoded", "offset", "payload")

    def __init__(self, offset: int, payload: bytes) -> None:
        self.offset = offset
        self.payload = payload
        self.encoded = Encoded(events.with_offset(payload, offset))
        self._event: events.Stored | None = None
        self._is_decoded = False

    @property
    def event(self) -> events.Stored | None:
        """None if this version does not know its type."""
        if not self._is_decoded:
            self._event = events.decode(self.payload)
            self._is_decoded = True
        return self._event


class Follower(Protocol):
    """Who watches the session. Neither method may block."""

    @property
    def user(self) -> str: ...

    def pump(self) -> None:
        """There is something new to take, or the session was read again."""
        ...

    def end(self) -> None:
        """The watch is over."""
        ...


class LiveSession:
    """A followed session. `first` is the offset of the ring's oldest entry, `top` that of its newest (first - 1 if the
    ring is empty)."""

    """`on_loss` is called when the store was away, and messages may not have come."""

    def __init__(
        self,
        session_id: str,
        journal: Journal,
        limits: RunLimits,
        group: asyncio.TaskGroup,
        on_loss: Callable[[], None],
    ) -> None:
        self.session_id = session_id
        self._journal = journal
        self._limits = limits
        self._group = group  # owns the tasks that read again
        self._on_loss = on_loss
        self._subscription: Subscription | None = None  # set by `open`
        self._early: list[Entry] | None = []  # entries that came while opening; None once live
        self._ring: list[Item] = []
        self._transcript = Transcript()  # folded up to `_folded`
        self._folded = 0
        self._reopening: asyncio.Task[None] | None = None  # set while the session is read again
        self.epoch = ""  # set by `open`
        self.first = 1
        self.has_ended = False  # set by `end`
        self.watchers: set[Follower] = set()

    @property
    def top(self) -> int:
        return self.first + len(self._ring) - 1

    @property
    def is_open(self) -> bool:
        """Whether the ring and the transcript are those of now; false while the session is (again) being read."""
        return self._early is None

    async def open(self) -> None:
        """Subscribe, then read: what is stored meanwhile is in one of the two, or in both."""
        self._early = []
        if self._subscription is None:
            self._subscription = await self._journal.follow(self.session_id, self._on_entries)
        self._transcript, top = await load(self._journal, self.session_id, newest=SNAPSHOT_MESSAGES)
        self.epoch = top.epoch
        self._folded = top.offset
        self._ring = []
        self.first = top.offset + 1
        early, self._early = self._early, None
        self._on_entries(early)

    def end(self) -> None:
        """The session is gone: end all watches."""
        self.has_ended = True
        for watcher in tuple(self.watchers):
            watcher.end()

    def end_for(self, user: str) -> None:
        """The session is gone for this user."""
        for watcher in tuple(self.watchers):
            if watcher.user == user:
                watcher.end()

    def close(self) -> None:
        if self._subscription is not None:
            self._subscription.close()
        if self._reopening is not None:
            self._reopening.cancel()

    def items(self, after: int) -> Sequence[Item] | None:
        """The ring's entries after an offset; None if some of them are no longer (or not yet) known."""
        place = after + 1 - self.first
        if place < 0 or place > len(self._ring) or self._early is not None:
            return None
        return self._ring[place:]

    def position(self) -> Position:
        return Position(self.epoch, self.top)

    def transcript(self) -> Transcript:
        """The transcript at `top`. Owned here; read it and keep nothing of it across an await."""
        for item in self.items(self._folded) or ():
            if item.event is not None:
                self._transcript.apply(item.event)
        self._folded = self.top
        return self._transcript

    def snapshot(self, session: Session, now: int) -> Encoded:
        """The session folded at `top`, as a watcher gets it."""
        transcript = self.transcript()
        messages, has_more = transcript.latest()
        snapshot = events.Snapshot(
            epoch=self.epoch, session=session, messages=messages, has_more=has_more, run=transcript.active(), time=now
        )
        return Encoded(events.with_offset(events.encode(snapshot), self.top))

    async def check(self) -> None:
        """Find entries whose message was lost: compare with the journal's top, and read again if it is beyond ours."""
        known = self.position()
        top = await self._journal.top(self.session_id)
        if self._early is None and top != known and top != self.position() and self.position() == known:
            logger.warning("session %s: entries were lost on the way, reading again", self.session_id)
            self.begin_again()

    def _on_entries(self, entries: Sequence[Entry]) -> None:
        if self._early is not None:
            self._early.extend(entries)
            return
        if not entries:
            self._on_loss()
            return
        top = self.top
        for entry in entries:
            if entry.epoch == self.epoch and entry.offset <= top:
                continue
            top += 1
            if entry.epoch != self.epoch or entry.offset != top:
                logger.warning("session %s: a hole before offset %s, reading again", self.session_id, entry.offset)
                self.begin_again()
                return
            self._ring.append(Item(entry.offset, entry.payload))
        for watcher in tuple(self.watchers):
            watcher.pump()
        self._trim()  # after all have had their turn: one batch may be longer than the ring

    def _trim(self) -> None:
        """Forget the oldest entries, once there are twice as many as are kept: rarely, and many at a time."""
        keep = self._limits.ring_entries
        if len(self._ring) > 2 * keep:
            self.transcript()  # folds what is about to go
            self.first += len(self._ring) - keep
            del self._ring[:-keep]

    def begin_again(self) -> None:
        """Read the session again: what is known of it may not be all."""
        self._early = []
        self._reopening = self._group.create_task(self._read_again(), name=f"reread {self.session_id}")

    async def _read_again(self) -> None:
        while True:
            try:
                await self.open()
            except BackplaneAway:
                await asyncio.sleep(self._limits.retry_read_s)
            except Exception:
                # What is stored cannot be read. Whoever watches again is told so; other sessions go on.
                logger.exception("session %s: cannot be read again", self.session_id)
                self.end()
                return
            else:
                break
        for watcher in tuple(self.watchers):
            watcher.pump()

"""The backplane of one process without a file: everything is in memory and ends with it.

Each act is synchronous, hence atomic: nothing awaits between reading and writing. `MemoryJournal.append` is the hot
path of the product; it stores, publishes, and returns a future that is done.
"""

import asyncio
import heapq
from collections.abc import Callable, Sequence

from hub.backplane import decide
from hub.backplane.base import (
    Accepted,
    Appended,
    Ask,
    Backplane,
    Entry,
    Fence,
    FileRecord,
    Fold,
    Known,
    Lease,
    Note,
    Page,
    Position,
    Row,
    SessionRecord,
    Settle,
    Stopped,
    Subscription,
    Work,
)
from hub.backplane.decide import Box
from hub.backplane.epoch import random_epoch
from hub.backplane.fanout import Fanout, LocalBus
from hub.backplane.numbered import Numbered


class _Log:
    """One session's journal. `entries` are those after `floor`, up to and with `top`."""

    __slots__ = ("entries", "epoch", "floor", "fold", "numbered", "rows", "top")

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.top = 0
        self.floor = 0
        self.entries: list[Entry] = []
        self.fold: Fold | None = None
        self.rows: dict[int, Row] = {}  # by place
        self.numbered = Numbered()

    def newest(self, limit: int | None, before: int | None = None) -> list[Row]:
        places = [place for place in self.rows if before is None or place < before]
        newest = places if limit is None else heapq.nlargest(limit, places)
        return [self.rows[place] for place in sorted(newest)]

    def place_of(self, message_id: str) -> int | None:
        return next((row.place for row in self.rows.values() if row.message_id == message_id), None)


class MemoryJournal:
    """`Journal` on a dict. `boxes` are the inbox's, for the fence check."""

    def __init__(self, boxes: dict[str, Box], epoch_source: Callable[[], str]) -> None:
        self._boxes = boxes
        self._epoch_source = epoch_source
        self._logs: dict[str, _Log] = {}
        self._followers: Fanout[Sequence[Entry]] = Fanout()

    def append(self, session_id: str, fence: Fence, number: int, payloads: Sequence[bytes]) -> asyncio.Future[Appended]:
        future: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        try:
            future.set_result(self._append(session_id, fence, number, payloads))
        except Exception as error:
            future.set_exception(error)
        return future

    def _append(self, session_id: str, fence: Fence, number: int, payloads: Sequence[bytes]) -> Appended:
        decide.hold(self._boxes.get(session_id), fence)
        log = self._logs.get(session_id) or self._begin(session_id)
        before = log.numbered.before(fence, number)
        if before is not None:
            return before
        epoch, offset = log.epoch, log.top
        entries = [Entry(epoch, offset := offset + 1, payload) for payload in payloads]
        appended = Appended(epoch, log.top + 1, offset)
        log.entries += entries
        log.top = offset
        log.numbered.add(fence, number, appended)
        if entries:
            self._followers.publish(session_id, entries)
        return appended

    async def follow(self, session_id: str, receive: Callable[[Sequence[Entry]], None]) -> Subscription:
        return self._followers.add(session_id, receive)

    async def read(self, session_id: str, after: Position | None = None, *, rows: int | None = 0) -> Page:
        log = self._logs.get(session_id) or self._begin(session_id)
        if after is not None and after.epoch == log.epoch and log.floor <= after.offset <= log.top:
            return Page(log.epoch, log.top, True, log.entries[after.offset - log.floor :])
        fold = None if log.fold is None else Fold(log.fold.offset, log.fold.state, tuple(log.newest(rows)))
        return Page(log.epoch, log.top, False, log.entries[:], fold)

    async def top(self, session_id: str) -> Position:
        log = self._logs.get(session_id) or self._begin(session_id)
        return Position(log.epoch, log.top)

    async def compact(self, session_id: str, fence: Fence, fold: Fold) -> bool:
        decide.hold(self._boxes.get(session_id), fence)
        log = self._logs.get(session_id) or self._begin(session_id)
        if fold.offset > log.top or (log.fold is not None and log.fold.offset >= fold.offset):
            return False
        log.rows.update((row.place, row) for row in fold.rows)
        log.fold = Fold(fold.offset, fold.state)
        del log.entries[: fold.offset - log.floor]
        log.floor = fold.offset
        return True

    async def rows(self, session_id: str, before: int | str | None = None, limit: int | None = None) -> list[Row]:
        log = self._logs.get(session_id)
        if isinstance(before, str):
            place = None if log is None else log.place_of(before)
            if place is None:
                raise LookupError("No folded message has this id.")
            before = place
        return [] if log is None else log.newest(limit, before)

    async def delete(self, session_id: str) -> None:
        self._logs.pop(session_id, None)

    def _begin(self, session_id: str) -> _Log:
        log = self._logs[session_id] = _Log(self._epoch_source())
        return log


class _Past:
    """What one session's inbox has done with: kept for the life of the session, so that ids stay idempotent."""

    __slots__ = ("answers", "asks", "note_ids", "runs")

    def __init__(self) -> None:
        self.asks: dict[str, Known] = {}  # by ask id
        self.runs: dict[str, Known] = {}  # the same, by run id
        self.note_ids: set[str] = set()
        self.answers: dict[str, bytes] = {}  # by call id

    def keep(self, settled: decide.Settled) -> None:
        for known in settled.asks:
            self.asks[known.ask.ask_id] = self.runs[known.ask.run_id] = known
        self.note_ids.update(settled.note_ids)
        self.answers.update(settled.answers)


class MemoryInbox:
    """`Inbox` and `Leases` on the same boxes."""

    def __init__(self, boxes: dict[str, Box]) -> None:
        self.boxes = boxes  # the journal's too, which checks fences by them
        self._pasts: dict[str, _Past] = {}
        self._fences = 0  # the newest fence of any session: so it is higher than any the session had, deleted or not

    async def accept(self, session_id: str, ask: Ask, position: Position, *, max_queued: int, now: int) -> Accepted:
        box = self._box(session_id)
        before = self._find(session_id, ask_id=ask.ask_id) or self._find(session_id, run_id=ask.run_id)
        accepted = decide.accept(box, before, ask, position, max_queued=max_queued, now=now)
        self._drop_if_empty(session_id, box)
        return accepted

    async def stop(
        self,
        session_id: str,
        *,
        by: str,
        run_id: str | None = None,
        ask_id: str | None = None,
        queued: bool = False,
        now: int,
        remember_ms: int,
    ) -> Stopped:
        box = self._box(session_id)
        before = self._find(session_id, run_id=run_id) or self._find(session_id, ask_id=ask_id)
        stopped = decide.stop(
            box, before, by=by, run_id=run_id, ask_id=ask_id, queued=queued, now=now, remember_ms=remember_ms
        )
        self._drop_if_empty(session_id, box)
        return stopped

    async def note(self, session_id: str, note: Note, *, now: int) -> None:
        past = self._pasts.get(session_id)
        left_before = past is not None and note.note_id in past.note_ids
        box = self._box(session_id)
        decide.note(box, left_before, note, now=now)
        self._drop_if_empty(session_id, box)

    async def answer(self, session_id: str, call_id: str, body: bytes) -> bytes:
        past = self._pasts.get(session_id)
        before = None if past is None else past.answers.get(call_id)
        box = self._box(session_id)
        first = decide.answer(box, before, call_id, body)
        self._drop_if_empty(session_id, box)
        return first

    async def known(self, session_id: str, *, run_id: str | None = None, ask_id: str | None = None) -> Known | None:
        return self._find(session_id, run_id=run_id) or self._find(session_id, ask_id=ask_id)

    async def delete(self, session_id: str) -> None:
        self.boxes.pop(session_id, None)
        self._pasts.pop(session_id, None)

    async def take(self, session_id: str, owner: str, *, now: int, lease_ms: int) -> Lease | None:
        lease = decide.take(self._box(session_id), owner, self._fences + 1, now=now, lease_ms=lease_ms)
        if lease is not None:
            self._fences += 1
        return lease

    async def renew(
        self, session_id: str, fence: Fence, *, now: int, lease_ms: int, settle: Settle | None = None, appended: int = 0
    ) -> Work:
        box = self.boxes.get(session_id)
        settled = decide.renew(box, fence, now=now, lease_ms=lease_ms, settle=settle)
        if settle is not None:
            self._pasts.setdefault(session_id, _Past()).keep(settled)
        return decide.work(self.boxes[session_id])

    async def release(self, session_id: str, fence: Fence) -> bool:
        released = decide.release(self.boxes.get(session_id), fence)
        self._drop_if_empty(session_id, self.boxes[session_id])
        return released

    async def expired(self, *, now: int, limit: int) -> list[str]:
        dues = ((decide.due(box), session_id) for session_id, box in self.boxes.items())
        over = [(due, session_id) for due, session_id in dues if due is not None and due <= now]
        return [session_id for _, session_id in heapq.nsmallest(limit, over)]

    def _find(self, session_id: str, *, run_id: str | None = None, ask_id: str | None = None) -> Known | None:
        box, past = self.boxes.get(session_id), self._pasts.get(session_id)
        known = None if box is None else decide.find(box, run_id=run_id, ask_id=ask_id)
        if known is None and past is not None:
            known = past.runs.get(run_id or "") or past.asks.get(ask_id or "")
        return known

    def _box(self, session_id: str) -> Box:
        box = self.boxes.get(session_id)
        if box is None:
            box = self.boxes[session_id] = Box()
        return box

    def _drop_if_empty(self, session_id: str, box: Box) -> None:
        if decide.is_empty(box):
            del self.boxes[session_id]


class MemoryDirectory:
    """`Directory` on a dict."""

    def __init__(self) -> None:
        self._records: dict[str, SessionRecord] = {}
        self._by_user: dict[str, set[str]] = {}  # session ids of each owner and member

    async def create(self, record: SessionRecord) -> SessionRecord:
        there = self._records.get(record.session_id)
        if there is None:
            self._put(record)
            return record
        return there

    async def get(self, session_id: str) -> SessionRecord | None:
        return self._records.get(session_id)

    async def replace(self, record: SessionRecord) -> bool:
        there = self._records.get(record.session_id)
        if there is None or there.version != record.version:
            return False
        self._remove(there)
        self._put(
            SessionRecord(
                record.session_id,
                record.owner,
                record.members,
                record.updated_at,
                record.body,
                record.version + 1,
            )
        )
        return True

    async def list(self, user: str, *, before: int | None, limit: int) -> list[SessionRecord]:
        records = (self._records[session_id] for session_id in self._by_user.get(user, ()))
        below = (record for record in records if before is None or record.updated_at < before)
        return heapq.nlargest(limit, below, key=lambda record: (record.updated_at, record.session_id))

    async def delete(self, session_id: str) -> bool:
        there = self._records.get(session_id)
        if there is not None:
            self._remove(there)
        return there is not None

    def _put(self, record: SessionRecord) -> None:
        self._records[record.session_id] = record
        for user in {record.owner, *record.members}:
            self._by_user.setdefault(user, set()).add(record.session_id)

    def _remove(self, record: SessionRecord) -> None:
        del self._records[record.session_id]
        for user in {record.owner, *record.members}:
            sessions = self._by_user[user]
            sessions.discard(record.session_id)
            if not sessions:
                del self._by_user[user]


class MemoryFiles:
    """`Files` on a dict."""

    def __init__(self) -> None:
        self._files: dict[str, dict[str, tuple[FileRecord, bytes]]] = {}  # by session and file id

    async def put(self, session_id: str, record: FileRecord, content: bytes, *, max_total_bytes: int) -> bool:
        files = self._files.get(session_id, {})
        if record.file_id in files:
            return True
        if await self.total(session_id) + record.size > max_total_bytes:
            return False
        self._files.setdefault(session_id, files)[record.file_id] = (record, content)
        return True

    async def get(self, session_id: str, file_id: str) -> FileRecord | None:
        found = self._files.get(session_id, {}).get(file_id)
        return None if found is None else found[0]

    async def content(self, session_id: str, file_id: str) -> bytes | None:
        found = self._files.get(session_id, {}).get(file_id)
        return None if found is None else found[1]

    async def read(self, session_id: str, file_id: str, offset: int, size: int) -> bytes | None:
        content = await self.content(session_id, file_id)
        return None if content is None else content[offset : offset + size]

    async def total(self, session_id: str) -> int:
        return sum(record.size for record, _ in self._files.get(session_id, {}).values())

    async def remove(self, session_id: str, file_id: str) -> None:
        files = self._files.get(session_id, {})
        files.pop(file_id, None)
        if not files:
            self._files.pop(session_id, None)

    async def delete(self, session_id: str) -> None:
        self._files.pop(session_id, None)


class MemoryBackplane(Backplane):
    """All six on one process's memory. Needs no `start`; `close` forgets nothing."""

    def __init__(self, *, epoch_source: Callable[[], str] = random_epoch) -> None:
        boxes: dict[str, Box] = {}
        inbox = MemoryInbox(boxes)
        self.bus = LocalBus()
        self.journal = MemoryJournal(boxes, epoch_source)
        self.inbox = inbox
        self.leases = inbox
        self.directory = MemoryDirectory()
        self.files = MemoryFiles()

    async def start(self) -> None:
        return None

    async def close(self) -> None:
        return None

"""The SQLite backplane as its users see it: each method hands one act to the writer's thread and waits for it."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial

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
from hub.backplane.epoch import random_epoch
from hub.backplane.fanout import Fanout, LocalBus
from hub.backplane.sqlite.directory import DirectoryActs
from hub.backplane.sqlite.file import SqliteFile, file_identity
from hub.backplane.sqlite.files import FileActs
from hub.backplane.sqlite.health import Ailment, Health
from hub.backplane.sqlite.inbox import InboxActs
from hub.backplane.sqlite.journal import JournalActs
from hub.backplane.sqlite.writer import Writer


class _Store:
    """What the writer's thread drives: the file and all acts on it."""

    def __init__(self, file: SqliteFile, epoch_source: Callable[[], str], health: Health) -> None:
        self.file = file
        self.failed = health.failed
        self.followers: Fanout[Sequence[Entry]] = Fanout()  # used on the loop only
        self.inbox = InboxActs(file)
        self.journal = JournalActs(file, self.inbox.box, epoch_source)
        self.directory = DirectoryActs(file)
        self.files = FileActs(file)

    def open(self) -> None:
        self.file.open(prepare=self.inbox.expire_all)

    def close(self) -> None:
        self.rollback()  # drops the caches; no transaction is open here
        try:
            self.file.checkpoint()
        except sqlite3.Error:
            pass  # what was committed stays in the write-ahead log, and the next start moves it
        finally:
            self.file.close()

    def begin(self) -> None:
        self.file.db.execute("BEGIN IMMEDIATE")

    def commit(self) -> list[Callable[[], None]]:
        self.journal.flush()
        self.file.db.execute("COMMIT")
        self.inbox.committed()
        return [partial(self.followers.publish, *stored) for stored in self.journal.committed()]

    def drop_caches(self) -> None:
        self.journal.drop_cache()
        self.inbox.drop_cache()

    def rollback(self) -> None:
        self.journal.forget()
        self.inbox.drop_cache()
        if self.file.db.in_transaction:  # some errors have rolled it back already
            try:
                self.file.db.execute("ROLLBACK")
            except sqlite3.Error:
                pass  # still in it: the next `begin` fails for that, is told so, and this is tried again


class SqliteJournal:
    def __init__(self, store: _Store, writer: Writer) -> None:
        self._followers = store.followers
        self._acts = store.journal
        self._submit = writer.submit

    def append(
        self, session_id: str, fence: Fence, number: int, payloads: Sequence[bytes]
    ) -> "asyncio.Future[Appended]":
        return self._submit(partial(self._acts.append, session_id, fence, number, payloads))

    async def follow(self, session_id: str, receive: Callable[[Sequence[Entry]], None]) -> Subscription:
        return self._followers.add(session_id, receive)

    async def read(self, session_id: str, after: Position | None = None, *, rows: int | None = 0) -> Page:
        return await self._submit(partial(self._acts.read, session_id, after, rows))

    async def top(self, session_id: str) -> Position:
        return await self._submit(partial(self._acts.top, session_id))

    async def compact(self, session_id: str, fence: Fence, fold: Fold) -> bool:
        return await self._submit(partial(self._acts.compact, session_id, fence, fold))

    async def rows(self, session_id: str, before: int | str | None = None, limit: int | None = None) -> list[Row]:
        rows = await self._submit(partial(self._acts.rows, session_id, before, limit))
        if rows is None:
            raise LookupError("No folded message has this id.")
        return rows

    async def delete(self, session_id: str) -> None:
        await self._submit(partial(self._acts.delete, session_id))


class SqliteInbox:
    """`Inbox` and `Leases`."""

    def __init__(self, store: _Store, writer: Writer) -> None:
        self._acts = store.inbox
        self._submit = writer.submit

    async def accept(self, session_id: str, ask: Ask, position: Position, *, max_queued: int, now: int) -> Accepted:
        return await self._submit(partial(self._acts.accept, session_id, ask, position, max_queued, now))

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
        return await self._submit(partial(self._acts.stop, session_id, by, run_id, ask_id, queued, now, remember_ms))

    async def note(self, session_id: str, note: Note, *, now: int) -> None:
        await self._submit(partial(self._acts.note, session_id, note, now))

    async def answer(self, session_id: str, call_id: str, body: bytes) -> bytes:
        return await self._submit(partial(self._acts.answer, session_id, call_id, body))

    async def known(self, session_id: str, *, run_id: str | None = None, ask_id: str | None = None) -> Known | None:
        return await self._submit(partial(self._acts.known, session_id, run_id, ask_id))

    async def delete(self, session_id: str) -> None:
        await self._submit(partial(self._acts.delete, session_id))

    async def take(self, session_id: str, owner: str, *, now: int, lease_ms: int) -> Lease | None:
        return await self._submit(partial(self._acts.take, session_id, owner, now, lease_ms))

    async def renew(
        self, session_id: str, fence: Fence, *, now: int, lease_ms: int, settle: Settle | None = None, appended: int = 0
    ) -> Work:
        return await self._submit(partial(self._acts.renew, session_id, fence, now, lease_ms, settle))

    async def release(self, session_id: str, fence: Fence) -> bool:
        return await self._submit(partial(self._acts.release, session_id, fence))

    async def expired(self, *, now: int, limit: int) -> list[str]:
        return await self._submit(partial(self._acts.expired, now, limit))


class SqliteDirectory:
    def __init__(self, store: _Store, writer: Writer) -> None:
        self._acts = store.directory
        self._submit = writer.submit

    async def create(self, record: SessionRecord) -> SessionRecord:
        return await self._submit(partial(self._acts.create, record))

    async def get(self, session_id: str) -> SessionRecord | None:
        return await self._submit(partial(self._acts.get, session_id))

    async def replace(self, record: SessionRecord) -> bool:
        return await self._submit(partial(self._acts.replace, record))

    async def list(self, user: str, *, before: int | None, limit: int) -> list[SessionRecord]:
        return await self._submit(partial(self._acts.list, user, before, limit))

    async def delete(self, session_id: str) -> bool:
        return await self._submit(partial(self._acts.delete, session_id))


class SqliteFiles:
    def __init__(self, store: _Store, writer: Writer) -> None:
        self._acts = store.files
        self._submit = writer.submit

    async def put(self, session_id: str, record: FileRecord, content: bytes, *, max_total_bytes: int) -> bool:
        return await self._submit(partial(self._acts.put, session_id, record, content, max_total_bytes))

    async def get(self, session_id: str, file_id: str) -> FileRecord | None:
        return await self._submit(partial(self._acts.get, session_id, file_id))

    async def content(self, session_id: str, file_id: str) -> bytes | None:
        return await self._submit(partial(self._acts.content, session_id, file_id))

    async def read(self, session_id: str, file_id: str, offset: int, size: int) -> bytes | None:
        return await self._submit(partial(self._acts.read, session_id, file_id, offset, size))

    async def total(self, session_id: str) -> int:
        return await self._submit(partial(self._acts.total, session_id))

    async def remove(self, session_id: str, file_id: str) -> None:
        await self._submit(partial(self._acts.remove, session_id, file_id))

    async def delete(self, session_id: str) -> None:
        await self._submit(partial(self._acts.delete, session_id))


class SqliteBackplane(Backplane):
    """All six on one file, which no other process can serve meanwhile. The bus is this process's own.

    Whether the file is well is looked at every `check_s` seconds (see `health`). `identity` names the store's life (see
    `file.file_identity`); `epoch_source` makes a new epoch's name.
    """

    def __init__(
        self,
        path: str,
        *,
        identity: Callable[[str], str] = file_identity,
        epoch_source: Callable[[], str] = random_epoch,
        check_s: float = 5.0,
    ) -> None:
        self.file = SqliteFile(path, identity=identity)
        self._health = Health(self.file, check_s)
        self._store = store = _Store(self.file, epoch_source, self._health)
        self.writer = Writer(store)
        inbox = SqliteInbox(store, self.writer)
        self.bus = LocalBus()
        self.journal = SqliteJournal(store, self.writer)
        self.inbox = inbox
        self.leases = inbox
        self.directory = SqliteDirectory(store, self.writer)
        self.files = SqliteFiles(store, self.writer)

    async def start(self) -> None:
        await self.writer.start()
        self._health.start(self.writer)

    async def close(self) -> None:
        """Everything submitted before is done and published when this returns; what comes later fails."""
        await self._health.stop()
        await self.writer.close()

    @property
    def ailment(self) -> Ailment | None:
        """Why what is written may not stay; None while all is well. For /readyz."""
        return self._health.ailment

    async def check(self) -> None:
        """Look at the file now, as is done every `check_s`."""
        await self._health.check(self.writer)

    async def drop_caches(self) -> None:
        """Read every session from the file when it is next touched, as after a restart."""
        await self.writer.submit(self._store.drop_caches)

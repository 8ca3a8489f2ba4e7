"""The journal's acts on the database. They run on the writer's thread, inside its transaction."""

from collections.abc import Callable, Sequence

import msgspec

from hub.backplane import decide
from hub.backplane.base import Appended, Entry, Fence, Fold, Page, Position, Row
from hub.backplane.decide import Box
from hub.backplane.numbered import REMEMBERED, Numbered
from hub.backplane.sqlite.file import SqliteFile

MAX_CACHED = 8192
"""Sessions whose head is kept in memory; over it all are dropped, and read again when they are next touched."""

_CHUNKS = (128, 32, 8, 1)
"""Rows per INSERT. One statement lets go of the interpreter lock once, however many rows it stores; getting the lock
back is what an insert costs most under load."""

_INSERTS = {
    rows: "INSERT INTO entries (session_id, offset, fence, number, payload) VALUES " + ", ".join(["(?,?,?,?,?)"] * rows)
    for rows in _CHUNKS
}

_decode_numbered = msgspec.msgpack.Decoder(Numbered).decode
_encode = msgspec.msgpack.Encoder().encode

EntryRow = tuple[str, int, int, int, bytes]


class _Head(msgspec.Struct):
    """What an append needs to know of a session. Only this process writes the file, so it may be kept."""

    epoch: str
    top: int
    floor: int
    fold_offset: int | None
    numbered: Numbered


class JournalActs:
    """`base.Journal` without the waiting. `box_of` gives the inbox's box of a session, for the fence check."""

    def __init__(self, file: SqliteFile, box_of: Callable[[str], Box], epoch_source: Callable[[], str]) -> None:
        self._file = file
        self._box_of = box_of
        self._epoch_source = epoch_source
        self._heads: dict[str, _Head] = {}
        self._unwritten: list[EntryRow] = []  # of this transaction, not yet in the table
        self._stored: list[tuple[str, list[Entry]]] = []  # of this transaction, to be published after its commit

    # ------------------------------------------------------------------------------------------ transactions

    def flush(self) -> None:
        """Write the entries that this transaction has collected. Everything that reads them calls it first."""
        rows, self._unwritten = self._unwritten, []
        begin = 0
        for size in _CHUNKS:
            while len(rows) - begin >= size:
                values = [value for row in rows[begin : begin + size] for value in row]
                self._file.db.execute(_INSERTS[size], values)
                begin += size

    def committed(self) -> list[tuple[str, list[Entry]]]:
        """What to publish, now that it is durable, in the order stored."""
        stored, self._stored = self._stored, []
        if len(self._heads) > MAX_CACHED:
            self.drop_cache()
        return stored

    def drop_cache(self) -> None:
        """Read the heads from the file again."""
        self.flush()
        self._heads.clear()

    def forget(self) -> None:
        """The transaction was rolled back: drop what came of it."""
        self._heads.clear()
        self._unwritten.clear()
        self._stored.clear()

    # -------------------------------------------------------------------------------------------------- acts

    def append(self, session_id: str, fence: Fence, number: int, payloads: Sequence[bytes]) -> Appended:
        decide.hold(self._box_of(session_id), fence)
        head = self._head(session_id)
        before = head.numbered.before(fence, number)
        if before is not None:
            return before
        offset = head.top
        entries = [Entry(head.epoch, offset := offset + 1, payload) for payload in payloads]
        self._unwritten += [(session_id, entry.offset, fence.number, number, entry.payload) for entry in entries]
        if entries:
            self._stored.append((session_id, entries))
        appended = Appended(head.epoch, head.top + 1, offset)
        head.top = offset
        head.numbered.add(fence, number, appended)
        return appended

    def read(self, session_id: str, after: Position | None, rows: int | None) -> Page:
        self.flush()
        head = self._head(session_id)
        if after is not None and after.epoch == head.epoch and head.floor <= after.offset <= head.top:
            return Page(head.epoch, head.top, True, self._entries(session_id, head.epoch, after.offset))
        fold = None
        if head.fold_offset is not None:
            query = "SELECT fold_state FROM journals WHERE session_id = ?"
            (state,) = self._file.db.execute(query, (session_id,)).fetchone()
            fold = Fold(head.fold_offset, state, tuple(self._rows(session_id, None, rows)))
        return Page(head.epoch, head.top, False, self._entries(session_id, head.epoch, head.floor), fold)

    def top(self, session_id: str) -> Position:
        head = self._head(session_id)
        return Position(head.epoch, head.top)

    def compact(self, session_id: str, fence: Fence, fold: Fold) -> bool:
        decide.hold(self._box_of(session_id), fence)
        head = self._head(session_id)
        if fold.offset > head.top or (head.fold_offset is not None and head.fold_offset >= fold.offset):
            return False
        self.flush()
        db = self._file.db
        db.executemany(
            "INSERT OR REPLACE INTO messages VALUES (?, ?, ?, ?)",
            [(session_id, row.place, row.message_id, row.body) for row in fold.rows],
        )
        db.execute("DELETE FROM entries WHERE session_id = ? AND offset <= ?", (session_id, fold.offset))
        db.execute(
            "UPDATE journals SET floor = ?, fold_offset = ?, fold_state = ?, numbered = ? WHERE session_id = ?",
            (fold.offset, fold.offset, fold.state, _encode(head.numbered), session_id),
        )
        head.floor = head.fold_offset = fold.offset
        return True

    def rows(self, session_id: str, before: int | str | None, limit: int | None) -> list[Row] | None:
        """None: no folded message has the id `before`. (To raise here would undo the whole transaction.)"""
        if isinstance(before, str):
            query = "SELECT place FROM messages WHERE session_id = ? AND message_id = ?"
            found = self._file.db.execute(query, (session_id, before)).fetchone()
            return None if found is None else self._rows(session_id, found[0], limit)
        return self._rows(session_id, before, limit)

    def delete(self, session_id: str) -> None:
        self.flush()
        self._heads.pop(session_id, None)
        for table in ("entries", "messages", "journals"):
            self._file.db.execute(f"DELETE FROM {table} WHERE session_id = ?", (session_id,))

    # ---------------------------------------------------------------------------------------------- what is stored

    def _entries(self, session_id: str, epoch: str, after: int) -> list[Entry]:
        """With the epoch of now, also those stored in an earlier one: they kept their offsets in its numbering."""
        query = "SELECT offset, payload FROM entries WHERE session_id = ? AND offset > ? ORDER BY offset"
        return [Entry(epoch, offset, payload) for offset, payload in self._file.db.execute(query, (session_id, after))]

    def _rows(self, session_id: str, before: int | None, limit: int | None) -> list[Row]:
        newest_first = self._file.db.execute(
            "SELECT place, message_id, body FROM messages WHERE session_id = ? AND (? IS NULL OR place < ?) "
            "ORDER BY place DESC LIMIT ?",
            (session_id, before, before, -1 if limit is None else limit),
        )
        return [Row(*row) for row in newest_first][::-1]

    def _head(self, session_id: str) -> _Head:
        head = self._heads.get(session_id)
        if head is None:
            head = self._heads[session_id] = self._load(session_id) or self._create(session_id)
        return head

    def _create(self, session_id: str) -> _Head:
        epoch = self._epoch_source()
        self._file.db.execute(
            "INSERT INTO journals (session_id, epoch, identity, floor) VALUES (?, ?, ?, 0)",
            (session_id, epoch, self._file.identity),
        )
        return _Head(epoch, 0, 0, None, Numbered())

    def _load(self, session_id: str) -> _Head | None:
        """The head from the file; begins a new epoch if the file may have lost its tail since it was written."""
        db = self._file.db
        found = db.execute(
            "SELECT epoch, identity, floor, fold_offset, numbered FROM journals WHERE session_id = ?", (session_id,)
        ).fetchone()
        if found is None:
            return None
        epoch, identity, floor, fold_offset, compacted = found
        (newest,) = db.execute("SELECT max(offset) FROM entries WHERE session_id = ?", (session_id,)).fetchone()
        numbered = self._load_numbered(session_id, epoch, compacted)
        if identity != self._file.identity:
            epoch = self._epoch_source()
            db.execute(
                "UPDATE journals SET epoch = ?, identity = ? WHERE session_id = ?",
                (epoch, self._file.identity, session_id),
            )
        return _Head(epoch, max(floor, newest or 0), floor, fold_offset, numbered)

    def _load_numbered(self, session_id: str, epoch: str, compacted: bytes | None) -> Numbered:
        numbered = Numbered() if compacted is None else _decode_numbered(compacted)
        appends = self._file.db.execute(
            "SELECT fence, number, min(offset), max(offset) FROM entries WHERE session_id = ? "
            "GROUP BY fence, number ORDER BY 3 DESC LIMIT ?",
            (session_id, REMEMBERED),
        ).fetchall()
        for fence, number, first, last in reversed(appends):
            if (fence, number) > (numbered.fence_number, numbered.last):
                numbered.add(Fence(fence, ""), number, Appended(epoch, first, last))
        return numbered

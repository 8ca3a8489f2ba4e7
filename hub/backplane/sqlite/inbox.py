"""The inbox's and leases' acts on the database. They run on the writer's thread, inside its transaction.

What is not done is one row per session (`boxes`) and decided by `decide`; what is done has a row each.
"""

import msgspec

from hub.backplane import decide
from hub.backplane.base import Accepted, Ask, Fence, Known, Lease, Note, Position, Settle, Stopped, Work
from hub.backplane.decide import Box, Held, Remembered
from hub.backplane.sqlite.file import SqliteFile

MAX_CACHED = 8192
"""Boxes kept in memory; over it all are dropped, and read again when they are next touched."""

State = tuple[list[Known], list[Note], dict[str, bytes], dict[str, Remembered], int | None]
"""A stored box: its fields without the lease, which has columns of its own as every renewal writes it."""

_decode_state = msgspec.msgpack.Decoder(State).decode
_decode_known = msgspec.msgpack.Decoder(Known).decode
_encode = msgspec.msgpack.Encoder().encode


class InboxActs:
    """`base.Inbox` and `base.Leases` without the waiting."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file
        self._boxes: dict[str, Box] = {}  # only this process writes the file, so they may be kept

    def committed(self) -> None:
        if len(self._boxes) > MAX_CACHED:
            self.drop_cache()

    def drop_cache(self) -> None:
        """Read the boxes from the file again; also once a transaction that changed them was rolled back."""
        self._boxes.clear()

    def expire_all(self) -> None:
        """End all leases found in the file just opened: whoever held them is dead, or the file would be locked."""
        self._file.db.execute(
            "UPDATE boxes SET expires_at = min(expires_at, 0), due = min(due, 0) WHERE owner IS NOT NULL"
        )

    def box(self, session_id: str) -> Box:
        """The session's box, a new one if it has none. Not to be changed without `_save`."""
        box = self._boxes.get(session_id)
        if box is None:
            box = self._boxes[session_id] = self._load(session_id)
        return box

    # ------------------------------------------------------------------------------------------------- inbox

    def accept(self, session_id: str, ask: Ask, position: Position, max_queued: int, now: int) -> Accepted:
        box = self.box(session_id)
        before = self.known(session_id, None, ask.ask_id) or self.known(session_id, ask.run_id, None)
        accepted = decide.accept(box, before, ask, position, max_queued=max_queued, now=now)
        if accepted.outcome == "new":
            self._save(session_id, box)
        return accepted

    def stop(
        self,
        session_id: str,
        by: str,
        run_id: str | None,
        ask_id: str | None,
        queued: bool,
        now: int,
        remember_ms: int,
    ) -> Stopped:
        box = self.box(session_id)
        before = self.known(session_id, run_id, ask_id)
        stopped = decide.stop(
            box, before, by=by, run_id=run_id, ask_id=ask_id, queued=queued, now=now, remember_ms=remember_ms
        )
        if stopped.outcome in ("stopping", "remembered"):
            self._save(session_id, box)
        return stopped

    def note(self, session_id: str, note: Note, now: int) -> None:
        query = "SELECT 1 FROM notes WHERE session_id = ? AND note_id = ?"
        left_before = self._file.db.execute(query, (session_id, note.note_id)).fetchone() is not None
        box = self.box(session_id)
        if decide.note(box, left_before, note, now=now):
            self._save(session_id, box)

    def answer(self, session_id: str, call_id: str, body: bytes) -> bytes:
        query = "SELECT body FROM answers WHERE session_id = ? AND call_id = ?"
        before = self._file.db.execute(query, (session_id, call_id)).fetchone()
        box = self.box(session_id)
        first = decide.answer(box, None if before is None else before[0], call_id, body)
        if before is None:
            self._save(session_id, box)
        return first

    def known(self, session_id: str, run_id: str | None, ask_id: str | None) -> Known | None:
        """By run id if that is known, else by ask id."""
        box = self.box(session_id)
        for column, value in (("run_id", run_id), ("ask_id", ask_id)):
            if value is None:
                continue
            known = decide.find(box, **{column: value})
            if known is not None:
                return known
            query = f"SELECT known FROM asks WHERE session_id = ? AND {column} = ?"
            found = self._file.db.execute(query, (session_id, value)).fetchone()
            if found is not None:
                return _decode_known(found[0])
        return None

    def delete(self, session_id: str) -> None:
        self._boxes.pop(session_id, None)
        for table in ("boxes", "asks", "notes", "answers"):
            self._file.db.execute(f"DELETE FROM {table} WHERE session_id = ?", (session_id,))

    # ------------------------------------------------------------------------------------------------ leases

    def take(self, session_id: str, owner: str, now: int, lease_ms: int) -> Lease | None:
        # One counter for all sessions: higher than any number that this one had, deleted or not.
        (newest,) = self._file.db.execute("SELECT newest FROM fences").fetchone()
        box = self.box(session_id)
        lease = decide.take(box, owner, newest + 1, now=now, lease_ms=lease_ms)
        if lease is not None:
            self._file.db.execute("UPDATE fences SET newest = ?", (newest + 1,))
            self._save(session_id, box)
        return lease

    def renew(self, session_id: str, fence: Fence, now: int, lease_ms: int, settle: Settle | None) -> Work:
        box = self.box(session_id)
        settled = decide.renew(box, fence, now=now, lease_ms=lease_ms, settle=settle)
        if settle is None:
            self._file.db.execute(
                "UPDATE boxes SET expires_at = ?, due = ? WHERE session_id = ?",
                (now + lease_ms, now + lease_ms, session_id),
            )
        else:
            self._keep(session_id, settled)
            self._save(session_id, box)
        return decide.work(box)

    def release(self, session_id: str, fence: Fence) -> bool:
        box = self.box(session_id)
        released = decide.release(box, fence)
        if released:
            self._save(session_id, box)
        return released

    def expired(self, now: int, limit: int) -> list[str]:
        query = "SELECT session_id FROM boxes WHERE due <= ? ORDER BY due, session_id LIMIT ?"
        return [session_id for (session_id,) in self._file.db.execute(query, (now, limit))]

    # ------------------------------------------------------------------------------------------------- boxes

    def _keep(self, session_id: str, settled: decide.Settled) -> None:
        db = self._file.db
        db.executemany(
            "INSERT INTO asks VALUES (?, ?, ?, ?)",
            [(session_id, known.ask.ask_id, known.ask.run_id, _encode(known)) for known in settled.asks],
        )
        db.executemany("INSERT INTO notes VALUES (?, ?)", [(session_id, note_id) for note_id in settled.note_ids])
        db.executemany(
            "INSERT INTO answers VALUES (?, ?, ?)",
            [(session_id, call_id, body) for call_id, body in settled.answers.items()],
        )

    def _load(self, session_id: str) -> Box:
        query = "SELECT state, fence, owner, expires_at FROM boxes WHERE session_id = ?"
        found = self._file.db.execute(query, (session_id,)).fetchone()
        if found is None:
            return Box()
        blob, fence, owner, expires_at = found
        asks, notes, answers, stops, since = _decode_state(blob)
        held = None if owner is None else Held(Fence(fence, owner), expires_at)
        return Box(asks, notes, answers, stops, held, since)

    def _save(self, session_id: str, box: Box) -> None:
        db, held = self._file.db, box.held
        if decide.is_empty(box):
            db.execute("DELETE FROM boxes WHERE session_id = ?", (session_id,))
            return
        state: State = (box.asks, box.notes, box.answers, box.stops, box.since)
        lease = (None, None, None) if held is None else (held.fence.number, held.fence.owner, held.expires_at)
        db.execute(
            "INSERT OR REPLACE INTO boxes (session_id, state, fence, owner, expires_at, due) VALUES (?, ?, ?, ?, ?, ?)",
            (session_id, _encode(state), *lease, decide.due(box)),
        )

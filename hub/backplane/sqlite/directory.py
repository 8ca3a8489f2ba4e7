"""The directory's acts on the database. They run on the writer's thread, inside its transaction."""

from collections.abc import Mapping

import msgspec

from hub.backplane.base import SessionRecord
from hub.backplane.sqlite.file import SqliteFile

_decode_members = msgspec.msgpack.Decoder(dict[str, str]).decode
_encode = msgspec.msgpack.Encoder().encode

_COLUMNS = "sessions.session_id, owner, members, sessions.updated_at, body, version"


class DirectoryActs:
    """`base.Directory` without the waiting."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    def create(self, record: SessionRecord) -> SessionRecord:
        there = self.get(record.session_id)
        if there is not None:
            return there
        self._put(record, record.version)
        return record

    def get(self, session_id: str) -> SessionRecord | None:
        query = f"SELECT {_COLUMNS} FROM sessions WHERE session_id = ?"
        found = self._file.db.execute(query, (session_id,)).fetchone()
        return None if found is None else _record(found)

    def replace(self, record: SessionRecord) -> bool:
        query = "SELECT version FROM sessions WHERE session_id = ?"
        if self._file.db.execute(query, (record.session_id,)).fetchone() != (record.version,):
            return False
        self._put(record, record.version + 1)
        return True

    def list(self, user: str, before: int | None, limit: int) -> list[SessionRecord]:
        found = self._file.db.execute(
            f"SELECT {_COLUMNS} FROM participants JOIN sessions USING (session_id) "
            "WHERE user = ? AND (? IS NULL OR participants.updated_at < ?) "
            "ORDER BY participants.updated_at DESC, session_id DESC LIMIT ?",
            (user, before, before, limit),
        )
        return [_record(row) for row in found]

    def delete(self, session_id: str) -> bool:
        self._file.db.execute("DELETE FROM participants WHERE session_id = ?", (session_id,))
        return self._file.db.execute("DELETE FROM sessions WHERE session_id = ?", (session_id,)).rowcount > 0

    def _put(self, record: SessionRecord, version: int) -> None:
        self._file.db.execute(
            "INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?, ?)",
            (
                record.session_id,
                record.owner,
                _encode(dict(record.members)),
                record.updated_at,
                record.body,
                version,
            ),
        )
        self._file.db.execute("DELETE FROM participants WHERE session_id = ?", (record.session_id,))
        self._file.db.executemany(
            "INSERT INTO participants VALUES (?, ?, ?)",
            [(user, record.updated_at, record.session_id) for user in {record.owner, *record.members}],
        )


def _record(row: tuple[str, str, bytes, int, bytes, int]) -> SessionRecord:
    session_id, owner, members, updated_at, body, version = row
    decoded: Mapping[str, str] = _decode_members(members)
    return SessionRecord(session_id, owner, decoded, updated_at, body, version)

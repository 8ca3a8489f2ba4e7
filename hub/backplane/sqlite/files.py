"""The files' acts on the database. They run on the writer's thread, inside its transaction."""

from hub.backplane.base import FileRecord
from hub.backplane.sqlite.file import SqliteFile

_OF_ONE = "WHERE session_id = ? AND file_id = ?"


class FileActs:
    """`base.Files` without the waiting."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    def put(self, session_id: str, record: FileRecord, content: bytes, max_total_bytes: int) -> bool:
        if self.get(session_id, record.file_id) is not None:
            return True
        if self.total(session_id) + record.size > max_total_bytes:
            return False
        self._file.db.execute(
            "INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                session_id,
                record.file_id,
                record.name,
                record.media_type,
                record.size,
                record.session_created_at,
                content,
            ),
        )
        return True

    def get(self, session_id: str, file_id: str) -> FileRecord | None:
        query = f"SELECT file_id, name, media_type, size, session_created_at FROM files {_OF_ONE}"
        found = self._file.db.execute(query, (session_id, file_id)).fetchone()
        return None if found is None else FileRecord(*found)

    def content(self, session_id: str, file_id: str) -> bytes | None:
        found = self._file.db.execute(f"SELECT content FROM files {_OF_ONE}", (session_id, file_id)).fetchone()
        return None if found is None else bytes(found[0])

    def read(self, session_id: str, file_id: str, offset: int, size: int) -> bytes | None:
        found = self._file.db.execute(f"SELECT rowid FROM files {_OF_ONE}", (session_id, file_id)).fetchone()
        if found is None:
            return None
        with self._file.db.blobopen("files", "content", found[0], readonly=True) as blob:  # substr() would load it all
            blob.seek(min(offset, len(blob)))
            return blob.read(size)

    def total(self, session_id: str) -> int:
        query = "SELECT coalesce(sum(size), 0) FROM files WHERE session_id = ?"
        (total,) = self._file.db.execute(query, (session_id,)).fetchone()
        return int(total)

    def remove(self, session_id: str, file_id: str) -> None:
        self._file.db.execute(f"DELETE FROM files {_OF_ONE}", (session_id, file_id))

    def delete(self, session_id: str) -> None:
        self._file.db.execute("DELETE FROM files WHERE session_id = ?", (session_id,))

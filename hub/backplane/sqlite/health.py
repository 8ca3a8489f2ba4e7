"""Whether what is written to the database file stays: for /readyz, and for the log, which says each change once.

| ailment | is |
|---|---|
| `disk_full` | the file cannot grow |
| `not_writable` | the disk, or the rights of the file, refuse writing |
| `file_deleted`, `file_replaced` | its name is nobody's, or another file's: what is written is lost with the process |

A write that fails for one of these is known at once; whether the file is there, and whether writing works again, is
looked at every `check_s`. A bad act (too large a value, say) is none.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

from hub.backplane.sqlite.file import SqliteFile
from hub.backplane.sqlite.writer import Writer
from hub.errors import BackplaneAway

log = logging.getLogger("hub.backplane")

Ailment = Literal["disk_full", "not_writable", "file_deleted", "file_replaced"]

_PROBE_BYTES = 32_768
_BY_CODE: dict[int, Ailment] = {
    sqlite3.SQLITE_FULL: "disk_full",
    sqlite3.SQLITE_IOERR: "not_writable",
    sqlite3.SQLITE_READONLY: "not_writable",
    sqlite3.SQLITE_CANTOPEN: "not_writable",
    sqlite3.SQLITE_CORRUPT: "not_writable",
    sqlite3.SQLITE_NOTADB: "not_writable",
}


class Health:
    """Of one file. `failed` and what `check` submits run on the writer's thread, all else on the loop."""

    def __init__(self, file: SqliteFile, check_s: float) -> None:
        self.ailment: Ailment | None = None
        self._file = file
        self._check_s = check_s
        self._checking: asyncio.Task[None] | None = None  # from `start` to `stop`

    def start(self, writer: Writer) -> None:
        self._checking = asyncio.create_task(self._check_forever(writer), name="check the database file")

    async def stop(self) -> None:
        checking, self._checking = self._checking, None
        if checking is not None:
            checking.cancel()
            await asyncio.wait([checking])

    def failed(self, error: Exception) -> None:
        """An act failed. The newest cause is kept."""
        if (ailment := _of(error)) is not None:
            self._set(ailment)

    async def check(self, writer: Writer) -> None:
        act: Callable[[], None] = self._write if self.ailment is None else self._grow
        with suppress(BackplaneAway):  # `failed` was told, or too much waits, which says nothing of the file
            await writer.submit(act)
            self._set(self._file.whereabouts())

    async def _check_forever(self, writer: Writer) -> None:
        while True:
            await asyncio.sleep(self._check_s)
            await self.check(writer)

    def _write(self) -> None:
        self._file.db.execute("UPDATE fences SET newest = newest")

    def _grow(self) -> None:
        """Writing what is there already may work where nothing new fits."""
        self._file.db.execute("INSERT INTO notes VALUES ('', ?)", ("x" * _PROBE_BYTES,))
        self._file.db.execute("DELETE FROM notes WHERE session_id = ''")

    def _set(self, ailment: Ailment | None) -> None:
        before, self.ailment = self.ailment, ailment
        if ailment == before:
            return
        facts = {"file": self._file.path, "was": before or "well", "now": ailment or "well"}
        if ailment is None:
            log.warning("the database file can be written again", extra=facts)
        elif ailment in ("file_deleted", "file_replaced"):
            log.error("the database file is not where it was: what is written now is lost with this process",
                      extra=facts)  # fmt: skip
        else:
            log.error("the database file cannot be written", extra=facts)


def _of(error: BaseException | None) -> Ailment | None:
    if not isinstance(error, sqlite3.Error):
        return None
    code: int = getattr(error, "sqlite_errorcode", 0)  # none where the module itself raised it
    return _BY_CODE.get(code & 0xFF)

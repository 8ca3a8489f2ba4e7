"""One database file: opened, locked against other processes, and known by its identity.

Durability. In WAL mode with `synchronous=NORMAL` a commit survives the death of the process, SIGKILL included; a power
cut may lose the newest commits. The identity tells the two apart, so that offsets which somebody may have seen are
never handed out again in the same epoch.
"""

import fcntl
import os
import sqlite3
import uuid
from collections.abc import Callable
from typing import Literal

from hub.backplane.sqlite.schema import ForeignFile, migrate
from hub.errors import SettingsError

_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_PROCESS_ID = uuid.uuid4().hex  # stands in for the boot where the kernel does not tell: each process is another


def file_identity(path: str) -> str:
    """Stays the same only while nothing that was committed to this file can have been lost.

    It changes with another boot (a power cut may have lost the tail) and with another inode (a copy, or a backup that
    was put in the file's place). A backup written over the file itself cannot be told.
    """
    try:
        with open(_BOOT_ID, encoding="ascii") as boot:
            boot_id = boot.read().strip()
    except OSError:
        boot_id = _PROCESS_ID
    return f"{boot_id}/{os.stat(path).st_ino}"


class SqliteFile:
    """The connection, used by one thread from `open` to `close`."""

    def __init__(self, path: str, *, identity: Callable[[str], str] = file_identity) -> None:
        self.path = path
        self.identity = ""  # set by `open`
        self._inode = 0  # set by `open`
        self._identity_of = identity
        self._connection: sqlite3.Connection | None = None  # set by `open`
        self._lock: int | None = None  # file descriptor; set by `open`

    @property
    def db(self) -> sqlite3.Connection:
        assert self._connection is not None, "the file is not open"
        return self._connection

    def open(self, prepare: Callable[[], None]) -> None:
        """Open, then `prepare` the contents.

        Raises `SettingsError` with one sentence, and leaves nothing open, if the file cannot be served.
        """
        directory = os.path.dirname(os.path.abspath(self.path))
        if not os.path.isdir(directory):
            raise SettingsError(
                f"The directory {directory} of the database file does not exist; create it or name another file."
            )
        try:
            self._lock_out_others()
            self._connect()
            prepare()
        except BaseException as error:
            self.close()
            if isinstance(error, ForeignFile):
                raise SettingsError(f"The database file {self.path} {error}.") from None
            if isinstance(error, sqlite3.Error | OSError):
                raise self._cannot_use(error) from error
            raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def checkpoint(self) -> None:
        """Move what is in the write-ahead log into the file itself."""
        self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def whereabouts(self) -> Literal["file_deleted", "file_replaced"] | None:
        """None while the file that is open is the one with its name."""
        try:
            return None if os.stat(self.path).st_ino == self._inode else "file_replaced"
        except FileNotFoundError:
            return "file_deleted"

    def _lock_out_others(self) -> None:
        # A lock of the operating system: the death of its process releases it, so a restart works at once.
        self._lock = os.open(self.path + "-lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingsError(
                f"The database file {self.path} is served by another process; stop that one, name another file "
                "with --backplane sqlite:///FILE, or use Redis for more than one process."
            ) from None

    def _connect(self) -> None:
        # What people say is nobody else's: SQLite gives its other files the rights of this one.
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = self._connection = sqlite3.connect(self.path, isolation_level=None, cached_statements=256)
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise sqlite3.OperationalError("its file system has no shared memory, which write-ahead logging needs")
        connection.execute("PRAGMA synchronous = NORMAL")
        migrate(connection)
        self._inode = os.stat(self.path).st_ino
        self.identity = self._identity_of(self.path)

    def _cannot_use(self, error: Exception) -> SettingsError:
        text = str(error)
        if "not a database" in text or "malformed" in text:
            return SettingsError(f"The file {self.path} is not a usable SQLite database ({text}); name another file.")
        return SettingsError(
            f"The database file {self.path} cannot be written ({text}); check its permissions and those of its "
            "directory, or name another file."
        )

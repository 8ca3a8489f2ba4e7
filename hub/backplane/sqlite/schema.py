"""The tables of the SQLite store, and how an older file becomes a newer one.

`PRAGMA user_version` counts `MIGRATIONS` that a file has seen; each is run once, in order, in one transaction. A change
to the tables is a new entry at the end, never a change of one that was released.
"""

import sqlite3

APPLICATION_ID = 0x4875626C  # "Hubl": tells our files from other programs' databases

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # Journals. `identity`: the store's, when the session was last written (a differing one begins a new epoch).
        # `floor`: entries up to it are trimmed. `numbered`: the fence's newest appends when it was last compacted;
        # later ones are in the entries.
        """CREATE TABLE journals (
            session_id TEXT PRIMARY KEY, epoch TEXT NOT NULL, identity TEXT NOT NULL, floor INTEGER NOT NULL,
            fold_offset INTEGER, fold_state BLOB, numbered BLOB
        ) WITHOUT ROWID""",
        """CREATE TABLE entries (
            session_id TEXT NOT NULL, offset INTEGER NOT NULL, fence INTEGER NOT NULL, number INTEGER NOT NULL,
            payload BLOB NOT NULL, PRIMARY KEY (session_id, offset)
        ) WITHOUT ROWID""",
        """CREATE TABLE messages (
            session_id TEXT NOT NULL, place INTEGER NOT NULL, message_id TEXT NOT NULL, body BLOB NOT NULL,
            PRIMARY KEY (session_id, place)
        ) WITHOUT ROWID""",
        # Inboxes. `state`: what is not done (`inbox.State`). `due`: its place in the index of leases.
        """CREATE TABLE boxes (
            session_id TEXT PRIMARY KEY, state BLOB NOT NULL, fence INTEGER, owner TEXT, expires_at INTEGER, due INTEGER
        ) WITHOUT ROWID""",
        "CREATE INDEX boxes_due ON boxes (due, session_id) WHERE due IS NOT NULL",
        # What is done: `known` is a `base.Known`.
        """CREATE TABLE asks (
            session_id TEXT NOT NULL, ask_id TEXT NOT NULL, run_id TEXT NOT NULL, known BLOB NOT NULL,
            PRIMARY KEY (session_id, ask_id)
        ) WITHOUT ROWID""",
        "CREATE INDEX asks_run ON asks (session_id, run_id)",
        """CREATE TABLE notes (
            session_id TEXT NOT NULL, note_id TEXT NOT NULL, PRIMARY KEY (session_id, note_id)
        ) WITHOUT ROWID""",
        """CREATE TABLE answers (
            session_id TEXT NOT NULL, call_id TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (session_id, call_id)
        ) WITHOUT ROWID""",
        "CREATE TABLE fences (newest INTEGER NOT NULL)",
        "INSERT INTO fences VALUES (0)",
        # The directory. `participants` has a row for each owner and member, to list by.
        """CREATE TABLE sessions (
            session_id TEXT PRIMARY KEY, owner TEXT NOT NULL, members BLOB NOT NULL, updated_at INTEGER NOT NULL,
            body BLOB NOT NULL, version INTEGER NOT NULL
        ) WITHOUT ROWID""",
        """CREATE TABLE participants (
            user TEXT NOT NULL, updated_at INTEGER NOT NULL, session_id TEXT NOT NULL,
            PRIMARY KEY (user, updated_at, session_id)
        ) WITHOUT ROWID""",
        "CREATE INDEX participants_session ON participants (session_id)",
    ),
    (
        # Files. The content comes last, so that a record is read without it.
        """CREATE TABLE files (
            session_id TEXT NOT NULL, file_id TEXT NOT NULL, name TEXT NOT NULL, media_type TEXT NOT NULL,
            size INTEGER NOT NULL, session_created_at INTEGER NOT NULL, content BLOB NOT NULL,
            UNIQUE (session_id, file_id)
        )""",
    ),
)


class ForeignFile(Exception):
    """The file is a database, but not one that this version can serve. The text says why."""


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to the newest schema. Raises `ForeignFile`, with nothing changed."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (tables or application or version):
        raise ForeignFile("is a database of another program; name another file")
    if version > len(MIGRATIONS):
        raise ForeignFile(
            f"was written by a newer version (schema {version}, this one knows {len(MIGRATIONS)}); "
            "install that version or name another file"
        )
    connection.execute("BEGIN IMMEDIATE")
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    connection.execute("COMMIT")

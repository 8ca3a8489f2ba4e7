"""What only a store on a file has: restarts, epochs, a disk that is full."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from hub.backplane.base import Backplane, Entry, Fold, Note, Position, Row, SessionRecord, Settle
from hub.backplane.sqlite import SqliteBackplane
from hub.errors import BackplaneAway, StaleFence
from tests.backplane.sqlite.conftest import Open
from tests.backplane.steps import LEASE_MS, accept, settle, states, stop, take, texts, until, write, written

# ------------------------------------------------------------------------------------------------------ restart


async def test_restart_keeps_the_journal(open_file: Open) -> None:
    backplane = await open_file()
    fence = (await take(backplane)).fence
    first = await backplane.journal.append("s", fence, 1, [b"a", b"b", b"c"])
    await backplane.journal.compact("s", fence, Fold(2, b"state", [Row(1, "m", b"body")]))
    again = await backplane.journal.append("s", fence, 2, [b"d", b"e"])
    page, top = await backplane.journal.read("s"), await backplane.journal.top("s")
    await backplane.close()
    backplane = await open_file()
    assert await backplane.journal.top("s") == top
    assert await backplane.journal.read("s") == page
    assert await backplane.journal.rows("s") == [Row(1, "m", b"body")]
    complete = await backplane.journal.read("s", Position(top.epoch, 3))
    assert (complete.complete, texts(complete.entries)) == (True, [(4, "d"), (5, "e")])
    assert await backplane.journal.append("s", fence, 2, [b"d", b"e"]) == again
    assert await backplane.journal.append("s", fence, 1, [b"a", b"b", b"c"]) == first
    assert (await backplane.journal.append("s", fence, 3, [b"f"])).first == 6


async def test_restart_keeps_what_was_asked(open_file: Open) -> None:
    backplane = await open_file()
    fence = (await take(backplane)).fence
    for name in "abc":
        await accept(backplane, name)
    for name in ("n1", "n2"):
        await backplane.inbox.note("s", Note(name, [b"1", b"2"]), now=0)
        await backplane.inbox.answer("s", name, b"first")
    await settle(backplane, fence, "run-a")
    await backplane.leases.renew("s", fence, now=0, lease_ms=LEASE_MS, settle=Settle((), ["n1"], ["n1"]))
    await stop(backplane, run_id="run-c")
    await stop(backplane, ask_id="early", by="bob")
    await backplane.close()

    backplane = await open_file()
    assert (await accept(backplane, "a")).outcome == "repeated"
    assert (await accept(backplane, "b", digest="other")).outcome == "conflict"
    assert (await stop(backplane, run_id="run-a")).outcome == "already_done"
    assert await backplane.inbox.answer("s", "n1", b"late") == b"first"
    assert await backplane.inbox.answer("s", "n2", b"late") == b"first"
    await backplane.inbox.note("s", Note("n1", [b"late"]), now=0)
    early = await accept(backplane, "early")
    assert early.known is not None and early.known.stopped_by == "bob"
    work = (await take(backplane)).work
    assert states(work) == [("b", "active", None), ("c", "queued", "ann"), ("early", "queued", "bob")]
    assert list(work.notes) == [Note("n2", [b"1", b"2"])]
    assert dict(work.answers) == {"n2": b"first"}


async def test_restart_keeps_the_directory(open_file: Open) -> None:
    backplane = await open_file()
    record = SessionRecord("s", "ann", {"ann": "owner", "bob": "viewer"}, 7, b"{}")
    await backplane.directory.create(record)
    await backplane.directory.replace(record)
    await backplane.close()
    backplane = await open_file()
    assert await backplane.directory.list("bob", before=None, limit=9) == [
        SessionRecord("s", "ann", {"ann": "owner", "bob": "viewer"}, 7, b"{}", 1)
    ]


async def test_leases_of_a_dead_process_are_expired_at_once(open_file: Open) -> None:
    backplane = await open_file()
    dead = (await take(backplane, "dead", now=10**6)).fence
    await take(backplane, "dead", session_id="idle", now=10**6)
    await accept(backplane, "a", now=10**6)
    assert await backplane.leases.expired(now=10**6, limit=9) == []
    await backplane.close()
    backplane = await open_file()
    assert await backplane.leases.expired(now=10**6, limit=9) == ["idle", "s"]
    lease = await take(backplane, "alive", now=10**6)
    assert lease.fence.number > dead.number
    assert states(lease.work) == [("a", "active", None)]
    with pytest.raises(StaleFence):
        await write(backplane, dead, "late")


async def test_deletion_leaves_nothing_on_disk(open_file: Open, tmp_path: Path) -> None:
    backplane = await open_file()
    fence = (await take(backplane, session_id="gone")).fence
    await write(backplane, fence, "a", "b", session_id="gone")
    await backplane.journal.compact("gone", fence, Fold(1, b"state", [Row(1, "m", b"body")]))
    await accept(backplane, "a", session_id="gone")
    await backplane.inbox.note("gone", Note("n", [b"1"]), now=0)
    await backplane.inbox.answer("gone", "call", b"1")
    done = Settle(["run-a"], ["n"], ["call"])
    await backplane.leases.renew("gone", fence, now=0, lease_ms=1, settle=done)
    await accept(backplane, "b", session_id="gone")
    await backplane.directory.create(SessionRecord("gone", "ann", {}, 0, b"{}"))
    await backplane.journal.delete("gone")
    await backplane.inbox.delete("gone")
    await backplane.directory.delete("gone")
    await backplane.close()
    connection = sqlite3.connect(tmp_path / "hub.db")
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    left = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}
    connection.close()
    assert {table for table, rows in left.items() if rows} == {"fences"}


# ------------------------------------------------------------------------------------------------------- epochs


async def test_same_identity_keeps_the_epoch(open_file: Open) -> None:
    backplane = await open_file(identity="boot 1")
    await write(backplane, (await take(backplane)).fence, "a")
    top = await backplane.journal.top("s")
    await backplane.close()
    backplane = await open_file(identity="boot 1")
    assert await backplane.journal.top("s") == top


@pytest.mark.parametrize("first_touch", ["append", "read", "top", "compact"])
async def test_changed_identity_begins_an_epoch_and_the_offsets_go_on(open_file: Open, first_touch: str) -> None:
    backplane = await open_file(identity="boot 1")
    fence = (await take(backplane)).fence
    await write(backplane, fence, "a", "b")
    old = await backplane.journal.top("s")
    await backplane.close()

    backplane = await open_file(identity="boot 2")
    heard: list[Entry] = []
    await backplane.journal.follow("s", heard.extend)
    if first_touch == "append":
        appended = await backplane.journal.append("s", fence, 2, [b"c"])
        assert (appended.first, appended.epoch != old.epoch) == (3, True)
        await until(lambda: bool(heard))
        assert heard == [Entry(appended.epoch, 3, b"c")]
    elif first_touch == "compact":
        assert await backplane.journal.compact("s", fence, Fold(1, b"state"))
    page = await backplane.journal.read("s", old if first_touch == "read" else None)
    top = await backplane.journal.top("s")
    assert page.epoch == top.epoch != old.epoch
    assert (page.complete, page.top) == (False, top.offset)
    assert {entry.epoch for entry in page.entries} == {top.epoch}
    assert not (await backplane.journal.read("s", Position(old.epoch, 1))).complete
    assert (await backplane.journal.read("s", Position(top.epoch, 1))).complete
    await backplane.close()

    backplane = await open_file(identity="boot 2")
    assert await backplane.journal.top("s") == top


async def test_each_session_begins_its_epoch_when_it_is_touched(open_file: Open) -> None:
    backplane = await open_file(identity="boot 1")
    old = await backplane.journal.top("s")
    await backplane.close()
    await (await open_file(identity="boot 2")).close()  # nothing touched it
    backplane = await open_file(identity="boot 1")
    assert await backplane.journal.top("s") == old


# ------------------------------------------------------------------------------------------------------- commits


async def test_published_entries_are_committed(open_file: Open, tmp_path: Path) -> None:
    """Another connection, which sees only what is committed, has every entry when its follower hears of it."""
    backplane = await open_file()
    fence = (await take(backplane)).fence
    reader = sqlite3.connect(tmp_path / "hub.db")
    missing: list[int] = []
    heard: list[int] = []

    def receive(entries: object) -> None:
        assert isinstance(entries, list)
        for entry in entries:
            heard.append(entry.offset)
            query = "SELECT count(*) FROM entries WHERE session_id = 's' AND offset = ?"
            if reader.execute(query, (entry.offset,)).fetchone() != (1,):
                missing.append(entry.offset)

    await backplane.journal.follow("s", receive)
    await asyncio.gather(*(backplane.journal.append("s", fence, number, [b"a", b"b"]) for number in range(1, 101)))
    reader.close()
    assert heard == list(range(1, 201))
    assert missing == []


async def limit_pages(backplane: SqliteBackplane, spare: int | None) -> None:
    """Make the disk full after `spare` more pages; None: not full."""
    db = backplane.file.db

    def limit() -> None:
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {10**6 if spare is None else pages + spare}").fetchone()

    await backplane.writer.submit(limit)


async def test_full_disk_fails_what_does_not_fit_as_a_whole_and_the_store_goes_on(open_file: Open) -> None:
    backplane = await open_file()
    fence = (await take(backplane)).fence
    other = (await take(backplane, session_id="t")).fence
    heard: list[Entry] = []
    await backplane.journal.follow("s", heard.extend)
    await backplane.journal.follow("t", heard.extend)
    await write(backplane, fence, "a")
    await write(backplane, other, "a", session_id="t")
    await limit_pages(backplane, 10)
    big = [b"1", b"2" * 20_000, b"3" * 60_000]
    results = await asyncio.gather(
        backplane.journal.append("s", fence, 2, big),
        backplane.journal.append("t", other, 2, [b"fits"]),
        backplane.inbox.answer("s", "call", b"x" * 100_000),
        backplane.inbox.answer("s", "small", b"yes"),
        return_exceptions=True,
    )
    assert [type(result) for result in results][0::2] == [BackplaneAway, BackplaneAway]
    assert "full" in str(results[0])
    assert results[3] == b"yes"
    assert await written(backplane) == [(1, "a")]
    assert await written(backplane, "t") == [(1, "a"), (2, "fits")]
    await limit_pages(backplane, None)
    appended = await backplane.journal.append("s", fence, 2, big)
    assert (appended.first, appended.last) == (2, 4)
    await until(lambda: len(heard) == 6)
    assert [entry.offset for entry in heard] == [1, 1, 2, 2, 3, 4]
    assert await backplane.inbox.answer("s", "call", b"anew") == b"anew"
    assert dict((await settle(backplane, fence)).answers) == {"small": b"yes", "call": b"anew"}


async def test_act_with_a_value_that_cannot_be_stored_fails_alone(open_file: Open) -> None:
    backplane = await open_file()
    half_an_emoji = "\ud83d"
    results = await asyncio.gather(
        backplane.inbox.answer("s", "a", b"1"),
        backplane.inbox.answer(half_an_emoji, "b", b"2"),
        backplane.inbox.answer("s", "c", b"3"),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [bytes, UnicodeEncodeError, bytes]
    assert dict((await take(backplane)).work.answers) == {"a": b"1", "c": b"3"}


async def test_more_sessions_than_are_cached(open_file: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.backplane.sqlite.journal.MAX_CACHED", 3)
    monkeypatch.setattr("hub.backplane.sqlite.inbox.MAX_CACHED", 3)
    backplane: Backplane = await open_file()
    names = [f"s{number}" for number in range(10)]
    fences = {name: (await take(backplane, session_id=name)).fence for name in names}
    for number in range(1, 6):
        for name in names:
            await write(backplane, fences[name], f"{name} {number}", number=number, session_id=name)
    for name in names:
        assert await written(backplane, name) == [(number, f"{name} {number}") for number in range(1, 6)]


async def test_closed_store_is_away(open_file: Open) -> None:
    backplane = await open_file()
    fence = (await take(backplane)).fence
    pending = backplane.journal.append("s", fence, 1, [b"a"])
    await backplane.close()
    assert pending.result().last == 1
    with pytest.raises(BackplaneAway):
        await backplane.journal.top("s")
    with pytest.raises(BackplaneAway):
        await write(backplane, fence, "b", number=2)

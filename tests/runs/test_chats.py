"""What users may do with sessions: roles, settings, lists, history, ratings, deletion."""

import asyncio
import sqlite3
from pathlib import Path

import msgspec
import pytest

from hub.backplane.base import Backplane, Page, Position
from hub.backplane.sqlite import SqliteBackplane
from hub.chat import events
from hub.chat.parts import Participant, Rating
from hub.chat.transcript import SNAPSHOT_MESSAGES
from hub.errors import CallError
from hub.providers.base import TextDelta
from hub.runs.asking import Wish
from hub.runs.chats import MAX_LIST_BYTES, SessionPage, SettingsWish
from hub.runs.limits import RunLimits
from hub.runs.sessions import SessionRow
from tests.runs.node import Clock, Node, until


async def shared(node: Node) -> None:
    """A session of ann's, with bob as editor and eve as viewer."""
    await node.open(wish=SettingsWish(autonomy="agent-default"))
    members = [Participant("ann", "owner"), Participant("bob", "editor"), Participant("eve", "viewer")]
    await node.sessions.change("ses", lambda session: msgspec.structs.replace(session, participants=members))


async def refused(code: str, *, doing: object) -> None:
    assert asyncio.iscoroutine(doing)
    with pytest.raises(CallError) as caught:
        await doing
    assert caught.value.code == code
    assert str(caught.value).startswith(f"[{code}] ")


async def test_a_stranger_may_do_nothing(node: Node) -> None:
    await shared(node)
    for doing in (
        node.open(user="mallory"),
        node.chats.get("mallory", "ses"),
        node.chats.history("mallory", "ses", before=None, limit=1),
        node.send("hi", user="mallory"),
        node.stop(user="mallory"),
        node.chats.delete("mallory", "ses"),
        node.watch(user="mallory").start().ended(),
    ):
        await refused("forbidden", doing=doing)


async def test_a_viewer_looks_and_rates_only(node: Node) -> None:
    await shared(node)
    await node.send("hi")
    await node.idle()
    await node.open(user="eve")
    await node.chats.get("eve", "ses")
    page = await node.chats.history("eve", "ses", before=None, limit=10)
    await node.chats.rate("eve", "ses", page.messages[1].message_id, Rating(1))
    async with node.watch(user="eve") as watching:
        await until(lambda: bool(watching.sink.items))
    for doing in (
        node.send("hi", "m-2", user="eve"),
        node.stop(user="eve"),
        node.chats.asking.regenerate("eve", "ses", "again", None),
        node.chats.report_error("eve", "ses", "oops"),
        node.chats.update("eve", "ses", SettingsWish(title="mine")),
        node.chats.delete("eve", "ses"),
    ):
        await refused("forbidden", doing=doing)
    await node.idle()


async def test_only_the_owner_raises_autonomy_and_deletes(node: Node) -> None:
    await shared(node)
    yolo = SettingsWish(autonomy="agent-yolo")
    await refused("forbidden", doing=node.chats.update("bob", "ses", yolo))
    await refused("forbidden", doing=node.send("hi", user="bob", wish=Wish(autonomy="agent-yolo")))
    await refused("forbidden", doing=node.chats.delete("bob", "ses"))
    await node.send("hi", "m-lower", user="bob", wish=Wish(autonomy="ask"))
    assert (await node.chats.update("bob", "ses", SettingsWish(autonomy="ask"))).autonomy == "ask"
    assert (await node.chats.update("ann", "ses", yolo)).autonomy == "agent-yolo"
    await node.idle()


async def test_what_is_not_there_is_not_found(node: Node) -> None:
    await refused("session_not_found", doing=node.chats.get("ann", "nowhere"))
    await refused("session_not_found", doing=node.send("hi", session_id="nowhere"))
    await node.open()
    await refused("message_not_found", doing=node.chats.rate("ann", "ses", "m-none", Rating(1)))
    await refused("message_not_found", doing=node.chats.history("ann", "ses", before="m-none", limit=5))
    await refused("message_not_found", doing=node.chats.asking.regenerate("ann", "ses", "again", None))


async def test_providers_that_cannot_be_had_say_what_to_do(node: Node) -> None:
    await node.open()
    await refused("provider_not_allowed", doing=node.send("hi", wish=Wish(provider="nobody")))
    await refused("provider_missing_key", doing=node.send("hi", wish=Wish(provider="paid")))
    await refused("provider_missing_key", doing=node.chats.update("ann", "ses", SettingsWish(provider="paid")))
    changed = await node.chats.update("ann", "ses", SettingsWish(provider="scripted"))
    assert (changed.provider, changed.model) == ("scripted", "script-1")
    await node.send("hi", wish=Wish(model="script-2"))
    await node.idle()
    assert node.provider.streams[0].request.model == "script-2"


async def test_opening_creates_once_and_joins_after(node: Node) -> None:
    first = await node.open(wish=SettingsWish(title="Sales", tags=["a"], system="Be brief."))
    again = await node.open(wish=SettingsWish(title="Other"))
    assert (again.title, again.owner, list(again.tags), again.system) == ("Sales", "ann", ["a"], "Be brief.")
    assert first.autonomy == "agent-default"
    both = await asyncio.gather(node.open("new"), node.open("new"))
    assert both[0] == both[1]


async def test_settings_are_shown_to_watchers_and_used_by_the_next_run(node: Node) -> None:
    await node.open()
    recorder = await node.record()
    await node.chats.update("ann", "ses", SettingsWish(system="Be brief.", title="Short"))
    await until(lambda: bool(recorder.of(events.SessionChanged)))
    assert dict(recorder.of(events.SessionChanged)[0].session) == {"title": "Short", "system": "Be brief."}
    await node.send("hi")
    await node.idle()
    assert node.provider.streams[0].request.system == "Be brief."
    assert (await node.chats.get("ann", "ses")).title == "Short"


async def test_a_title_given_while_the_first_run_begins_wins(node: Node) -> None:
    await node.open()
    recorder = await node.record()
    await asyncio.gather(node.send("hello"), node.chats.update("ann", "ses", SettingsWish(title="Mine")))
    await node.idle()
    assert (await node.chats.get("ann", "ses")).title == "Mine"
    assert recorder.of(events.SessionChanged)[-1].session == {"title": "Mine"}


# ---------------------------------------------------------------------------------------------- lists


async def pages(node: Node, limit: int) -> list[SessionPage]:
    """All of ann's, as a client asks for one after the other."""
    found = [await node.chats.list("ann", before=None, limit=limit)]
    while found[-1].has_more:
        found.append(await node.chats.list("ann", before=found[-1].sessions[-1].updated_at, limit=limit))
    return found


async def test_lists_go_page_by_page(node: Node) -> None:
    for number in range(7):
        await node.open(f"ses-{number}")
    await node.open("hers", user="eve")
    listed = [session.session_id for page in await pages(node, 3) for session in page.sessions]
    assert listed == [f"ses-{number}" for number in reversed(range(7))]


async def test_a_page_of_long_sessions_is_cut(node: Node) -> None:
    """Three of a hundred kilobytes fit into no page together."""
    long = SettingsWish(system="x" * 100_000)
    for number in range(30):
        await node.open(f"ses-{number:02d}", wish=long if number % 2 else None)
    cut = await pages(node, 200)
    assert max(len(msgspec.json.encode(page)) for page in cut) < MAX_LIST_BYTES + 1024
    listed = [session.session_id for page in cut for session in page.sessions]
    assert listed == [f"ses-{number:02d}" for number in reversed(range(30))]


async def test_one_long_session_is_a_page(node: Node) -> None:
    await node.open(wish=SettingsWish(system="x" * (MAX_LIST_BYTES + 1)))
    await node.open("ses-2")
    assert [len((await node.chats.list("ann", before=before, limit=9)).sessions) for before in (None, 1 << 50)] == [
        1,
        1,
    ]
    newest = (await node.chats.list("ann", before=None, limit=9)).sessions[0]
    page = await node.chats.list("ann", before=newest.updated_at, limit=9)
    assert ([session.session_id for session in page.sessions], page.has_more) == (["ses"], False)


async def test_what_does_not_exist_is_not_looked_for_in_the_whole_session(node: Node) -> None:
    await node.open()
    for number in range(SNAPSHOT_MESSAGES):
        await node.send(f"{number}")
        await node.idle()
    reads: list[int | None] = []
    journal = node.backplane.journal
    read = journal.read

    async def counted(session_id: str, after: Position | None = None, *, rows: int | None = 0) -> Page:
        reads.append(rows)
        return await read(session_id, after, rows=rows)

    journal.read = counted  # type: ignore[method-assign]  # the real one, watched
    for doing in (
        node.chats.asking.regenerate("ann", "ses", "again", "no-such"),
        node.send("more", replaces="no-such"),
        node.chats.rate("ann", "ses", "no-such", Rating(1)),
    ):
        await refused("message_not_found", doing=doing)
    await refused("run_not_found", doing=node.send("", "go-on", wish=Wish(continues="no-such")))
    assert None not in reads, "all of its messages were loaded"
    await node.chats.asking.regenerate("ann", "ses", "oldest", "m-0")
    assert None in reads, "nothing was watched"
    await node.idle()


class _Stopped(Clock):
    """Everything happens in one millisecond."""

    def now_ms(self) -> int:
        return 1


async def test_no_session_is_left_out_between_pages(backplane: Backplane) -> None:
    async with Node(backplane, clock=_Stopped()).running() as node:
        for number in range(5):
            await node.open(f"ses-{number}")
        page = await node.chats.list("ann", before=None, limit=2)
        assert len(page.sessions) == 5 and not page.has_more


async def test_changes_of_lists_are_told_to_all_members(node: Node) -> None:
    rows: list[SessionRow] = []
    async with node.chats.rows("bob", rows.append) as newest:
        assert newest == []
        await shared(node)
        await node.send("hello")
        await node.idle()
        await node.chats.delete("ann", "ses")
    await node.idle()
    assert [row.running for row in rows if not row.deleted][-2:] == [True, False]
    assert (rows[-1].deleted, rows[-2].title) == (True, "hello")


async def test_a_session_runs_on_from_one_run_to_the_next(node: Node) -> None:
    """A list does not flicker between the runs of a queue."""
    await node.open()
    gate = asyncio.Event()
    node.provider.scripts = [[gate]]
    rows: list[SessionRow] = []
    async with node.chats.rows("ann", rows.append):
        await node.send("one")
        await node.send("two")
        gate.set()
        await node.idle()
    running = [row.running for row in rows]
    assert running.index(True) < running.index(False)
    assert True not in running[running.index(False) :]


# ---------------------------------------------------------------------------------------------- history


async def test_history_goes_back_from_every_message(backplane: Backplane) -> None:
    """Over what is stored, what is followed, and what has not been folded yet."""
    limits = RunLimits(linger_s=0.0)
    async with Node(backplane, limits=limits).running() as node:
        await node.open()
        recorder = await node.record()
        for number in range(40):
            await node.send(f"{number}")
            await node.idle()
        async with node.watch() as watching:  # followed from here on: the newest 50 and what comes after
            await until(lambda: bool(watching.sink.items))
            gate = asyncio.Event()
            for number in range(40, 43):
                await node.send(f"{number}")
                await node.idle()
            node.provider.scripts = [[TextDelta(0, "x"), gate]]
            await node.send("last")
            await until(lambda: recorder.types()[-1] == "text")
            await until(lambda: b'"text"' in watching.sink.items[-1])
            whole = await node.chats.history("ann", "ses", before=None, limit=200)
            ids = [message.message_id for message in whole.messages]
            assert (len(ids), whole.has_more) == (87, False)
            for place, before in enumerate(ids):
                for limit in (1, 7, 60):
                    page = await node.chats.history("ann", "ses", before=before, limit=limit)
                    assert [message.message_id for message in page.messages] == ids[max(0, place - limit) : place]
                    assert page.has_more == (place > limit)
            for limit in (1, 49, 50, 51, 87, 200):
                page = await node.chats.history("ann", "ses", before=None, limit=limit)
                assert [message.message_id for message in page.messages] == ids[-limit:]
                assert page.has_more == (limit < 87)
            old = await node.chats.rate("ann", "ses", ids[0], Rating(1))
            assert old.message_id == ids[0]
            await until(lambda: b'"rating"' in watching.sink.items[-1])
            page = await node.chats.history("ann", "ses", before=None, limit=1)
            assert page.messages[0].message_id == ids[-1]
            gate.set()
            await node.idle()


async def test_a_page_of_history_is_bounded_in_bytes(node: Node) -> None:
    await node.open()
    for number in range(3):
        await node.send("x" * 300_000, f"m-{number}")
        await node.idle()
    page = await node.chats.history("ann", "ses", before=None, limit=50)
    assert len(page.messages) < 6 and page.has_more


async def test_history_is_read_when_the_followed_session_is_being_read_again(node: Node) -> None:
    await node.open()
    await node.send("one")
    await node.idle()
    async with node.watch() as watching:
        await until(lambda: bool(watching.sink.items))
        async with node.follows.live("ses") as live:
            live.begin_again()
            page = await node.chats.history("ann", "ses", before=None, limit=5)
    assert len(page.messages) == 2


# ------------------------------------------------------------------------------------------- ratings, errors


async def test_a_rating_shows_and_is_taken_back(node: Node) -> None:
    await node.open()
    recorder = await node.record()
    await node.send("hi")
    await node.idle()
    answer = (await node.chats.history("ann", "ses", before=None, limit=1)).messages[0]
    for score, expected in [(1, Rating(1, "good")), (0, None)]:
        await node.chats.rate("ann", "ses", answer.message_id, Rating(score, "good"))
        await node.idle()
        assert (await node.chats.history("ann", "ses", before=None, limit=1)).messages[0].rating == expected
    assert recorder.of(events.MessageChanged)[-2].message.rating == Rating(1, "good")


async def test_a_rating_brings_nothing_back_that_was_taken_back_meanwhile(node: Node) -> None:
    await node.open()
    await node.send("hi")
    await node.idle()
    answer = (await node.chats.history("ann", "ses", before=None, limit=1)).messages[0]
    stale = events.MessageChanged(msgspec.structs.replace(answer, rating=Rating(1)), time=1)
    await node.send("hello", replaces="m-hi")
    await node.idle()
    await node.chats._note(await node.chats.get("ann", "ses"), stale)  # as if it had been written just before the edit
    await node.idle()
    page = await node.chats.history("ann", "ses", before=None, limit=10)
    rated = next(message for message in page.messages if message.message_id == answer.message_id)
    assert (rated.status, rated.rating) == ("superseded", Rating(1))


async def test_an_error_of_the_client_is_shown_and_told_to_the_model(node: Node) -> None:
    await node.open()
    async with node.watch() as watching:
        await until(lambda: bool(watching.sink.items))
        await node.chats.report_error("ann", "ses", "chart: it did not draw")
        await until(lambda: watching.sink.types()[-1] == "notice")
    assert node.provider.streams == []
    await node.send("hi")
    await node.idle()
    assert list(node.provider.streams[0].request.client_errors) == ["chart: it did not draw"]


# ---------------------------------------------------------------------------------------------- deletion


async def test_deleting_a_session_stops_its_run_and_leaves_nothing(tmp_path: Path) -> None:
    backplane = SqliteBackplane(str(tmp_path / "hub.db"))
    await backplane.start()
    async with Node(backplane).running() as node:
        await node.open()
        recorder = await node.record()
        await node.send("done")
        await node.idle()
        node.provider.scripts = [[TextDelta(0, "x"), asyncio.Event()]]
        await node.send("one")
        await node.send("two")
        await until(lambda: "message_queued" in recorder.types())
        async with node.watch() as watching:
            await until(lambda: bool(watching.sink.items))
            await node.chats.delete("ann", "ses")
            await watching.ended()
        await node.idle()
        assert node.provider.open_streams == 0 and len(node.provider.streams) == 2
        await refused("session_not_found", doing=node.chats.get("ann", "ses"))
    await backplane.close()
    with sqlite3.connect(tmp_path / "hub.db") as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        left = {}
        for table in tables:
            columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
            if "session_id" in columns:
                (left[table],) = db.execute(f"SELECT count(*) FROM {table} WHERE session_id = 'ses'").fetchone()
    db.close()
    assert left and not any(left.values()), left


async def test_a_session_can_be_made_anew_under_its_old_id(node: Node) -> None:
    await node.open()
    await node.send("hi")
    await node.idle()
    await node.chats.delete("ann", "ses")
    await node.idle()
    await node.open()
    await node.send("hi")
    await node.idle()
    assert len((await node.chats.history("ann", "ses", before=None, limit=10)).messages) == 2


async def test_another_node_s_run_of_a_deleted_session_ends_at_once(backplane: Backplane) -> None:
    limits = RunLimits(lease_ms=10_000_000, scan_s=60.0, linger_s=0.0)
    clock = Clock()
    first = Node(backplane, limits=limits, clock=clock)
    second = Node(backplane, limits=limits, clock=clock, owner="node_2")
    async with first.running(), second.running():
        await first.open()
        first.provider.scripts = [[asyncio.Event()]]
        await first.send("hi")
        await until(lambda: first.provider.open_streams == 1)
        await second.chats.delete("ann", "ses")
        await until(lambda: first.provider.open_streams == 0)
        await first.idle()
        await second.idle()


async def test_an_id_of_an_answer_cannot_be_taken_by_a_message(node: Node) -> None:
    await node.open()
    with pytest.raises(CallError, match=r"^\[conflict\] Ids that begin with answer_"):
        await node.send("evil", message_id="answer_0123")

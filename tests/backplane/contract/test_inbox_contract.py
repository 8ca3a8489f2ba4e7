import asyncio

from hub.backplane.base import Ask, Backplane, Known, Note, Position, Settle
from tests.backplane.steps import LEASE_MS, NOWHERE, accept, ask, settle, states, stop, take

# ------------------------------------------------------------------------------------------------------- accept


async def test_first_ask_is_active_and_the_next_is_queued(backplane: Backplane) -> None:
    one = await backplane.inbox.accept("s", ask("a", at=5), Position("e", 7), max_queued=10, now=5)
    assert one.outcome == "new"
    assert one.known == Known(ask("a", at=5), "active", Position("e", 7))
    two = await accept(backplane, "b")
    assert two.known is not None
    assert (two.outcome, two.known.state) == ("new", "queued")


async def test_same_ask_again_is_repeated_in_every_state(backplane: Backplane) -> None:
    position = Position("e", 7)
    first = await backplane.inbox.accept("s", ask("a"), position, max_queued=10, now=0)
    retry = Ask("a", "another-run", "d", b"another body", 9)
    again = await backplane.inbox.accept("s", retry, Position("e", 99), max_queued=10, now=9)
    assert again.outcome == "repeated"
    assert again.known == first.known
    lease = await take(backplane)
    await stop(backplane, run_id="run-a")
    again = await accept(backplane, "a")
    assert again.known == Known(ask("a"), "active", position, "ann")
    await settle(backplane, lease.fence, "run-a")
    again = await accept(backplane, "a")
    assert again.outcome == "repeated"
    assert again.known == Known(ask("a"), "done", position, "ann")
    assert states(await settle(backplane, lease.fence)) == []


async def test_other_content_under_an_id_is_a_conflict_in_every_state(backplane: Backplane) -> None:
    await accept(backplane, "a")
    conflict = await accept(backplane, "a", digest="other")
    assert conflict.outcome == "conflict"
    assert conflict.known is not None
    assert conflict.known.ask.digest == "d"
    lease = await take(backplane)
    await settle(backplane, lease.fence, "run-a")
    assert (await accept(backplane, "a", digest="other")).outcome == "conflict"
    assert states(await settle(backplane, lease.fence)) == []


async def test_run_id_of_another_ask_is_a_conflict(backplane: Backplane) -> None:
    await accept(backplane, "a")
    clash = await backplane.inbox.accept("s", ask("b", run_id="run-a"), NOWHERE, max_queued=10, now=0)
    assert clash.outcome == "conflict"


async def test_many_accepts_at_once_make_one_active(backplane: Backplane) -> None:
    done = await asyncio.gather(*(accept(backplane, str(number), max_queued=50) for number in range(30)))
    assert [accepted.outcome for accepted in done] == ["new"] * 30
    assert sorted(accepted.known.state for accepted in done if accepted.known) == ["active"] + ["queued"] * 29
    assert [state for _, state, _ in states((await take(backplane)).work)] == ["active"] + ["queued"] * 29


async def test_same_ask_many_times_at_once_is_one_run(backplane: Backplane) -> None:
    asks = [Ask("a", f"run{number}", "d", b"", 0) for number in range(20)]
    done = await asyncio.gather(*(backplane.inbox.accept("s", one, NOWHERE, max_queued=9, now=0) for one in asks))
    assert sorted(accepted.outcome for accepted in done) == ["new"] + ["repeated"] * 19
    assert len({accepted.known.ask.run_id for accepted in done if accepted.known}) == 1
    assert len((await take(backplane)).work.asks) == 1


async def test_two_contents_under_one_id_at_once_one_conflicts(backplane: Backplane) -> None:
    done = await asyncio.gather(accept(backplane, "a", digest="1"), accept(backplane, "a", digest="2"))
    assert sorted(accepted.outcome for accepted in done) == ["conflict", "new"]


async def test_reject_when_busy(backplane: Backplane) -> None:
    assert (await accept(backplane, "a", when_busy="reject")).outcome == "new"
    rejected = await accept(backplane, "b", when_busy="reject")
    assert (rejected.outcome, rejected.known) == ("busy", None)
    lease = await take(backplane)
    assert len(lease.work.asks) == 1
    await settle(backplane, lease.fence, "run-a")
    assert (await accept(backplane, "b", when_busy="reject")).outcome == "new"


async def test_replace_stops_the_active_and_all_that_waits(backplane: Backplane) -> None:
    await accept(backplane, "a")
    await accept(backplane, "b")
    await stop(backplane, by="ann", run_id="run-b")
    replaced = await accept(backplane, "c", when_busy="replace")
    assert replaced.known is not None
    assert (replaced.outcome, replaced.known.state, replaced.known.stopped_by) == ("new", "queued", None)
    assert states((await take(backplane)).work) == [
        ("a", "active", "replaced"),
        ("b", "queued", "ann"),  # the first stays
        ("c", "queued", None),
    ]


async def test_replace_of_nothing_is_active(backplane: Backplane) -> None:
    accepted = await accept(backplane, "a", when_busy="replace")
    assert accepted.known is not None
    assert (accepted.known.state, accepted.known.stopped_by) == ("active", None)


async def test_repeated_replace_stops_nothing_more(backplane: Backplane) -> None:
    await accept(backplane, "a")
    await accept(backplane, "b", when_busy="replace")
    await accept(backplane, "c")
    assert (await accept(backplane, "b", when_busy="replace")).outcome == "repeated"
    assert states((await take(backplane)).work)[1:] == [("b", "queued", None), ("c", "queued", None)]


async def test_full_queue_is_busy_and_stores_nothing(backplane: Backplane) -> None:
    for name in "abc":
        assert (await accept(backplane, name, max_queued=2)).outcome == "new"
    full = await accept(backplane, "d", max_queued=2)
    assert (full.outcome, full.known) == ("busy", None)
    assert await backplane.inbox.known("s", ask_id="d") is None
    assert (await accept(backplane, "c", max_queued=2)).outcome == "repeated"
    lease = await take(backplane)
    await settle(backplane, lease.fence, "run-a")
    assert (await accept(backplane, "d", max_queued=2)).outcome == "new"


async def test_full_queue_can_be_replaced_but_not_for_ever(backplane: Backplane) -> None:
    for name in "abc":
        await accept(backplane, name, max_queued=2)
    outcomes = [(await accept(backplane, name, max_queued=2, when_busy="replace")).outcome for name in "defgh"]
    assert outcomes[0] == "new"
    assert outcomes[-1] == "busy"
    assert len((await take(backplane)).work.asks) == 5  # one active, and twice the bound


async def test_queue_of_none_takes_only_the_active(backplane: Backplane) -> None:
    assert (await accept(backplane, "a", max_queued=0)).outcome == "new"
    assert (await accept(backplane, "b", max_queued=0)).outcome == "busy"


async def test_sessions_do_not_share_ids_or_queues(backplane: Backplane) -> None:
    for session_id in ("s", "t"):
        accepted = await accept(backplane, "a", session_id=session_id)
        assert accepted.known is not None
        assert (accepted.outcome, accepted.known.state) == ("new", "active")


async def test_known_by_either_id_in_every_state(backplane: Backplane) -> None:
    inbox = backplane.inbox
    assert await inbox.known("s", run_id="run-a") is None
    assert await inbox.known("s", ask_id="a") is None
    assert await inbox.known("s") is None
    await accept(backplane, "a")
    await accept(backplane, "b")
    lease = await take(backplane)
    for expected in ("queued", "active", "done"):
        by_run = await inbox.known("s", run_id="run-b")
        assert by_run == await inbox.known("s", ask_id="b") == Known(ask("b"), expected, NOWHERE)
        await settle(backplane, lease.fence, "run-a" if expected == "queued" else "run-b")


# --------------------------------------------------------------------------------------------------------- stop


async def test_stop_of_the_active_run_is_idempotent_and_the_first_stays(backplane: Backplane) -> None:
    await accept(backplane, "a")
    await accept(backplane, "b")
    for by in ("ann", "bob"):
        stopped = await stop(backplane, by=by)
        assert (stopped.outcome, list(stopped.run_ids)) == ("stopping", ["run-a"])
    assert states((await take(backplane)).work) == [("a", "active", "ann"), ("b", "queued", None)]


async def test_stop_of_nothing(backplane: Backplane) -> None:
    for queued in (False, True):
        stopped = await stop(backplane, queued=queued)
        assert (stopped.outcome, list(stopped.run_ids)) == ("nothing_running", [])
    assert await backplane.leases.expired(now=10**9, limit=9) == []


async def test_stop_of_all_that_waits(backplane: Backplane) -> None:
    for name in "abc":
        await accept(backplane, name)
    stopped = await stop(backplane, queued=True)
    assert (stopped.outcome, list(stopped.run_ids)) == ("stopping", ["run-a", "run-b", "run-c"])
    assert [by for _, _, by in states((await take(backplane)).work)] == ["ann"] * 3


async def test_stop_of_a_queued_run_leaves_the_active_one(backplane: Backplane) -> None:
    for name in "abc":
        await accept(backplane, name)
    stopped = await stop(backplane, run_id="run-b")
    assert (stopped.outcome, list(stopped.run_ids)) == ("stopping", ["run-b"])
    assert [by for _, _, by in states((await take(backplane)).work)] == [None, "ann", None]


async def test_stop_of_one_with_all_that_waits(backplane: Backplane) -> None:
    for name in "abc":
        await accept(backplane, name)
    stopped = await stop(backplane, run_id="run-b", queued=True)
    assert (stopped.outcome, sorted(stopped.run_ids)) == ("stopping", ["run-b", "run-c"])
    assert [by for _, _, by in states((await take(backplane)).work)] == [None, "ann", "ann"]


async def test_stop_by_ask(backplane: Backplane) -> None:
    await accept(backplane, "a")
    stopped = await stop(backplane, ask_id="a")
    assert (stopped.outcome, list(stopped.run_ids)) == ("stopping", ["run-a"])


async def test_stop_of_what_is_done(backplane: Backplane) -> None:
    await accept(backplane, "a")
    await settle(backplane, (await take(backplane)).fence, "run-a")
    for stopped in (await stop(backplane, run_id="run-a"), await stop(backplane, ask_id="a")):
        assert (stopped.outcome, list(stopped.run_ids)) == ("already_done", ["run-a"])
    known = await backplane.inbox.known("s", ask_id="a")
    assert known is not None
    assert known.stopped_by is None


async def test_stop_of_an_unknown_run_stores_nothing(backplane: Backplane) -> None:
    await accept(backplane, "a")
    stopped = await stop(backplane, run_id="never", queued=True)
    assert (stopped.outcome, list(stopped.run_ids)) == ("unknown_run", [])
    assert states((await take(backplane)).work) == [("a", "active", None)]


async def test_stop_before_its_ask_is_remembered(backplane: Backplane) -> None:
    for by in ("ann", "bob"):
        stopped = await stop(backplane, by=by, ask_id="a")
        assert (stopped.outcome, list(stopped.run_ids)) == ("remembered", [])
    accepted = await accept(backplane, "a", now=999)
    assert accepted.known is not None
    assert (accepted.outcome, accepted.known.state, accepted.known.stopped_by) == ("new", "active", "ann")
    other = await accept(backplane, "b")
    assert other.known is not None
    assert other.known.stopped_by is None


async def test_remembered_stop_is_forgotten_in_time(backplane: Backplane) -> None:
    await stop(backplane, ask_id="a", now=100, remember_ms=50)
    accepted = await accept(backplane, "a", now=150)
    assert accepted.known is not None
    assert accepted.known.stopped_by is None


async def test_remembered_stop_survives_a_rejection(backplane: Backplane) -> None:
    await accept(backplane, "x")
    await stop(backplane, ask_id="a")
    assert (await accept(backplane, "a", when_busy="reject")).outcome == "busy"
    accepted = await accept(backplane, "a")
    assert accepted.known is not None
    assert accepted.known.stopped_by == "ann"


async def test_remembered_stops_have_a_bound(backplane: Backplane) -> None:
    for number in range(1000):
        await stop(backplane, ask_id=str(number))
    first, last = await accept(backplane, "0"), await accept(backplane, "999")
    assert first.known is not None and last.known is not None
    assert (first.known.stopped_by, last.known.stopped_by) == (None, "ann")


async def test_remembered_stop_alone_is_no_work(backplane: Backplane) -> None:
    await stop(backplane, ask_id="a")
    assert await backplane.leases.expired(now=10**9, limit=9) == []
    lease = await take(backplane)
    assert await backplane.leases.release("s", lease.fence)


async def test_stop_and_accept_at_once_always_end_stopped(backplane: Backplane) -> None:
    for number in range(20):
        name = f"a{number}"
        await asyncio.gather(stop(backplane, ask_id=name), accept(backplane, name, max_queued=50))
        known = await backplane.inbox.known("s", ask_id=name)
        assert known is not None
        assert known.stopped_by == "ann"


# --------------------------------------------------------------------------------------------- notes and answers


async def test_notes_are_work_in_the_order_left_until_settled(backplane: Backplane) -> None:
    for name in ("n1", "n2", "n1"):
        await backplane.inbox.note("s", Note(name, [name.encode(), b"more"]), now=0)
    lease = await take(backplane)
    assert [(note.note_id, list(note.payloads)) for note in lease.work.notes] == [
        ("n1", [b"n1", b"more"]),
        ("n2", [b"n2", b"more"]),
    ]
    left = await backplane.leases.renew("s", lease.fence, now=0, lease_ms=1, settle=Settle(note_ids=["n1"]))
    assert [note.note_id for note in left.notes] == ["n2"]


async def test_note_that_was_settled_is_not_left_again(backplane: Backplane) -> None:
    await backplane.inbox.note("s", Note("n", [b"1"]), now=0)
    lease = await take(backplane)
    await backplane.leases.renew("s", lease.fence, now=0, lease_ms=1, settle=Settle(note_ids=["n"]))
    await backplane.inbox.note("s", Note("n", [b"2"]), now=0)
    assert (await backplane.leases.renew("s", lease.fence, now=0, lease_ms=1)).notes == ()
    assert await backplane.leases.release("s", lease.fence)


async def test_first_answer_wins_and_everybody_gets_it(backplane: Backplane) -> None:
    assert await backplane.inbox.answer("s", "call", b"first") == b"first"
    assert await backplane.inbox.answer("s", "call", b"second") == b"first"
    assert await backplane.inbox.answer("s", "other", b"second") == b"second"
    assert dict((await take(backplane)).work.answers) == {"call": b"first", "other": b"second"}


async def test_answers_at_once_have_one_winner(backplane: Backplane) -> None:
    bodies = [str(number).encode() for number in range(20)]
    got = await asyncio.gather(*(backplane.inbox.answer("s", "call", body) for body in bodies))
    assert len(set(got)) == 1
    assert dict((await take(backplane)).work.answers) == {"call": got[0]}


async def test_settled_answer_still_wins_and_is_no_work(backplane: Backplane) -> None:
    await backplane.inbox.answer("s", "call", b"first")
    lease = await take(backplane)
    left = await backplane.leases.renew("s", lease.fence, now=0, lease_ms=1, settle=Settle(call_ids=["call"]))
    assert dict(left.answers) == {}
    assert await backplane.inbox.answer("s", "call", b"late") == b"first"
    assert await backplane.leases.release("s", lease.fence)
    assert await backplane.inbox.answer("s", "call", b"later") == b"first"
    assert await backplane.leases.expired(now=10**9, limit=9) == []


# ------------------------------------------------------------------------------------------------------- delete


async def test_deleted_session_knows_nothing(backplane: Backplane) -> None:
    await accept(backplane, "a")
    await backplane.inbox.note("s", Note("n", [b"1"]), now=0)
    await backplane.inbox.answer("s", "call", b"first")
    lease = await take(backplane)
    await settle(backplane, lease.fence, "run-a")
    await backplane.leases.renew("s", lease.fence, now=0, lease_ms=LEASE_MS, settle=Settle((), ("n",), ("call",)))
    await stop(backplane, ask_id="b")
    await accept(backplane, "c")
    await backplane.inbox.delete("s")
    await backplane.inbox.delete("s")
    assert await backplane.leases.expired(now=10**9, limit=9) == []
    assert await backplane.inbox.known("s", ask_id="a") is None
    assert await backplane.inbox.known("s", run_id="run-c") is None
    assert await backplane.inbox.answer("s", "call", b"anew") == b"anew"
    await backplane.inbox.note("s", Note("n", [b"anew"]), now=0)
    for name in ("a", "b"):
        accepted = await accept(backplane, name, digest="anew")
        assert accepted.known is not None
        assert (accepted.outcome, accepted.known.stopped_by) == ("new", None)
    work = (await take(backplane)).work
    assert [note.payloads for note in work.notes] == [[b"anew"]]
    assert dict(work.answers) == {"call": b"anew"}

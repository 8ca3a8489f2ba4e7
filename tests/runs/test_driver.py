"""What happens to asks, from `SendMessage` to the journal: on real backplanes, with a scripted provider."""

import asyncio

import pytest

from hub.backplane.base import Backplane
from hub.chat import events
from hub.chat.parts import TextPart
from hub.errors import CallError, ProviderError
from hub.providers.base import TextDelta
from hub.runs.asking import Wish
from hub.runs.limits import RunLimits
from tests.runs import invariants
from tests.runs.node import Node, Recorder, until
from tests.runs.scripted import ScriptedProvider, asked_of, end, says, text_of


async def finish(node: Node, recorder: Recorder) -> None:
    """Let everything end, and check what section 3.4 promises."""
    await node.idle()
    page = await node.chats.history("ann", "ses", before=None, limit=200)
    invariants.check(recorder.entries, page.messages)


async def gated(node: Node, text: str = "one") -> asyncio.Event:
    """A run that has written its first delta and waits for the gate."""
    gate = asyncio.Event()
    node.provider.scripts.append([TextDelta(0, "par"), gate, TextDelta(0, "tial"), end()])
    before = len(node.provider.streams)
    await node.send(text)
    await until(lambda: len(node.provider.streams) > before and bool(node.provider.streams[-1].yielded))
    return gate


async def test_a_message_is_answered(node: Node) -> None:
    await node.open()
    recorder = await node.record()
    asked = await node.send("hello")
    await finish(node, recorder)
    assert (asked.state, asked.message_id, asked.offset) == ("started", "m-hello", 0)
    assert [kind for kind in recorder.types() if kind != "session"] == [
        "message",
        "run_started",
        "step",
        "text",
        "done",
    ]
    done = recorder.done(asked.run_id)[0]
    assert (done.outcome, done.finish_reason) == ("completed", "stop")
    page = await node.chats.history("ann", "ses", before=None, limit=10)
    assert [(message.role, message.status, text_of(message)) for message in page.messages] == [
        ("user", "complete", "hello"),
        ("assistant", "complete", "ok"),
    ]
    session = await node.chats.get("ann", "ses")
    assert (session.title, session.running, session.usage.output_tokens) == ("hello", False, 5)


async def test_a_message_sent_again_is_the_same_run(node: Node) -> None:
    await node.open()
    recorder = await node.record()
    gate = await gated(node)
    again = await node.send("one")
    gate.set()
    await finish(node, recorder)
    after = await node.send("one")
    assert again.run_id == after.run_id == recorder.done()[0].run_id
    assert len(node.provider.streams) == 1


async def test_another_content_under_the_same_id_is_a_conflict(node: Node) -> None:
    await node.open()
    await node.send("one", "m")
    with pytest.raises(CallError, match=r"^\[conflict\]"):
        await node.send("two", "m")
    await node.idle()


async def test_messages_queue_and_are_answered_in_order(node: Node) -> None:
    await node.open()
    recorder = await node.record()
    gate = await gated(node)
    second, third = await node.send("two"), await node.send("three")
    assert (second.state, third.state) == ("queued", "queued")
    await until(lambda: len(recorder.of(events.MessageQueued)) == 2)
    gate.set()
    await finish(node, recorder)
    places = [event.place for event in recorder.of(events.MessageQueued)]
    assert places == [1, 2]
    assert [asked_of(stream.request) for stream in node.provider.streams] == ["one", "two", "three"]
    assert [done.outcome for done in recorder.done()] == ["completed"] * 3


async def test_a_busy_session_rejects_where_that_is_asked(node: Node) -> None:
    await node.open()
    recorder = await node.record()
    gate = await gated(node)
    with pytest.raises(CallError, match=r"^\[busy\]"):
        await node.send("two", wish=Wish(when_busy="reject"))
    gate.set()
    await finish(node, recorder)
    assert len(recorder.done()) == 1


async def test_a_full_queue_says_its_limit(backplane: Backplane) -> None:
    async with Node(backplane, limits=RunLimits(max_queued_runs=1, linger_s=0)).running() as node:
        await node.open()
        gate = await gated(node)
        await node.send("two")
        with pytest.raises(CallError, match=r"^\[busy\] 1 runs wait in this session \(max_queued_runs\)"):
            await node.send("three")
        gate.set()
        await node.idle()


async def test_replace_stops_what_runs_and_what_waits(node: Node) -> None:
    await node.open()
    recorder = await node.record()
    await gated(node)
    await node.send("two")
    third = await node.send("three", wish=Wish(when_busy="replace"))
    await finish(node, recorder)
    outcomes = [(done.outcome, done.stopped_by) for done in recorder.done()]
    assert sorted(outcomes[:2]) == [("stopped", "replaced")] * 2
    assert recorder.done(third.run_id)[0].outcome == "completed"
    assert [asked_of(stream.request) for stream in node.provider.streams] == ["one", "three"]
    assert node.provider.open_streams == 0


# --------------------------------------------------------------------------------------------------------- stop


async def test_stop_in_mid_text_keeps_what_came_and_closes_the_stream(node: Node) -> None:
    await node.open()
    recorder = await node.record()
    await gated(node)
    stopped = await node.stop(user="ann")
    await finish(node, recorder)
    assert stopped.outcome == "stopping"
    assert list(stopped.run_ids) == [recorder.done()[0].run_id]
    assert node.provider.streams[0].is_closed
    assert (recorder.done()[0].outcome, recorder.done()[0].stopped_by) == ("stopped", "ann")
    page = await node.chats.history("ann", "ses", before=None, limit=1)
    assert (page.messages[0].status, page.messages[0].parts) == ("stopped", [TextPart("par")])
    await node.send("next")
    await finish(node, recorder)
    assert recorder.done()[-1].outcome == "completed"


async def test_stop_twice_and_after_the_end(node: Node) -> None:
    await node.open()
    recorder = await node.record()
    await gated(node)
    await until(lambda: bool(recorder.of(events.RunStarted)))
    run_id = recorder.of(events.RunStarted)[0].run_id
    first = await node.stop(run_id)
    second = await node.stop(run_id)
    await finish(node, recorder)
    third = await node.stop(run_id)
    fourth = await node.stop()
    outcomes = [first.outcome, second.outcome, third.outcome, fourth.outcome]
    assert outcomes[0] == "stopping" and outcomes[1] in ("stopping", "already_done")
    assert outcomes[2:] == ["already_done", "nothing_running"]
    assert len(recorder.done()) == 1


async def test_stop_by_message_id_before_the_message_arrives(node: Node) -> None:
    await node.open()
    recorder = await node.record()
    assert (await node.stop(message_id="m-late")).outcome == "remembered"
    await node.send("late")
    await finish(node, recorder)
    assert node.provider.streams == []
    assert [kind for kind in recorder.types() if kind != "session"] == ["message", "run_started", "done"]
    assert recorder.done()[0].stopped_by == "ann"


async def test_stop_while_queued_does_not_touch_the_run_under_way(node: Node) -> None:
    await node.open()
    recorder = await node.record()
    gate = await gated(node)
    second = await node.send("two")
    await node.stop(second.run_id)
    await until(lambda: bool(recorder.done(second.run_id)))
    assert node.provider.open_streams == 1
    gate.set()
    await finish(node, recorder)
    assert [(done.run_id == second.run_id, done.outcome) for done in recorder.done()] == [
        (True, "stopped"),
        (False, "completed"),
    ]


async def test_stop_with_queued_stops_all(node: Node) -> None:
    await node.open()
    recorder = await node.record()
    await gated(node)
    await node.send("two")
    await node.send("three")
    assert len((await node.stop(queued=True)).run_ids) == 3
    await finish(node, recorder)
    assert [done.outcome for done in recorder.done()] == ["stopped"] * 3
    assert len(node.provider.streams) == 1


async def test_stop_of_an_unknown_run_is_refused(node: Node) -> None:
    await node.open()
    with pytest.raises(CallError, match=r"^\[run_not_found\]"):
        await node.stop("run_nowhere")


async def test_an_edit_stopped_while_it_waits_takes_nobody_s_place(node: Node) -> None:
    """The run under way would lose its own question from its next request."""
    await node.open()
    recorder = await node.record()
    await node.send("zero")
    await node.idle()
    gate = await gated(node)
    edit = await node.send("zero, better", "m-edit", replaces="m-zero")
    await until(lambda: "message_queued" in recorder.types())
    await node.stop(edit.run_id)
    await until(lambda: bool(recorder.done(edit.run_id)))
    gate.set()
    await finish(node, recorder)
    page = await node.chats.history("ann", "ses", before=None, limit=10)
    assert [(text_of(message), message.status) for message in page.messages if message.role == "user"] == [
        ("zero", "complete"),
        ("one", "complete"),
        ("zero, better", "stopped"),
    ]
    await node.send("last")
    await finish(node, recorder)
    assert [text_of(message) for message in node.provider.streams[-1].request.messages if message.role == "user"] == [
        "zero",
        "one",
        "last",
    ]


# ------------------------------------------------------------------------------- edits, regenerations, continuations


async def test_an_edit_supersedes_the_message_and_all_after_it(node: Node) -> None:
    await node.open()
    recorder = await node.record()
    for text in ("one", "two"):
        await node.send(text)
        await node.idle()
    await node.send("uno", replaces="m-one")
    await node.send("uno", replaces="m-one")  # the same again
    await finish(node, recorder)
    page = await node.chats.history("ann", "ses", before=None, limit=10)
    assert [message.status for message in page.messages] == ["superseded"] * 4 + ["complete"] * 2
    assert page.messages[-2].edited == "m-one"
    assert [text_of(message) for message in node.provider.streams[-1].request.messages] == ["uno"]
    with pytest.raises(CallError, match=r"^\[conflict\]"):
        await node.send("eins", replaces="m-one")
    with pytest.raises(CallError, match=r"^\[message_not_found\]"):
        await node.send("eins", replaces="m-nowhere")


async def test_regenerate_supersedes_the_old_answer(node: Node) -> None:
    await node.open()
    recorder = await node.record()
    await node.send("one")
    await node.idle()
    node.provider.scripts.append(says("better"))
    asked = await node.chats.asking.regenerate("ann", "ses", "again-1", None)
    again = await node.chats.asking.regenerate("ann", "ses", "again-1", None)
    await finish(node, recorder)
    assert again.run_id == asked.run_id
    page = await node.chats.history("ann", "ses", before=None, limit=10)
    assert [(text_of(message), message.status) for message in page.messages] == [
        ("one", "complete"),
        ("ok", "superseded"),
        ("better", "complete"),
    ]
    answer = page.messages[-1].message_id
    await node.chats.asking.regenerate("ann", "ses", "again-2", answer)
    await finish(node, recorder)
    with pytest.raises(CallError, match=r"^\[message_not_found\]"):
        await node.chats.asking.regenerate("ann", "ses", "again-3", "m-nowhere")


async def test_a_stopped_answer_is_gone_on_with(node: Node) -> None:
    await node.open()
    recorder = await node.record()
    await gated(node)
    await until(lambda: bool(recorder.of(events.RunStarted)))
    run_id = recorder.of(events.RunStarted)[0].run_id
    await node.stop()
    await node.idle()
    node.provider.scripts.append(says("rest"))
    asked = await node.send("", "m-go-on", wish=Wish(continues=run_id))
    await finish(node, recorder)
    assert recorder.of(events.RunStarted, asked.run_id)[0].reply_to == "m-one"
    assert [text_of(message) for message in node.provider.streams[-1].request.messages] == ["one", "par"]
    with pytest.raises(CallError, match=r"^\[conflict\]"):
        await node.send("", "m-more", wish=Wish(continues=asked.run_id))
    with pytest.raises(CallError, match=r"^\[run_not_found\]"):
        await node.send("", "m-other", wish=Wish(continues="run_nowhere"))


async def test_a_message_without_content_is_refused(node: Node) -> None:
    await node.open()
    with pytest.raises(CallError, match=r"^\[invalid_arguments\]"):
        await node.send("", "m-empty")


# -------------------------------------------------------------------------------------------------- the session


async def test_the_idle_rule_stops_what_nobody_watches(backplane: Backplane) -> None:
    limits = RunLimits(idle_stop_s=0.0, lease_ms=30, linger_s=0)
    async with Node(backplane, limits=limits).running() as node:
        await node.open()
        recorder = await node.record()
        await gated(node)
        await until(lambda: bool(recorder.done()))
        assert recorder.done()[0].stopped_by == "idle"
        async with node.watch():
            gate = await gated(node, "two")
            renewed = node.clock.now_ms() + 20
            await until(lambda: node.clock.now_ms() > renewed)
            gate.set()
            await until(lambda: len(recorder.done()) == 2)
        assert recorder.done()[1].outcome == "completed"
        await node.idle()


async def test_a_provider_that_this_node_lacks_fails_the_run(backplane: Backplane) -> None:
    async with Node(backplane).running() as first:
        await first.open()
    limits = RunLimits(scan_s=0.001, linger_s=0)
    provider = ScriptedProvider(name="other")
    other = Node(backplane, provider=provider, owner="node_2", limits=limits, clock=first.clock)
    async with other.running() as second:
        recorder = await second.record()
        await first.send("hello")
        await until(lambda: bool(recorder.done()))
        assert recorder.done()[0].error is not None
        await second.idle()
    invariants.check(recorder.entries)


async def test_an_error_of_the_client_is_part_of_the_next_request_only(node: Node) -> None:
    await node.open()
    recorder = await node.record()
    await node.chats.report_error("ann", "ses", "chart: no data")
    await node.send("one")
    await node.idle()
    await node.send("two")
    await finish(node, recorder)
    assert [list(stream.request.client_errors) for stream in node.provider.streams] == [["chart: no data"], []]
    assert recorder.types()[0] == "notice"


async def test_a_title_that_the_user_gave_stays(node: Node) -> None:
    await node.open()
    gate = await gated(node, "a very long first line " * 8)
    gate.set()
    await node.idle()
    session = await node.chats.get("ann", "ses")
    assert session.title.endswith("…") and len(session.title) <= 61


async def test_failed_runs_leave_the_queue_going(node: Node) -> None:
    await node.open()
    recorder = await node.record()
    node.provider.scripts += [[ProviderError("provider_auth", "No.")], says("fine")]
    await asyncio.gather(node.send("one"), node.send("two"))
    await finish(node, recorder)
    assert [done.outcome for done in recorder.done()] == ["failed", "completed"]

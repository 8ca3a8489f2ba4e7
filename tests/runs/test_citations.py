"""Citations: they come after their passage, stand in the answer from then on, and are there when it is read again."""

from hub.backplane.base import Backplane
from hub.chat import events
from hub.chat.parts import Citation, TextPart
from hub.providers.base import Cited, StepEnd, TextDelta, ThinkingDelta, ThinkingEnd
from hub.runs.asking import Wish
from tests.runs.node import USER, ListSink, Node
from tests.runs.scripted import USAGE, call, end, says

PAGE = Citation(source="document", title="report.pdf", file_id="f", quote="Total", page=3, end_page=3, start=0, end=8)
SITE = Citation(source="web", url="https://example.org", start=8, end=11)


async def test_watchers_and_readers_see_what_an_answer_rests_on(backplane: Backplane) -> None:
    node = Node(backplane)
    node.provider.scripts = [
        [
            ThinkingDelta(0, "hm"),
            ThinkingEnd(0, signature="sig"),
            TextDelta(0, "It is 7."),
            Cited(0, [PAGE]),
            TextDelta(0, " So."),
            Cited(0, [SITE]),
            *call("c1"),
            StepEnd("tool_calls", USAGE),
        ],
        says("Done."),
    ]
    async with node.running():
        await node.open()
        recorder = await node.record()
        async with node.watch() as watching:
            await node.send("how much?")
            await node.idle()
            live = watching.sink.fold()
        cited = [event for event in recorder.of(events.Text) if event.citations]
        assert [(event.part, list(event.citations)) for event in cited] == [(1, [PAGE]), (1, [SITE])]
        told = [event.delta for event in recorder.of(events.Text, run_id=cited[0].run_id) if event.part == 1]
        assert "".join(told) == "It is 7. So."
        page = await node.chats.history(USER, "ses", before=None, limit=10)
    (kept,) = [message for message in page.messages if message.role == "assistant"]
    assert kept.parts[1] == TextPart("It is 7. So.", citations=[PAGE, SITE])
    assert kept.parts[3] == TextPart("Done.", step=1)
    (shown,) = [message for message in live.messages.values() if message["role"] == "assistant"]
    assert [citation["source"] for citation in shown["parts"][1]["citations"]] == ["document", "web"]


async def test_citations_outlive_the_journal_that_told_of_them(backplane: Backplane) -> None:
    node = Node(backplane)
    node.provider.scripts = [[TextDelta(0, "It is 7."), Cited(0, [PAGE]), end()], says("Fine.")]
    async with node.running():
        await node.open()
        await node.send("how much?")
        await node.idle()  # which folds the journal into a snapshot
    other = Node(backplane, owner="node_2", provider=node.provider)
    async with other.running():
        sink = ListSink()
        async with other.watch(sink=sink):
            await other.send("and?", wish=Wish())
            await other.idle()
        first = next(message for message in sink.fold().messages.values() if message["role"] == "assistant")
    assert first["parts"][0]["citations"][0]["fileId"] == "f"
    # The model is asked with them: some providers want them back.
    sent = next(message for message in node.provider.streams[1].request.messages if message.role == "assistant")
    assert sent.parts == [TextPart("It is 7.", citations=[PAGE])]

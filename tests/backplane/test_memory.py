from hub.backplane.base import Entry
from hub.backplane.memory import MemoryBackplane
from tests.backplane.steps import take


async def test_append_has_stored_and_published_when_it_returns() -> None:
    backplane = MemoryBackplane(epoch_source=lambda: "e")
    fence = (await take(backplane)).fence
    heard: list[Entry] = []
    await backplane.journal.follow("s", heard.extend)
    future = backplane.journal.append("s", fence, 1, [b"a", b"b"])
    assert future.done()
    assert heard == [Entry("e", 1, b"a"), Entry("e", 2, b"b")]
    assert (await backplane.journal.top("s")).offset == future.result().last == 2


async def test_epochs_are_random_by_default() -> None:
    epochs = {(await MemoryBackplane().journal.top("s")).epoch for _ in range(100)}
    assert len(epochs) == 100
    assert all(len(epoch) >= 8 for epoch in epochs)


async def test_finished_session_keeps_no_box() -> None:
    """What is not done lives apart from what is, so that looking for expired leases costs what runs, not what was."""
    backplane = MemoryBackplane()
    for number in range(100):
        lease = await take(backplane, session_id=f"s{number}")
        await backplane.leases.release(f"s{number}", lease.fence)
    assert await backplane.leases.expired(now=10**12, limit=1000) == []
    assert backplane.leases.boxes == {}

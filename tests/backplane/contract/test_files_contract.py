import asyncio
import random

from hub.backplane.base import Ask, Backplane, FileRecord, Position


def record(file_id: str, content: bytes) -> FileRecord:
    return FileRecord(file_id, f"{file_id} \u00e4.png", "image/png", len(content), 7)


async def put(
    backplane: Backplane, file_id: str, content: bytes, *, at_most: int = 1000, session_id: str = "s"
) -> bool:
    return await backplane.files.put(session_id, record(file_id, content), content, max_total_bytes=at_most)


async def test_stored_file_is_there_with_every_byte(backplane: Backplane) -> None:
    content = bytes(range(256)) * 8192  # 2 MiB
    assert await backplane.files.get("s", "f") is None and await backplane.files.content("s", "f") is None
    assert await put(backplane, "f", content, at_most=len(content))
    assert await backplane.files.get("s", "f") == record("f", content)
    assert await backplane.files.content("s", "f") == content
    assert await backplane.files.get("other", "f") is None and await backplane.files.content("other", "f") is None


async def test_file_of_no_bytes_is_a_file(backplane: Backplane) -> None:
    assert await put(backplane, "f", b"", at_most=0)
    assert await backplane.files.content("s", "f") == b""


async def test_any_part_of_a_file_is_read(backplane: Backplane) -> None:
    content = random.Random(7).randbytes(600_000)
    await put(backplane, "f", content, at_most=len(content))
    for offset in (0, 1, 65_536, 131_071, 131_072, 131_073, 262_144, 599_999, 600_000, 600_001, 9_000_000):
        for size in (0, 1, 65_536, 131_072, 131_073, 400_000, 700_000):
            assert await backplane.files.read("s", "f", offset, size) == content[offset : offset + size]
    assert await backplane.files.read("s", "other", 0, 10) is None
    assert await backplane.files.read("other", "f", 0, 10) is None
    await backplane.files.remove("s", "f")
    assert await backplane.files.read("s", "f", 0, 10) is None
    await put(backplane, "nothing", b"")
    assert await backplane.files.read("s", "nothing", 0, 10) == b""


async def test_the_bytes_of_a_session_are_told(backplane: Backplane) -> None:
    assert await backplane.files.total("s") == 0
    await put(backplane, "a", b"12345")
    await put(backplane, "a", b"as it is")
    await put(backplane, "b", b"x" * 300_000, at_most=400_000)
    await put(backplane, "c", b"12", session_id="another")
    assert await backplane.files.total("s") == 300_005
    await backplane.files.remove("s", "b")
    assert await backplane.files.total("s") == 5
    await backplane.files.delete("s")
    assert await backplane.files.total("s") == 0


async def test_files_of_a_session_are_bounded_together(backplane: Backplane) -> None:
    assert await put(backplane, "a", b"12345", at_most=8)
    assert not await put(backplane, "b", b"1234", at_most=8)
    assert await backplane.files.get("s", "b") is None and await backplane.files.content("s", "b") is None
    assert await put(backplane, "b", b"123", at_most=8)
    assert await put(backplane, "b", b"1234", at_most=8, session_id="another")


async def test_what_is_there_stays_as_it_is(backplane: Backplane) -> None:
    assert await put(backplane, "f", b"first", at_most=5)
    assert await put(backplane, "f", b"second", at_most=5)
    assert await backplane.files.content("s", "f") == b"first"


async def test_files_at_once_do_not_pass_the_bound(backplane: Backplane) -> None:
    stored = await asyncio.gather(*(put(backplane, f"f{n}", b"12345", at_most=50) for n in range(20)))
    assert sum(stored) == 10


async def test_removed_file_makes_room(backplane: Backplane) -> None:
    await put(backplane, "a", b"12345", at_most=8)
    await put(backplane, "b", b"123", at_most=8)
    for _ in range(2):
        await backplane.files.remove("s", "a")
    await backplane.files.remove("never", "a")
    assert await backplane.files.get("s", "a") is None and await backplane.files.content("s", "a") is None
    assert not await put(backplane, "c", b"123456", at_most=8)
    assert await put(backplane, "c", b"12345", at_most=8)
    assert await backplane.files.content("s", "b") == b"123"


async def test_deleted_with_all_of_the_session(backplane: Backplane) -> None:
    await put(backplane, "a", b"12345", at_most=5)
    await put(backplane, "a", b"1", session_id="t")
    await backplane.files.delete("s")
    await backplane.files.delete("never")
    assert await backplane.files.get("s", "a") is None
    assert await put(backplane, "b", b"12345", at_most=5)
    assert await backplane.files.content("t", "a") == b"1"


async def test_files_stay_while_the_session_is_worked_on(backplane: Backplane) -> None:
    await put(backplane, "a", b"12345")
    ask = Ask("m", "r", "", b"", 1)
    await backplane.inbox.accept("s", ask, Position("e", 0), max_queued=1, now=1)
    lease = await backplane.leases.take("s", "node", now=1, lease_ms=1000)
    assert lease is not None
    await backplane.leases.renew("s", lease.fence, now=2, lease_ms=1000)
    assert await backplane.files.content("s", "a") == b"12345"

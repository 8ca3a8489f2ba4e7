import asyncio

from hub.backplane.base import Backplane, SessionRecord


def record(
    session_id: str, *, owner: str = "ann", members: dict[str, str] | None = None, at: int = 0, version: int = 0
) -> SessionRecord:
    return SessionRecord(
        session_id, owner, {owner: "owner"} if members is None else members, at, b"{}" + session_id.encode(), version
    )


async def listed(backplane: Backplane, user: str, before: int | None = None, limit: int = 100) -> list[str]:
    return [found.session_id for found in await backplane.directory.list(user, before=before, limit=limit)]


async def test_created_session_is_there(backplane: Backplane) -> None:
    assert await backplane.directory.get("s") is None
    created = await backplane.directory.create(record("s", members={"ann": "owner", "bob": "viewer"}, at=7))
    assert created == record("s", members={"ann": "owner", "bob": "viewer"}, at=7)
    assert await backplane.directory.get("s") == created


async def test_second_creation_gets_the_first_unchanged(backplane: Backplane) -> None:
    first = await backplane.directory.create(record("s", owner="ann"))
    assert await backplane.directory.create(record("s", owner="bob", at=99)) == first
    assert await listed(backplane, "bob") == []


async def test_creators_at_once_have_one_winner(backplane: Backplane) -> None:
    made = await asyncio.gather(*(backplane.directory.create(record("s", owner=f"u{n}")) for n in range(20)))
    assert len({created.owner for created in made}) == 1


async def test_replace_counts_versions_and_refuses_old_ones(backplane: Backplane) -> None:
    await backplane.directory.create(record("s"))
    assert await backplane.directory.replace(record("s", at=5))
    assert not await backplane.directory.replace(record("s", at=6))
    assert await backplane.directory.get("s") == record("s", at=5, version=1)
    assert await backplane.directory.replace(record("s", at=6, version=1))
    assert not await backplane.directory.replace(record("s", version=7))
    assert not await backplane.directory.replace(record("never"))
    assert await backplane.directory.get("never") is None


async def test_replacers_at_once_have_one_winner(backplane: Backplane) -> None:
    await backplane.directory.create(record("s"))
    done = await asyncio.gather(*(backplane.directory.replace(record("s", at=n)) for n in range(1, 21)))
    assert sum(done) == 1


async def test_list_is_newest_first_and_pages(backplane: Backplane) -> None:
    for at in (3, 1, 5, 2, 4):
        await backplane.directory.create(record(f"s{at}", at=at))
    assert await listed(backplane, "ann") == ["s5", "s4", "s3", "s2", "s1"]
    assert await listed(backplane, "ann", limit=2) == ["s5", "s4"]
    assert await listed(backplane, "ann", before=4, limit=2) == ["s3", "s2"]
    assert await listed(backplane, "ann", before=1) == []
    assert await listed(backplane, "ann", limit=0) == []
    found = await backplane.directory.list("ann", before=None, limit=1)
    assert found == [record("s5", at=5)]


async def test_list_follows_updates_and_members(backplane: Backplane) -> None:
    await backplane.directory.create(record("a", at=1, members={"ann": "owner", "bob": "editor"}))
    await backplane.directory.create(record("b", at=2))
    assert await listed(backplane, "bob") == ["a"]
    await backplane.directory.replace(record("a", at=3, members={"ann": "owner", "cat": "viewer"}))
    assert await listed(backplane, "ann") == ["a", "b"]
    assert await listed(backplane, "bob") == []
    assert await listed(backplane, "cat") == ["a"]
    assert await listed(backplane, "nobody") == []


async def test_owner_lists_a_session_that_has_no_members(backplane: Backplane) -> None:
    await backplane.directory.create(record("s", owner="ann", members={}))
    assert await listed(backplane, "ann") == ["s"]


async def test_deleted_session_is_gone_and_can_be_made_anew(backplane: Backplane) -> None:
    await backplane.directory.create(record("s", at=1))
    assert await backplane.directory.delete("s")
    assert not await backplane.directory.delete("s")
    assert await backplane.directory.get("s") is None
    assert await listed(backplane, "ann") == []
    assert not await backplane.directory.replace(record("s"))
    assert await backplane.directory.create(record("s", owner="bob")) == record("s", owner="bob")
    assert await listed(backplane, "ann") == []
    assert await listed(backplane, "bob") == ["s"]

"""SetPresence and `Presence` as clients use them, on one node in memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from hub.app import Hubline
from hub.config import load
from hub.errors import HubError
from hub.server.auth import User
from hub.server.testing import TestClient

ANN = User(id="ann", organisation="north")
BOB = User(id="bob", organisation="north")
SETTINGS = {"backplane": "memory://", "presence_gather_s": 0.001, "presence_grace_s": 0.05}


def app_with(**settings: object) -> Hubline:
    return Hubline(settings=load({**SETTINGS, **settings}))


async def opened(client: TestClient) -> str:
    answer = await client.invoke("OpenSession", {"title": "Plans"})
    assert isinstance(answer, dict)
    assert "presence" in answer["features"] and answer["limits"]["presenceBytes"] == 4096
    return str(answer["sessionId"])


@asynccontextmanager
async def watching(client: TestClient, session_id: str) -> AsyncIterator[asyncio.Task[None]]:
    snapshot = asyncio.Event()

    async def watch() -> None:
        async for _ in client.stream("Watch", session_id, None):
            snapshot.set()

    task = asyncio.create_task(watch())
    await snapshot.wait()
    yield task
    task.cancel()
    await asyncio.wait([task])


async def told(client: TestClient) -> dict[str, object]:
    async with asyncio.timeout(30):
        argument = (await client.next("Presence"))[0]
    assert isinstance(argument, dict)
    return argument


async def test_all_who_watch_see_who_comes_what_they_do_and_who_goes() -> None:
    app = app_with()
    async with app.lifespan(), app.test_client(user=ANN) as ann:
        session_id = await opened(ann)
        await ann.invoke("ShareSession", session_id, "bob", "viewer")
        async with watching(ann, session_id):
            first = await told(ann)
            assert first["sessionId"] == session_id
            roster = first["roster"]
            assert isinstance(roster, list)
            assert [(one["role"], len(one["connections"])) for one in roster] == [("owner", 1)]
            async with app.test_client(user=BOB) as bob, watching(bob, session_id):
                roster = (await told(bob))["roster"]
                assert isinstance(roster, list)
                assert [one["role"] for one in roster] == ["owner", "viewer"]
                joined = (await told(ann))["joined"]
                assert joined == [roster[1]]
                await bob.invoke("SetPresence", session_id, {"typing": True, "anchor": None})
                for each in (ann, bob):
                    updated = (await told(each))["updated"]
                    assert isinstance(updated, list)
                    assert updated[0]["connections"][0]["state"] == {"typing": True, "anchor": None}
            assert await told(ann) == {
                "sessionId": session_id,
                "joined": [],
                "updated": [],
                "left": [roster[1]["user"]],
            }


async def test_who_is_taken_out_is_gone_and_told_no_more() -> None:
    app = app_with()
    async with app.lifespan(), app.test_client(user=ANN) as ann, app.test_client(user=BOB) as bob:
        session_id = await opened(ann)
        await ann.invoke("ShareSession", session_id, "bob", "viewer")
        async with watching(ann, session_id), watching(bob, session_id) as ended:
            while "bob" not in str(await told(ann)):
                pass
            await told(bob)
            await ann.invoke("ShareSession", session_id, "bob", "editor")
            updated = (await told(bob))["updated"]
            assert isinstance(updated, list)
            assert updated[0]["role"] == "editor"
            assert (await told(ann))["updated"] == updated
            await ann.invoke("UnshareSession", session_id, "bob")
            assert (await told(ann))["left"] == [updated[0]["user"]]
            await asyncio.wait_for(ended, 30)
            with pytest.raises(HubError, match=r"\[forbidden\]"):
                await bob.invoke("SetPresence", session_id, {})
            await ann.invoke("SetPresence", session_id, {"typing": True})
            assert (await told(ann))["updated"]
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0):
                    await bob.next("Presence")


async def test_presence_ends_with_the_session() -> None:
    app = app_with()
    async with app.lifespan(), app.test_client(user=ANN) as ann:
        session_id = await opened(ann)
        async with watching(ann, session_id) as ended:
            await told(ann)
            await ann.invoke("DeleteSession", session_id)
            await asyncio.wait_for(ended, 30)
        with pytest.raises(HubError, match=r"\[session_not_found\]"):
            await ann.invoke("SetPresence", session_id, {})


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"text": "x" * 4096}, r"\[too_large\] The state has 4107 bytes as JSON, over the limit of 4096"),
        ([1], r"\[invalid_arguments\] state"),
        ("typing", r"\[invalid_arguments\] state"),
        (None, r"\[invalid_arguments\] state"),
    ],
)
async def test_states_that_are_none_are_refused(state: object, expected: str) -> None:
    app = app_with()
    async with app.lifespan(), app.test_client(user=ANN) as ann:
        session_id = await opened(ann)
        async with watching(ann, session_id):
            with pytest.raises(HubError, match=expected):
                await ann.invoke("SetPresence", session_id, state)


async def test_a_state_may_be_nested_to_a_bound() -> None:
    app = app_with()
    deep: dict[str, object] = {}
    for _ in range(120):
        deep = {"a": deep}
    async with app.lifespan(), app.test_client(user=ANN) as ann:
        session_id = await opened(ann)
        async with watching(ann, session_id):
            with pytest.raises(HubError, match=r"\[invalid_arguments\] state: .*100"):
                await ann.invoke("SetPresence", session_id, deep)


async def test_states_have_a_rate_and_need_a_watch() -> None:
    app = app_with(max_presence_per_s=2)
    async with app.lifespan(), app.test_client(user=ANN) as ann:
        session_id = await opened(ann)
        for _ in range(2):
            with pytest.raises(HubError, match=r"\[conflict\]"):
                await ann.invoke("SetPresence", session_id, {})
        with pytest.raises(HubError, match=r"\[rate_limited\] .*max_presence_per_s is 2.*retry after"):
            await ann.invoke("SetPresence", session_id, {})


async def test_a_state_that_is_set_right_after_watch_is_called_holds() -> None:
    app = app_with()
    async with app.lifespan(), app.test_client(user=ANN) as ann:
        session_id = await opened(ann)
        task = asyncio.create_task(_drain(ann, session_id))
        await asyncio.sleep(0)  # Watch is sent
        await ann.invoke("SetPresence", session_id, {"typing": True})
        states: list[object] = []
        while states != [{"typing": True}]:
            change = await told(ann)
            several = change.get("roster", change.get("updated"))
            assert isinstance(several, list)
            states = [connection["state"] for one in several for connection in one["connections"]]
        task.cancel()
        await asyncio.wait([task])


async def _drain(client: TestClient, session_id: str) -> None:
    async for _ in client.stream("Watch", session_id, None):
        pass

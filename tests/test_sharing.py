"""ShareSession and UnshareSession as clients call them: users are those of the caller's organisation."""

import pytest

from hub.app import Hubline
from hub.errors import HubError
from hub.server.auth import User
from hub.server.testing import TestClient

ANN = User(id="ann", organisation="north")
BOB = User(id="bob", organisation="north")
STRANGER = User(id="bob", organisation="south")


async def opened(client: TestClient) -> str:
    answer = await client.invoke("OpenSession", {"title": "Plans"})
    assert isinstance(answer, dict)
    return str(answer["sessionId"])


async def titles(client: TestClient) -> list[str]:
    answer = await client.invoke("ListSessions")
    assert isinstance(answer, dict)
    return [session["title"] for session in answer["sessions"]]


async def test_a_session_is_shared_within_an_organisation() -> None:
    app = Hubline(backplane="memory://")
    async with (
        app.lifespan(),
        app.test_client(user=ANN) as ann,
        app.test_client(user=BOB) as bob,
        app.test_client(user=STRANGER) as stranger,
    ):
        session_id = await opened(ann)
        shared = await ann.invoke("ShareSession", session_id, "bob", "viewer")
        assert isinstance(shared, dict)
        assert [member["role"] for member in shared["participants"]] == ["owner", "viewer"]
        joined = await bob.invoke("OpenSession", {"sessionId": session_id})
        assert isinstance(joined, dict)
        assert joined["role"] == "viewer"
        assert (await titles(bob), await titles(stranger)) == (["Plans"], [])
        with pytest.raises(HubError, match=r"\[forbidden\]"):
            await stranger.invoke("GetSession", session_id)
        await ann.invoke("UnshareSession", session_id, "bob")
        with pytest.raises(HubError, match=r"\[forbidden\]"):
            await bob.invoke("History", session_id)


@pytest.mark.parametrize(("user", "role"), [("bob", "owner"), ("bob", "king"), ("", "viewer")])
async def test_what_cannot_be_shared_is_said(user: str, role: str) -> None:
    app = Hubline(backplane="memory://")
    async with app.lifespan(), app.test_client(user=ANN) as ann:
        session_id = await opened(ann)
        with pytest.raises(HubError, match=r"\[invalid_arguments\]"):
            await ann.invoke("ShareSession", session_id, user, role)

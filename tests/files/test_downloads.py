"""Files over HTTP, as messages refer to them."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.requests import HTTPConnection

from hub.app import Hubline
from hub.errors import HubError
from hub.server.auth import User
from hub.server.testing import TestClient
from tests.files.uploading import PNG, opened, upload


def who(request: HTTPConnection) -> User | None:
    name = request.headers.get("authorization", "").removeprefix("Bearer ")
    return User(id=name) if name else None


@pytest.fixture
async def app() -> AsyncIterator[Hubline]:
    app = Hubline(backplane="memory://", authenticate=who, demo_pace=0)
    async with app.lifespan():
        yield app


@pytest.fixture
async def ann(app: Hubline) -> AsyncIterator[TestClient]:
    async with app.test_client(user="ann") as client:
        await opened(client)
        yield client


@pytest.fixture
async def http(app: Hubline) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://127.0.0.1") as client:
        yield client


def as_user(name: str) -> dict[str, str]:
    return {"authorization": f"Bearer {name}"}


async def test_a_file_is_given_as_it_came_and_never_as_a_page(ann: TestClient, http: httpx2.AsyncClient) -> None:
    file_id = await upload(ann, PNG, name='\u00dcber "1".png')
    answer = await http.get(f"/files/s/{file_id}", headers=as_user("ann"))
    assert (answer.status_code, answer.content) == (200, PNG)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"].startswith("private")
    expected = "attachment; filename=\"_ber _1_.png\"; filename*=UTF-8''%C3%9Cber%20%221%22.png"
    assert answer.headers["content-disposition"] == expected
    head = await http.head(f"/files/s/{file_id}", headers=as_user("ann"))
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(PNG)))


async def test_only_who_sees_the_session_gets_its_files(ann: TestClient, http: httpx2.AsyncClient) -> None:
    file_id = await upload(ann, PNG)
    assert (await http.get(f"/files/s/{file_id}")).status_code == 401
    assert (await http.get(f"/files/s/{file_id}", headers=as_user("bob"))).status_code == 403
    await ann.invoke("ShareSession", "s", "bob", "viewer")
    assert (await http.get(f"/files/s/{file_id}", headers=as_user("bob"))).status_code == 200
    assert (await http.get("/files/s/other", headers=as_user("ann"))).status_code == 404
    assert (await http.get(f"/files/t/{file_id}", headers=as_user("ann"))).status_code == 404
    await ann.invoke("DeleteSession", "s")
    await opened(ann)
    assert (await http.get(f"/files/s/{file_id}", headers=as_user("ann"))).status_code == 404


async def test_a_message_refers_to_files_and_history_has_the_references(ann: TestClient) -> None:
    file_id = await upload(ann, PNG)
    content = [{"type": "text", "text": "What is this?"}, {"type": "image", "fileId": file_id}]
    chat = ann.stream("Chat", "s", {"messageId": "m1", "content": content})
    assert [event async for event in chat][-1]["type"] == "done"  # type: ignore[index]  # an event is an object
    page = await ann.invoke("History", "s")
    assert isinstance(page, dict)
    asked = page["messages"][0]["parts"]
    assert asked[0] == {"type": "text", "text": "What is this?"}
    assert asked[1] == {
        "type": "file",
        "fileId": file_id,
        "name": "dot.png",
        "mediaType": "image/png",
        "size": len(PNG),
    }
    repeated = await ann.invoke("SendMessage", "s", {"messageId": "m1", "content": content})
    assert isinstance(repeated, dict) and repeated["messageId"] == "m1"
    with pytest.raises(HubError, match=r"\[conflict\]"):
        await ann.invoke("SendMessage", "s", {"messageId": "m1", "content": content[:1]})


@pytest.mark.parametrize(
    "part", [{"type": "file", "fileId": "other"}, {"type": "file"}, {"type": "video", "fileId": "x"}]
)
async def test_a_file_that_is_not_there_is_refused(ann: TestClient, part: dict[str, str]) -> None:
    with pytest.raises(HubError, match=r"\[invalid_arguments\]"):
        await ann.invoke("SendMessage", "s", {"messageId": "m1", "content": [part]})


async def test_a_file_of_another_session_is_refused(ann: TestClient) -> None:
    file_id = await upload(ann, PNG)
    await ann.invoke("OpenSession", {"sessionId": "t"})
    with pytest.raises(HubError, match=r"\[invalid_arguments\] There is no file"):
        await ann.invoke("SendMessage", "t", {"messageId": "m1", "content": [{"type": "file", "fileId": file_id}]})

"""Sessions over HTTP: opened, listed, read, deleted."""

import asyncio

from tests.api.serving import Api, Client, both_stores, serving
from tests.runs.scripted import says


@both_stores
async def test_a_session_is_created_joined_read_listed_and_deleted(api: Api, ann: Client) -> None:
    created = await ann.http.post("/api/sessions", json={"title": "Plans", "session_id": None})
    assert created.status_code == 201
    assert created.headers["cache-control"] == "no-store"
    opened = created.json()
    address = created.headers["location"]
    assert address == f"/api/sessions/{opened['sessionId']}"
    assert (opened["role"], opened["offset"], opened["session"]["title"]) == ("owner", 0, "Plans")
    joined = await ann.ask("POST", "/sessions", {"sessionId": opened["sessionId"]})
    assert joined == opened
    assert (await ann.http.get(address)).json() == opened["session"]
    assert await ann.ask("GET", "/sessions") == {"sessions": [opened["session"]], "hasMore": False}
    async with api.client("bob") as bob:
        assert await bob.ask("GET", "/sessions") == {"sessions": [], "hasMore": False}
        await bob.problem(403, "forbidden", "GET", address.removeprefix("/api"))
        await bob.problem(403, "forbidden", "DELETE", address.removeprefix("/api"))
    assert (await ann.http.delete(address)).json() == opened["session"]
    await ann.problem(404, "session_not_found", "GET", address.removeprefix("/api"))


async def test_without_a_body_it_is_a_session_as_the_hub_makes_it(ann: Client) -> None:
    made = await ann.http.post("/api/sessions")
    assert made.status_code == 201
    assert made.json()["session"]["autonomy"] == "agent-default"


@both_stores
async def test_pages_follow_each_other(ann: Client) -> None:
    for number in range(5):
        await ann.open(f"ses{number}")
        await asyncio.sleep(0.002)  # their times tell them apart
    first = await ann.ask("GET", "/sessions?limit=2")
    sessions = first["sessions"]
    assert isinstance(sessions, list)
    assert ([one["sessionId"] for one in sessions], first["hasMore"]) == (["ses4", "ses3"], True)
    rest = await ann.ask("GET", f"/sessions?limit=50&before={sessions[-1]['updatedAt']}")
    others = rest["sessions"]
    assert isinstance(others, list)
    assert ([one["sessionId"] for one in others], rest["hasMore"]) == (["ses2", "ses1", "ses0"], False)


async def test_head_says_what_get_would_without_its_body(ann: Client) -> None:
    await ann.open()
    got, head = await ann.http.get("/api/sessions/ses"), await ann.http.head("/api/sessions/ses")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(got.content))


async def test_what_is_asked_over_http_is_seen_over_the_hub() -> None:
    async with serving() as api, api.client("ann") as ann, api.app.test_client(user="ann") as hub:
        await ann.open()
        api.provider.scripts.append(says("one"))
        answer = await ann.ask("POST", "/sessions/ses/messages", {"messageId": "m1", "content": "hello"})
        page = await hub.invoke("History", "ses")
        assert isinstance(page, dict)
        assert [message["messageId"] for message in page["messages"]] == ["m1", answer["messageId"]]
        assert page["messages"][1] == answer

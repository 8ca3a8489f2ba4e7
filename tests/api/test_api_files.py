"""Files over plain HTTP: taken in and given out by the rules of the hub."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount
from starlette.types import Message

from hub.api.problems import Problem
from hub.api.requests import read_file
from tests.api.serving import Api, Client, serving
from tests.api.test_api_mounted import hubline, under_uvicorn
from tests.files.uploading import PNG
from tests.runs.scripted import ScriptedProvider
from tests.server.wire import until

FILES = "/api/sessions/ses/files"
PAGE = "https://app.example"


async def sent(
    client: Client, content: bytes | AsyncIterator[bytes], media_type: str = "image/png", **query: str
) -> httpx2.Response:
    return await client.http.post(FILES, content=content, headers={"content-type": media_type}, params=query)


async def refused(client: Client, status: int, code: str, content: bytes | AsyncIterator[bytes], kind: str) -> str:
    answer = await sent(client, content, kind)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert answer.json()["code"] == code
    return str(answer.json()["detail"])


async def in_pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def test_a_file_is_taken_asked_about_and_given_out_again(ann: Client) -> None:
    opened = await ann.open()
    assert opened["limits"]["fileBytes"] == 20 << 20  # type: ignore[index]  # an object
    answer = await sent(ann, PNG, name="../Kä se.png")
    assert answer.status_code == 201, answer.text
    stored = answer.json()
    expected = {"fileId": stored["fileId"], "name": "Kä se.png", "mediaType": "image/png", "size": len(PNG)}
    assert stored == expected
    assert answer.headers["location"] == f"/files/ses/{stored['fileId']}"
    content = [{"type": "text", "text": "What is it?"}, {"type": "image", "fileId": stored["fileId"]}]
    message = await ann.ask("POST", "/sessions/ses/messages", {"content": content})
    assert message["status"] == "complete"
    got = await ann.http.get(answer.headers["location"])
    assert (got.status_code, got.content, got.headers["content-type"]) == (200, PNG, "image/png")


async def test_a_file_of_unknown_length_is_taken(ann: Client) -> None:
    await ann.open()
    answer = await sent(ann, in_pieces(PNG[:20], PNG[20:]), "image/png; name=x")
    assert (answer.status_code, answer.json()["size"], answer.json()["name"]) == (201, len(PNG), "file")


async def test_only_who_may_write_adds_files(api: Api, ann: Client) -> None:
    await ann.open()
    async with api.client("bob") as bob, api.client("") as nobody:
        await refused(bob, 403, "forbidden", PNG, "image/png")
        del nobody.http.headers["authorization"]
        await refused(nobody, 401, "unauthorized", PNG, "image/png")
    await ann.ask("DELETE", "/sessions/ses")
    await refused(ann, 404, "session_not_found", PNG, "image/png")


async def test_what_does_not_fit_is_refused() -> None:
    async with serving(max_file_bytes=2000, max_session_files_bytes=3000) as api, api.client() as ann:
        await ann.open()
        assert "Content-Type" in await refused(ann, 415, "unsupported_media_type", PNG, "text/html")
        assert "are no image/jpeg" in await refused(ann, 400, "invalid_arguments", PNG, "image/jpeg")
        assert "empty" in await refused(ann, 400, "invalid_arguments", b"", "text/plain")
        assert "max_file_bytes" in await refused(ann, 413, "too_large", b"x" * 2001, "text/plain")
        assert "max_file_bytes" in await refused(ann, 413, "too_large", in_pieces(b"x" * 1500, b"x" * 501), "text/csv")
        assert (await sent(ann, b"x" * 2000, "text/plain")).status_code == 201
        assert "max_session_files_bytes" in await refused(ann, 413, "too_large", b"x" * 1001, "text/plain")
        packed = await ann.http.post(
            FILES, content=PNG, headers={"content-type": "image/png", "content-encoding": "gzip"}
        )
        assert packed.status_code == 415
        long = await sent(ann, PNG, name="x" * 1001)
        assert (long.status_code, long.json()["code"]) == (400, "invalid_arguments")


async def test_a_user_sends_few_files_at_once(api: Api, ann: Client) -> None:
    await ann.open()
    silent = asyncio.Event()

    async def stalls() -> AsyncIterator[bytes]:
        yield PNG[:20]
        await silent.wait()
        yield PNG[20:]

    async with asyncio.TaskGroup() as group:
        uploads = [group.create_task(sent(ann, stalls())) for _ in range(4)]
        under_way = api.app._downloads._files._under_way  # nothing else tells that they have begun
        await until(lambda: under_way.total() == len(uploads), 30)
        assert "uploads of yours" in await refused(ann, 429, "rate_limited", PNG, "image/png")
        silent.set()
    assert [upload.result().status_code for upload in uploads] == [201] * 4


async def test_pages_of_known_origins_add_and_read_files() -> None:
    async with serving(allowed_origins=[PAGE]) as api, api.client() as ann:
        await ann.open()
        stored = await sent(ann, PNG)
        path = stored.headers["location"]
        for place, method in ((FILES, "POST"), (path, "GET")):
            asked = {"origin": PAGE, "access-control-request-method": method}
            asked["access-control-request-headers"] = "authorization,content-type"
            preflight = await ann.http.options(place, headers=asked)
            assert preflight.status_code == 204
            assert preflight.headers["access-control-allow-origin"] == PAGE
            assert "authorization" in preflight.headers["access-control-allow-headers"]
        got = await ann.http.get(path, headers={"origin": PAGE})
        assert got.headers["access-control-allow-origin"] == PAGE
        assert got.headers.get_list("vary") == ["Authorization, Cookie, Origin"]
        elsewhere = await ann.http.get(path, headers={"origin": "https://evil.example"})
        assert (elsewhere.status_code, elsewhere.json()["code"]) == (403, "forbidden")
        assert "access-control-allow-origin" not in elsewhere.headers


async def test_a_download_is_only_got(ann: Client) -> None:
    await ann.open()
    path = (await sent(ann, PNG)).headers["location"]
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = await ann.http.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD"), method
        assert answer.json()["code"] == "method_not_allowed"


async def test_under_a_path_files_are_below_it() -> None:
    app = hubline(ScriptedProvider())
    house = Starlette(routes=[Mount("/ai/now", app)], lifespan=app.lifespan)
    async with under_uvicorn(house, "/ai/now") as ann:
        await ann.http.post("/api/sessions", json={"sessionId": "ses"})
        answer = await ann.http.post(FILES, content=PNG, headers={"content-type": "image/png"})
        assert answer.headers["location"].startswith("/ai/now/files/ses/")
        origin = str(ann.http.base_url).removesuffix("/ai/now/")
        assert (await ann.http.get(f"{origin}{answer.headers['location']}")).content == PNG


async def test_a_file_that_does_not_come_is_not_waited_for() -> None:
    async def never() -> Message:
        return await asyncio.Future()

    with pytest.raises(Problem) as caught:
        await read_file(Request({"type": "http", "headers": []}, never), max_bytes=10, stall_s=0.01, longest_s=60)
    assert (caught.value.status, caught.value.code) == (408, "too_slow")
    assert "Nothing of the file came" in str(caught.value)


async def test_a_file_that_trickles_is_not_waited_for() -> None:
    async def trickle() -> Message:
        await asyncio.sleep(0)
        return {"type": "http.request", "body": b"", "more_body": True}

    with pytest.raises(Problem) as caught:
        await read_file(Request({"type": "http", "headers": []}, trickle), max_bytes=10, stall_s=60, longest_s=0.01)
    assert (caught.value.status, caught.value.code) == (408, "too_slow")
    assert "It may take" in str(caught.value)


async def test_a_file_that_has_no_room_is_refused_before_it_is_read() -> None:
    async def never() -> Message:
        return await asyncio.Future()

    answer: list[Message] = []

    async def send(message: Message) -> None:
        answer.append(message)

    async with serving(max_file_bytes=2000, max_session_files_bytes=3000) as api, api.client() as ann:
        await ann.open()
        assert (await sent(ann, b"x" * 2000, "text/plain")).status_code == 201
        headers = {**ann.http.headers, "content-type": "text/plain", "content-length": "1001", "host": "127.0.0.1"}
        scope = {"type": "http", "method": "POST", "path": FILES, "raw_path": FILES.encode(), "query_string": b""}
        scope |= {"headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()]}
        scope |= {"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "scheme": "http"}
        await api.app({**scope, "http_version": "1.1", "root_path": ""}, never, send)
    assert answer[0]["status"] == 413 and b"max_session_files_bytes" in answer[1]["body"]

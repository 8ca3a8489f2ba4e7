"""`POST {hub}/refresh` (N7), under a real uvicorn: what negotiation says of a token, and newer ones for connections."""

import json
import time
from collections.abc import AsyncIterator

import pytest
from starlette.requests import HTTPConnection
from websockets.asyncio.client import connect

from hub.server.auth import User, bearer_token
from hub.server.auth.authorize import authorize
from hub.server.hub import Hub
from hub.server.options import HubOptions, ServerLimits
from hub.server.server import HubServer
from tests.server.live import RawClient, serve_live
from tests.server.raw_http import Answer, ask, negotiated, token


@authorize(check=lambda asked: "banned" not in asked.user.roles)
class Desk(Hub):
    async def roles(self) -> list[str]:
        return sorted(self.context.user.roles)


def authenticate(request: HTTPConnection) -> User | None:
    """A token says: user, seconds (or nothing), role."""
    found = (bearer_token(request) or "").split(".")
    if len(found) != 3:
        return None
    user, seconds, role = found
    expires_at = int((time.time() + float(seconds)) * 1000) if seconds else None
    return User(id=user, roles=frozenset({role}), expires_at=expires_at)


@pytest.fixture
async def address() -> AsyncIterator[str]:
    server = HubServer(
        authenticate=authenticate, limits=ServerLimits(tick_s=0.01), allowed_origins=["https://a.example"]
    )
    server.add("/hub", Desk, HubOptions(token_warning_s=0))
    server.add("/off", Desk, HubOptions(authentication_refresh=False))
    await server.start()
    async with serve_live(server) as address:
        yield address


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


async def refresh(address: str, key: str | None, text: str | None, method: str = "POST", **headers: str) -> Answer:
    query = "" if key is None else f"?id={key}"
    return await ask(address, method, f"/hub/refresh{query}", b"", **(bearer(text) if text else {}), **headers)


async def test_negotiation_says_how_long_the_token_lasts(address: str) -> None:
    new = await ask(address, "POST", "/hub/negotiate?negotiateVersion=1", b"", **bearer("ann.100.a"))
    assert json.loads(new.body)["tokenLifetimeSeconds"] in (99, 100)
    assert "tokenLifetimeSeconds" not in await negotiated(address, **bearer("ann..a"))
    far = await ask(address, "POST", "/hub/negotiate?negotiateVersion=1", b"", **bearer("ann.9999999999.a"))
    assert json.loads(far.body)["tokenLifetimeSeconds"] == 2**31 - 1
    old = await ask(address, "POST", "/hub/negotiate", b"", **bearer("ann.100.a"))
    assert "tokenLifetimeSeconds" not in json.loads(old.body)  # version 0
    off = await ask(address, "POST", "/off/negotiate?negotiateVersion=1", b"", **bearer("ann.100.a"))
    assert "tokenLifetimeSeconds" not in json.loads(off.body)
    assert (await ask(address, "POST", "/off/refresh?id=x", b"", **bearer("ann.100.a"))).status == 404


async def test_a_connection_goes_on_by_the_newest_token(address: str) -> None:
    key = await token(address, **bearer("ann.50.old"))
    async with connect(f"ws://{address}/hub?id={key}", additional_headers=bearer("ann.50.old")) as socket:
        client = RawClient(socket)
        await client.handshake()
        answer = await refresh(address, key, "ann.100.new")
        assert answer.status == 200
        assert answer.headers["content-type"] == "application/json"
        assert json.loads(answer.body)["tokenLifetimeSeconds"] in (99, 100)
        await client.write({"type": 1, "invocationId": "1", "target": "roles", "arguments": []})
        assert (await client.read())["result"] == ["new"]
        answer = await refresh(address, key, "ann..endless")
        assert (answer.status, json.loads(answer.body)) == (200, {})
        await refresh(address, key, "ann.0.last")
        assert (await client.read())["type"] == 7  # the newest token counts, and that one has ended


async def test_who_is_refused(address: str) -> None:
    key = await token(address, **bearer("ann.100.a"))
    assert (await refresh(address, key, "ann.100.a")).status == 404  # not connected yet
    path = f"/hub?id={key}"
    assert (await ask(address, "GET", path, None, **bearer("ann.100.a"))).status == 200
    answers = {
        400: await refresh(address, None, "ann.100.a"),
        401: await refresh(address, key, None),
        403: await refresh(address, key, "bob.100.a"),
        404: await refresh(address, "x" * 64, "ann.100.a"),
    }
    for status, answer in answers.items():
        assert answer.status == status
        assert list(json.loads(answer.body)) == ["error"]
    assert (await refresh(address, key, "ann.100.banned")).status == 403
    for method in ("GET", "PUT", "DELETE", "OPTIONS"):
        refused = await refresh(address, key, "ann.100.a", method)
        assert (refused.status, refused.headers["allow"]) == (405, "POST")
    assert (await refresh(address, key, "ann.100.b")).status == 200
    assert (await ask(address, "DELETE", path, None, **bearer("ann.100.b"))).status == 202
    assert (await refresh(address, key, "ann.100.b")).status == 404


async def test_pages_of_other_origins(address: str) -> None:
    asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    answer = await ask(address, "OPTIONS", "/hub/refresh?id=x", None, **asked)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (204, "https://a.example")
    assert (await refresh(address, "x", "ann..a", Origin="https://evil.example")).status in (403, 404)

"""Who may ask, from which page, how often and how much: the rules of the hub."""

import asyncio
from pathlib import Path
from typing import get_args

import httpx2
import pytest
from starlette.requests import Request

from hub.api.door import Door
from hub.api.refusals import STATUS_OF_CODE, problem_of
from hub.errors import CallCode, CallError
from hub.server.hub import Hub
from hub.server.options import HubOptions, ServerLimits
from hub.server.server import HubServer
from tests.api.serving import Api, Client, by_name, serving
from tests.running import running
from tests.server.auth.signing import SECRET, hs256
from tests.server.raw_http import Exchange, ask

MESSAGES, EVENTS = "/sessions/ses/messages", "/sessions/ses/events"
AS_ANN = {"Authorization": "Bearer ann", "Content-Type": "application/json"}
PAGE, ELSEWHERE = "https://app.example", "https://evil.example"


async def test_without_a_token_nothing_is_told(api: Api) -> None:
    async with api.client("") as nobody:
        del nobody.http.headers["authorization"]
        await nobody.problem(401, "unauthorized", "GET", "/sessions")
        answer = await nobody.http.post("/api/sessions", json={})
        assert answer.headers["www-authenticate"].startswith("Bearer")
        listed = await nobody.http.get("/api/sessions", params={"access_token": "ann"})
        assert listed.status_code == 200  # EventSource cannot send headers


async def test_what_is_not_there_and_what_is_not_allowed(ann: Client) -> None:
    for path in (
        "",
        "/",
        "/session",
        "/sessions/",
        "/sessions/ses/unknown",
        "/sessions//events",
        "/sessions/ses/runs/",
    ):
        for method in ("GET", "POST"):
            assert "/api/openapi.json" in await ann.problem(404, "not_found", method, path)
    for method, path, allowed in (
        ("PUT", "/sessions", "POST, GET, HEAD"),
        ("PATCH", "/sessions/ses", "GET, HEAD, DELETE"),
        ("GET", MESSAGES, "POST"),
        ("HEAD", EVENTS, "GET"),
        ("OPTIONS", MESSAGES, "POST"),
        ("TRACE", EVENTS, "GET"),
        ("POST", "/openapi.json", "GET, HEAD"),
    ):
        answer = await ann.http.request(method, f"/api{path}", headers={"x-http-method-override": "GET"})
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed), (method, path)
        if method != "HEAD":
            assert answer.json()["code"] == "method_not_allowed"


async def test_a_socket_finds_nothing_there(api: Api) -> None:
    upgrade = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip
    assert (await ask(api.host, "GET", "/api/sessions/ses/events", None, **upgrade)).status == 403


async def test_bodies_that_do_not_fit(api: Api, ann: Client) -> None:
    await ann.open()
    for path, body, says_what in (
        (MESSAGES, {}, "no content"),
        (MESSAGES, {"content": "hi", "maxSteps": 0}, "maxSteps"),
        (MESSAGES, {"content": [{"type": "image"}]}, "content"),
        (MESSAGES, [], "object"),
        (MESSAGES, "hi", "object"),
        ("/sessions", {"sessionId": "a b"}, "sessionId"),
        ("/sessions/ses/approvals/call", {}, "approve"),
        ("/sessions/ses/stop", {"queued": "maybe"}, "queued"),
    ):
        assert says_what in await ann.problem(400, "invalid_arguments", "POST", path, body), (path, body)
    assert "limit" in await ann.problem(400, "invalid_arguments", "GET", "/sessions?limit=x")
    path = f"/api{MESSAGES}"
    for content, kind, status, code in (
        (b'{"content": ', "application/json", 400, "invalid_arguments"),
        (b"\xff\xfe", "application/json", 400, "invalid_arguments"),
        (b"[" * 5000, "application/json", 400, "invalid_arguments"),
        (b'{"content": "hi"}', "text/plain", 415, "unsupported_media_type"),
        (b"content=hi", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b'{"content": "hi"}', "application/json; charset=latin-1", 415, "unsupported_media_type"),
    ):
        answer = await ask(api.host, "POST", path, content, **{**AS_ANN, "Content-Type": kind})
        assert (answer.status, code in answer.body.decode()) == (status, True), (content, answer.text)
    packed = await ask(api.host, "POST", path, b"{}", **{**AS_ANN, "Content-Encoding": "gzip"})
    assert packed.status == 415
    assert not api.provider.streams


async def test_a_body_that_is_too_large_is_not_read() -> None:
    async with serving(max_receive_bytes=2000) as api, api.client() as ann:
        await ann.open()
        detail = await ann.problem(413, "too_large", "POST", MESSAGES, {"content": "x" * 2000})
        assert "max_receive_bytes" in detail
        head = {**AS_ANN, "Content-Length": "1000000"}  # announced, and never sent
        async with asyncio.timeout(10), Exchange(api.host, "POST", f"/api{MESSAGES}", None, head) as announced:
            assert (await announced.head()).status == 413
        head = {**AS_ANN, "Transfer-Encoding": "chunked"}
        async with asyncio.timeout(10), Exchange(api.host, "POST", f"/api{MESSAGES}", None, head) as endless:
            endless.writer.write(b"400\r\n%b\r\n" % (b" " * 1024) * 3)
            assert (await endless.head()).status == 413
            assert await endless.body()
            assert endless.headers["connection"] == "close"


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async with serving(client_timeout_s=0.5) as api, api.client() as ann:
        await ann.open()
        head = {**AS_ANN, "Content-Length": "10"}
        async with asyncio.timeout(10), Exchange(api.host, "POST", f"/api{MESSAGES}", None, head) as slow:
            slow.writer.write(b"{")
            assert (await slow.head()).status == 408


async def test_connections_of_a_user_are_counted_with_their_streams() -> None:
    async with serving(max_connections_per_user=1) as api, api.client() as ann, api.client("bob") as bob:
        await ann.open()
        async with ann.events(EVENTS) as stream:
            await stream.until("snapshot")
            answer = await ann.http.get("/api/sessions/ses/events")
            assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
            assert int(answer.headers["retry-after"]) >= 1
            await ann.problem(429, "rate_limited", "POST", MESSAGES, {"content": "hi"})
            await ann.ask("GET", "/sessions/ses")  # what is answered at once counts for none
            await bob.open("another")
        async with asyncio.timeout(30):
            while await api.metric("hubline_connections "):
                pass
        page = await ann.ask("POST", MESSAGES, {"content": "hi again"})
        assert page["status"] == "complete"
        assert len(api.provider.streams) == 1  # who was refused had asked for nothing


class Nothing(Hub[object]):
    """A hub is needed for its options."""


async def test_rates_are_those_of_calls() -> None:
    limits = ServerLimits(max_user_invocations_per_s=0.001, user_invocation_burst=3)
    server = HubServer(authenticate=by_name, limits=limits)
    server.add("/hub", Nothing, HubOptions(max_invocations_per_s=0.001, invocation_burst=2))
    server.add("/other", Nothing, HubOptions(max_invocations_per_s=0))
    request = Request(
        {
            "type": "http", "method": "GET", "path": "/", "query_string": b"", "client": ("127.0.0.1", 1),
            "headers": [(b"authorization", b"Bearer ann")],
        }
    )  # fmt: skip
    async with server.lifespan(None):
        door = Door(server, server.served("/hub"))
        for opens in (True, False):
            assert (await door.admit(request, immediate=False, opens=opens)).id == "ann"
        with pytest.raises(CallError) as refused:
            await door.admit(request, immediate=False, opens=False)
        await door.admit(request, immediate=True, opens=False)  # Stop gets through
        assert "max_invocations_per_s is 0.001" in str(refused.value)
        problem = problem_of(refused.value)
        assert (problem.status, problem.code) == (429, "rate_limited")
        assert 990 <= int(problem.headers["retry-after"]) <= 1000
        # All that a user does counts together, at the hub too.
        shared = Door(server, server.served("/other"))
        with pytest.raises(CallError, match="max_user_invocations_per_s") as refused:
            for _ in range(4):
                await shared.admit(request, immediate=False, opens=False)
        await shared.admit(request, immediate=True, opens=False)


async def test_pages_of_elsewhere() -> None:
    async with serving(allowed_origins=PAGE) as api, api.client() as ann:
        wish = {
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,last-event-id",
        }
        asked = await ann.http.options(f"/api{MESSAGES}", headers={"origin": PAGE, **wish})
        assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (204, PAGE)
        assert asked.headers["access-control-allow-headers"] == "authorization,last-event-id"
        assert set(asked.headers["access-control-allow-methods"].split(", ")) >= {"GET", "POST", "DELETE"}
        assert asked.headers["vary"] == "Origin"
        other = await ann.http.options(f"/api{MESSAGES}", headers={"origin": ELSEWHERE, **wish})
        assert "access-control-allow-origin" not in other.headers
        refused = await ann.http.post("/api/sessions", json={}, headers={"origin": ELSEWHERE})
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        assert "access-control-allow-origin" not in refused.headers
        opened = await ann.http.post("/api/sessions", json={"sessionId": "ses"}, headers={"origin": PAGE})
        assert (opened.status_code, opened.headers["access-control-allow-origin"]) == (201, PAGE)
        assert "Location" in opened.headers["access-control-expose-headers"]
        problem = await ann.http.get("/api/sessions/none", headers={"origin": PAGE})
        assert (problem.status_code, problem.headers["access-control-allow-origin"]) == (404, PAGE)
        async with ann.events(EVENTS, origin=PAGE) as stream:
            assert stream.response.headers["access-control-allow-origin"] == PAGE
        own = await ann.http.get("/api/sessions", headers={"origin": f"http://{api.host}"})
        assert own.status_code == 200


def test_a_cookie_is_taken_from_known_pages_only(tmp_path: Path) -> None:
    flags = ("--backplane", "memory://", "--jwt-cookie", "hub", "--allowed-origins", PAGE)
    with running(tmp_path, *flags, environment={"HUBLINE_JWT_SECRET": SECRET}) as server:
        with httpx2.Client(base_url=server.url, cookies={"hub": hs256()}) as browser:
            for headers, status in (
                ({}, 403),  # a form of any page could send that
                ({"origin": ELSEWHERE}, 403),
                ({"origin": "null"}, 403),
                ({"sec-fetch-site": "cross-site"}, 403),
                ({"origin": PAGE}, 201),
                ({"sec-fetch-site": "same-origin"}, 201),
            ):
                assert browser.post("/api/sessions", headers=headers).status_code == status, headers


async def test_requests_are_counted(ann: Client, api: Api) -> None:
    await ann.open()
    for session_id in ("ses", "none", "none"):
        await ann.http.get(f"/api/sessions/{session_id}")
    await ann.http.request("PROPFIND", "/api/teapot")
    line = 'hubline_api_requests_total{method="GET",route="/sessions/{sessionId}",status='
    assert (await api.metric(f'{line}"200"}}'), await api.metric(f'{line}"404"}}')) == (1, 2)
    assert await api.metric('hubline_api_requests_total{method="other",route="none",status="404"}') == 1


async def test_what_breaks_here_is_told_as_that(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    async with api.client("nobody") as nobody:
        assert "torn" not in await nobody.problem(500, "internal_error", "GET", "/sessions")
    assert "the book of names is torn" in caplog.text


async def test_refusals_have_the_codes_of_the_hub(ann: Client) -> None:
    await ann.open()
    await ann.problem(400, "provider_not_allowed", "POST", MESSAGES, {"content": "hi", "provider": "none"})
    await ann.problem(404, "run_not_found", "POST", MESSAGES, {"content": "hi", "continues": "run_of_nobody"})
    await ann.problem(404, "message_not_found", "POST", MESSAGES, {"content": "hi", "replaces": "none"})


def test_every_code_of_the_hub_has_a_status() -> None:
    assert set(STATUS_OF_CODE) == set(get_args(CallCode))


async def test_advice_names_routes_of_the_api(ann: Client) -> None:
    detail = await ann.problem(404, "session_not_found", "GET", "/sessions/nosuch")
    assert detail == "There is no such session. Open one with POST /api/sessions."


async def test_a_field_that_there_is_not_is_refused_with_the_nearest(ann: Client) -> None:
    for path, body, said in (
        ("/sessions", {"sessionIdd": "tea"}, "sessionIdd: There is no such field; sessionId is the nearest."),
        ("/sessions", {"": 1}, ": There is no such field; these are there: title, provider, "),
        (MESSAGES, {"content": "hi", "max_step": None}, "max_step: There is no such field; maxSteps is the nearest."),
        ("/sessions/ses/stop", {"x" * 5000: 1}, f"{'x' * 100}: There is no such field; these are there: runId, "),
    ):
        assert said in await ann.problem(400, "invalid_arguments", "POST", path, body)
    assert (await ann.ask("POST", "/sessions", {"SESSION_ID": "tea"}, 201))["sessionId"] == "tea"

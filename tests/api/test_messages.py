"""Answers over HTTP: waited for, fetched later, or streamed; stopped, approved, made anew."""

import asyncio

import pytest

from tests.api.serving import Api, Client, both_stores, serving
from tests.runs.scripted import call, end, says
from tests.server.raw_http import Exchange

MESSAGES = "/sessions/ses/messages"


def text_of(message: object) -> str:
    assert isinstance(message, dict)
    return "".join(part["text"] for part in message["parts"] if part["type"] == "text")


async def answered(client: Client, run: dict[str, object]) -> dict[str, object]:
    """The run, once it is done."""
    async with asyncio.timeout(30):
        while True:
            found = await client.ask("GET", f"/sessions/ses/runs/{run['runId']}")
            if found["state"] == "done":
                return found


@both_stores
async def test_without_a_wish_the_finished_answer_comes(api: Api, ann: Client) -> None:
    await ann.open()
    api.provider.scripts.append(says("Hel", "lo"))
    answer = await ann.http.post("/api/sessions/ses/messages", json={"content": "hi", "context": {"sheet": "A"}})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    message = answer.json()
    assert (text_of(message), message["status"], message["role"]) == ("Hello", "complete", "assistant")
    assert "preference-applied" not in answer.headers
    run = (await ann.http.get(answer.headers["location"])).json()
    assert (run["state"], run["message"]) == ("done", message)
    assert run["message"]["messageId"] == run["messageId"]


async def test_who_waits_too_long_gets_the_address_of_the_run(api: Api, ann: Client) -> None:
    await ann.open()
    gate = asyncio.Event()
    api.provider.scripts.append([*says("one")[:-1], gate, *says(" two")])
    answer = await ann.http.post(
        "/api/sessions/ses/messages", json={"messageId": "m1", "content": "hi"}, headers={"prefer": "foo, wait=1; a=b"}
    )
    assert (answer.status_code, answer.headers["preference-applied"]) == (202, "wait=1")
    run = answer.json()
    assert (run["state"], run["replyTo"]) == ("running", "m1")
    address = answer.headers["location"]
    assert address == f"/api/sessions/ses/runs/{run['runId']}"
    async with asyncio.timeout(30):
        while text_of((await ann.http.get(address)).json().get("message", {"parts": []})) != "one":
            pass
    second = await ann.ask("POST", MESSAGES, {"content": "and?"}, 202, prefer="respond-async")
    assert (second["state"], "message" in second) == ("queued", False)
    gate.set()
    assert text_of((await answered(ann, run))["message"]) == "one two"
    assert text_of((await answered(ann, second))["message"]) == "ok"


async def test_a_wait_is_bounded(api: Api, ann: Client) -> None:
    await ann.open()
    answer = await ann.http.post(
        "/api/sessions/ses/messages", json={"content": "hi"}, headers={"prefer": "wait=999999"}
    )
    assert (answer.status_code, answer.headers["preference-applied"]) == (200, "wait=120")


@both_stores
async def test_the_same_message_again_is_the_same_run(api: Api, ann: Client) -> None:
    await ann.open()
    message = {"messageId": "m1", "content": "hi"}
    first = await ann.ask("POST", MESSAGES, message)
    assert await ann.ask("POST", MESSAGES, message) == first
    async with ann.events(MESSAGES, message, "POST") as again:
        assert str(first["messageId"]) in str((await again.rest())[-1].value)  # its `done`, or a snapshot that has it
    assert len(api.provider.streams) == 1
    await ann.problem(409, "conflict", "POST", MESSAGES, {**message, "content": "bye"})


async def test_a_failed_answer_is_a_message_too(api: Api, ann: Client) -> None:
    await ann.open()
    api.provider.scripts.append([RuntimeError("broken")])
    message = await ann.ask("POST", MESSAGES, {"content": "hi"})
    assert message["status"] == "failed"
    error = message["error"]
    assert isinstance(error, dict)
    assert error["code"] == "internal"


@both_stores
async def test_the_runs_events_are_streamed(api: Api, ann: Client) -> None:
    await ann.open()
    gate = asyncio.Event()
    api.provider.scripts.append([*says("Hel")[:-1], gate, *says("lo")])
    async with ann.events(MESSAGES, {"messageId": "m1", "content": "hi"}, "POST") as stream:
        headers = stream.response.headers
        events = await stream.until("text")
        gate.set()
        events += await stream.rest()
    assert headers["content-type"] == "text/event-stream"
    assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-cache", "no")
    assert [event.type for event in events] == ["run_started", "step", "text", "text", "done"]
    assert headers["location"] == f"/api/sessions/ses/runs/{events[0].value['runId']}"
    for event in events:
        epoch, _, offset = event.id.rpartition(":")
        assert (epoch, int(offset)) == (events[0].value["epoch"], event.value["offset"])


@both_stores
async def test_an_answer_that_is_over_at_once_is_streamed_too(api: Api, ann: Client) -> None:
    await ann.open()
    for number in range(5):
        async with ann.events(MESSAGES, {"content": f"hi {number}"}, "POST") as stream:
            assert [event.type for event in await stream.rest()] == ["run_started", "step", "text", "done"]


@both_stores
@pytest.mark.parametrize("accept", ["text/event-stream", "application/json"])
async def test_who_goes_away_does_not_stop_the_run(api: Api, ann: Client, accept: str) -> None:
    await ann.open()
    gate = asyncio.Event()
    api.provider.scripts.append([*says("one")[:-1], gate, *says(" two")])
    headers = {"Authorization": "Bearer ann", "Accept": accept, "Content-Type": "application/json"}
    body = b'{"messageId": "m1", "content": "hi"}'
    async with asyncio.timeout(30), Exchange(api.host, "POST", f"/api{MESSAGES}", body, headers):
        while await api.metric("hubline_connections ") != 1 or not api.provider.streams:
            pass
    async with asyncio.timeout(30):
        while await api.metric("hubline_connections ") != 0:
            pass
    assert api.provider.open_streams == 1
    gate.set()
    assert text_of(await ann.ask("POST", MESSAGES, {"messageId": "m1", "content": "hi"})) == "one two"


@both_stores
async def test_stop(api: Api, ann: Client) -> None:
    await ann.open()
    assert (await ann.ask("POST", "/sessions/ses/stop"))["outcome"] == "nothing_running"
    api.provider.scripts.append([*says("one")[:-1], asyncio.Event()])
    async with ann.events(MESSAGES, {"content": "hi"}, "POST") as stream:
        run_id = (await stream.until("text"))[-1].value["runId"]
        assert await ann.ask("POST", "/sessions/ses/stop", {"runId": run_id}) == {
            "runIds": [run_id],
            "outcome": "stopping",
        }
        assert (await stream.until("done"))[-1].value["outcome"] == "stopped"
    async with asyncio.timeout(30):  # which is stored a moment after its `done`
        while (await ann.ask("POST", "/sessions/ses/stop", {"runId": run_id}))["outcome"] != "already_done":
            pass
    await ann.problem(404, "run_not_found", "POST", "/sessions/ses/stop", {"runId": "run_of_nobody"})


@both_stores
async def test_regenerate(api: Api, ann: Client) -> None:
    await ann.open()
    await ann.problem(404, "message_not_found", "POST", "/sessions/ses/regenerate", {})
    gate = asyncio.Event()
    api.provider.scripts.extend([says("one"), says("two"), [*says("three")[:-1], gate, end()]])
    await ann.ask("POST", MESSAGES, {"messageId": "m1", "content": "hi"})
    again = await ann.ask("POST", "/sessions/ses/regenerate", {"regenerateId": "r1"})
    assert text_of(again) == "two"
    assert await ann.ask("POST", "/sessions/ses/regenerate", {"regenerateId": "r1"}) == again
    async with ann.events("/sessions/ses/regenerate", {"messageId": "m1"}, "POST") as stream:
        assert (await stream.until("text"))[-1].value["delta"] == "three"
        gate.set()
        assert (await stream.rest())[-1].type == "done"


async def test_an_approval_is_answered_and_the_first_answer_wins() -> None:
    async with serving() as api, api.client("ann") as ann:

        @api.app.tool(access="write")
        async def note(text: str) -> str:
            """Write a note."""
            return f"noted {text}"

        await ann.open()
        api.provider.scripts.extend([[*call("call/1?", "note", text="a"), end("tool_calls")], says("done")])
        async with ann.events(MESSAGES, {"content": "hi"}, "POST") as stream:
            asked = (await stream.until("approval_needed"))[-1].value
            assert asked["callId"] == "call/1?"
            path = "/sessions/ses/approvals/call%2F1%3F"
            await ann.problem(400, "invalid_arguments", "POST", path, {"approve": "yes"})
            mine = await ann.ask("POST", path, {"approve": True, "arguments": {"text": "b"}})
            assert mine["accepted"] is True
            other = await ann.ask("POST", path, {"approve": False})
            assert (other["accepted"], other["resolution"]) == (False, mine["resolution"])
            complete = (await stream.until("tool_complete"))[-1].value
            assert (complete["outcome"], complete["result"]) == ("success", "noted b")
            await stream.until("done")
        await ann.problem(409, "call_closed", "POST", "/sessions/ses/approvals/none", {"approve": True})


async def test_a_lone_surrogate_is_mended(api: Api, ann: Client) -> None:
    await ann.open()
    body = b'{"messageId": "m1", "content": "half \\ud83d"}'
    answer = await ann.http.post(
        "/api/sessions/ses/messages", content=body, headers={"content-type": "application/json; charset=utf-8"}
    )
    assert answer.status_code == 200
    asked = api.provider.streams[0].request.messages[-1].parts[0]
    assert "half \ufffd" in str(asked)


async def test_a_run_that_is_not_there(ann: Client) -> None:
    await ann.open()
    await ann.problem(404, "run_not_found", "GET", "/sessions/ses/runs/run_of_nobody")
    await ann.problem(404, "session_not_found", "GET", "/sessions/other/runs/run_of_nobody")

"""What the chat hub refuses to take, and what it makes clean, as a client sees it."""

from collections.abc import AsyncGenerator

import pytest

from hub.app import Hubline
from hub.chat.parts import NO_USAGE
from hub.chat_requests import MAX_DEPTH
from hub.errors import HubError
from hub.protocol.codec import CodecName
from hub.providers.base import Delta, Request, StepEnd, TextDelta, ToolCallEnd, ToolCallStart
from hub.server.testing import TestClient


async def opened(client: TestClient, **fields: object) -> dict[str, object]:
    answer = await client.invoke("OpenSession", fields)
    assert isinstance(answer, dict)
    return answer


def nested(levels: int) -> object:
    value: object = 1
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


@pytest.mark.parametrize("protocol", ["json", "messagepack"])
@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 190, 200, 240])
async def test_a_context_that_is_nested_too_deep(protocol: CodecName, levels: int) -> None:
    app = Hubline(backplane="memory://")
    async with app.lifespan(), app.test_client(protocol=protocol) as client:
        session_id = (await opened(client))["sessionId"]
        good = {"messageId": "m-1", "content": "hi", "context": nested(MAX_DEPTH)}
        assert isinstance(await client.invoke("SendMessage", session_id, good), dict)
        deep = {"messageId": "m-2", "content": "hi", "context": nested(levels)}
        with pytest.raises(HubError, match=rf"^\[invalid_arguments\] context: .*{MAX_DEPTH} levels"):
            await client.invoke("SendMessage", session_id, deep)


@pytest.mark.parametrize("wrong", [5, "text", [], True])
async def test_what_is_no_object(wrong: object) -> None:
    app = Hubline(backplane="memory://")
    async with app.lifespan(), app.test_client() as client:
        with pytest.raises(HubError, match=r"^\[invalid_arguments\] "):
            await client.invoke("OpenSession", wrong)


async def test_titles_are_one_clean_line() -> None:
    app = Hubline(backplane="memory://")
    async with app.lifespan(), app.test_client() as client:
        answer = await opened(client, title="  a\x1b[2J\nb\u202e\x00\u2029c \U0001f469\u200d\U0001f680 ")
        session = answer["session"]
        assert isinstance(session, dict)
        assert session["title"] == "a[2J b c \U0001f469\u200d\U0001f680"
        changed = await client.invoke("UpdateSession", answer["sessionId"], {"title": "x\r\n\ty"})
        assert isinstance(changed, dict) and changed["title"] == "x y"


@pytest.mark.parametrize("protocol", ["json", "messagepack"])
async def test_the_arguments_that_a_user_edits_are_taken_as_they_are(protocol: CodecName) -> None:
    """Their names are the tool's, not ours: case, underscores and nulls mean something."""
    app = Hubline(backplane="memory://", provider="two", providers={"two": CallsOnce()})
    written: list[object] = []

    @app.tool(access="write")
    async def write_range(cell_range: str, values: list[int | None]) -> str:
        written.append((cell_range, values))
        return "written"

    async with app.lifespan(), app.test_client(protocol=protocol) as client:
        session_id = (await opened(client))["sessionId"]
        await client.invoke("SendMessage", session_id, {"messageId": "m-1", "content": "hi"})
        watching = client.stream("Watch", session_id, None)
        async for event in watching:
            assert isinstance(event, dict)
            if event["type"] == "approval_needed" or event.get("run", {}).get("pendingApprovals"):
                for wrong in (
                    {"approve": 1},
                    {},
                    {"approve": True, "scope": "ever"},
                    {"approve": True, "arguments": []},
                ):
                    with pytest.raises(HubError, match=r"^\[invalid_arguments\]"):
                        await client.invoke("ResolveApproval", session_id, "c1", wrong)
                edited = {"cell_range": "B2", "values": [None, 2]}
                answer = await client.invoke(
                    "resolve_approval", session_id, "c1", {"Approve": True, "arguments": edited, "reason": None}
                )
                by = {"approve": True, "by": "tester", "scope": "call", "arguments": edited}
                assert answer == {"accepted": True, "resolution": by}
            if event["type"] == "done":
                break
    assert written == [("B2", [None, 2])]


class CallsOnce:
    """A provider that calls `write_range`, then says that it has."""

    name = "two"
    default_model = "two-1"

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        usage = NO_USAGE
        if request.step == 0:
            yield ToolCallStart("c1", "write_range")
            yield ToolCallEnd("c1", {"cell_range": "A1", "values": [1]})
            yield StepEnd("tool_calls", usage)
        else:
            yield TextDelta(0, "Done.")
            yield StepEnd("stop", usage)

    async def close(self) -> None:
        return None

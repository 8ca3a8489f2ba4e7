"""What the chat hub refuses to take, and what it makes clean, as a client sees it."""

import pytest

from hub.app import Hubline
from hub.chat_requests import MAX_DEPTH
from hub.errors import HubError
from hub.protocol.codec import CodecName
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

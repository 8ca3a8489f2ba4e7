"""Files for tests, and how a client uploads them."""

import base64
from collections.abc import AsyncIterator, Iterable

from hub.server.testing import TestClient

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
"""One pixel."""


async def pieces(texts: Iterable[str]) -> AsyncIterator[str]:
    for text in texts:
        yield text


def encoded(content: bytes, chars: int = 1000) -> list[str]:
    text = base64.b64encode(content).decode()
    return [text[at : at + chars] for at in range(0, len(text), chars)]


async def opened(client: TestClient, session_id: str = "s") -> str:
    answer = await client.invoke("OpenSession", {"sessionId": session_id})
    assert isinstance(answer, dict)
    return str(answer["sessionId"])


async def upload(
    client: TestClient, content: bytes, *, name: str = "dot.png", media_type: str = "image/png", chars: int = 1000
) -> str:
    wish = {"name": name, "mediaType": media_type, "size": len(content)}
    answer = await client.invoke("Upload", "s", wish, pieces(encoded(content, chars)))
    assert isinstance(answer, dict)
    assert answer["mediaType"] == media_type and answer["size"] == len(content)
    return str(answer["fileId"])

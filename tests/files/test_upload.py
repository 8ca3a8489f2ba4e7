"""Upload as clients call it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from hub.app import Hubline
from hub.errors import HubError
from hub.server.testing import TestClient
from tests.files.uploading import PNG, encoded, opened, pieces, upload


@pytest.fixture
async def app() -> AsyncIterator[Hubline]:
    app = Hubline(backplane="memory://", max_file_bytes=2000, max_session_files_bytes=3000)
    async with app.lifespan():
        yield app


@pytest.fixture
async def ann(app: Hubline) -> AsyncIterator[TestClient]:
    async with app.test_client(user="ann") as client:
        await opened(client)
        yield client


async def refusal(client: TestClient, texts: list[str], **changes: object) -> str:
    wish = {"name": "dot.png", "mediaType": "image/png", "size": len(PNG), **changes}
    with pytest.raises(HubError) as caught:
        await client.invoke("Upload", "s", wish, pieces(texts))
    return str(caught.value)


@pytest.mark.parametrize("chars", [1, 3, 4, 7, 1000])
async def test_a_file_is_taken_however_it_is_cut(app: Hubline, ann: TestClient, chars: int) -> None:
    file_id = await upload(ann, PNG, chars=chars)
    assert await app._backplane.files.content("s", file_id) == PNG


async def test_pieces_may_be_padded_each(app: Hubline, ann: TestClient) -> None:
    halves = [*encoded(PNG[:31]), "", *encoded(PNG[31:])]
    answer = await ann.invoke(
        "Upload", "s", {"name": "a/b.png", "mediaType": "image/png", "size": len(PNG)}, pieces(halves)
    )
    assert isinstance(answer, dict)
    assert answer["name"] == "b.png"
    assert await app._backplane.files.content("s", str(answer["fileId"])) == PNG


async def test_hub_announces_files(app: Hubline, ann: TestClient) -> None:
    answer = await ann.invoke("OpenSession", {"sessionId": "s"})
    assert isinstance(answer, dict)
    assert "upload" in answer["features"] and answer["limits"]["fileBytes"] == 2000


async def test_what_does_not_fit_is_refused(ann: TestClient) -> None:
    whole = encoded(PNG)
    assert "[too_large]" in await refusal(ann, whole, size=2001)
    assert "max_file_bytes" in await refusal(ann, whole, size=2001)
    assert "size" in await refusal(ann, whole, size=0)
    assert "fewer" not in await refusal(ann, whole, size=len(PNG) + 1)
    assert f"{len(PNG)} bytes came" in await refusal(ann, whole, size=len(PNG) + 1)
    assert "More bytes" in await refusal(ann, whole, size=len(PNG) - 1)
    assert "More bytes" in await refusal(ann, whole * 100)
    assert "no base64" in await refusal(ann, ["!!!!"])
    assert "no base64" in await refusal(ann, ["\u00e4\u00e4\u00e4\u00e4"])
    assert "Pad it" in await refusal(ann, [whole[0].rstrip("=")])
    assert "not taken" in await refusal(ann, whole, mediaType="image/svg+xml")
    assert "not taken" in await refusal(ann, whole, mediaType="text/html")
    assert "are no image/jpeg" in await refusal(ann, whole, mediaType="image/jpeg")
    assert "are no text/plain" in await refusal(ann, whole, mediaType="text/plain")


async def test_files_of_a_session_are_bounded_together(ann: TestClient) -> None:
    await upload(ann, b"x" * 2000, media_type="text/plain")
    with pytest.raises(HubError, match=r"\[too_large\].*max_session_files_bytes"):
        await upload(ann, b"x" * 1001, media_type="text/plain")
    await upload(ann, b"x" * 1000, media_type="text/plain")


async def test_a_file_that_has_no_room_is_refused_before_it_is_read(ann: TestClient) -> None:
    async def never() -> AsyncIterator[str]:
        await asyncio.Event().wait()
        yield ""

    await upload(ann, b"x" * 2000, media_type="text/plain")
    with pytest.raises(HubError, match=r"\[too_large\].*max_session_files_bytes"):
        await ann.invoke("Upload", "s", {"name": "a.txt", "mediaType": "text/plain", "size": 1001}, never())


async def test_large_texts_are_looked_at_whole() -> None:
    app = Hubline(backplane="memory://")
    async with app.lifespan(), app.test_client(user="ann") as ann:
        await opened(ann)
        await upload(ann, b"x" * (1 << 20) + b"yy", media_type="text/plain", chars=32_000)
        with pytest.raises(HubError, match="are no text/plain"):
            await upload(ann, b"x" * (1 << 20) + b"y\0", media_type="text/plain", chars=32_000)


async def test_only_editors_upload(app: Hubline, ann: TestClient) -> None:
    async with app.test_client(user="bob") as bob:
        with pytest.raises(HubError, match=r"\[forbidden\]"):
            await upload(bob, PNG)
        await ann.invoke("ShareSession", "s", "bob", "viewer")
        with pytest.raises(HubError, match=r"\[forbidden\]"):
            await upload(bob, PNG)
        await ann.invoke("ShareSession", "s", "bob", "editor")
        await upload(bob, PNG)


async def test_files_go_with_their_session(app: Hubline, ann: TestClient) -> None:
    file_id = await upload(ann, PNG)
    await ann.invoke("DeleteSession", "s")
    assert await app._backplane.files.get("s", file_id) is None


async def test_a_session_deleted_in_mid_upload_keeps_nothing(app: Hubline, ann: TestClient) -> None:
    go_on = asyncio.Event()
    begun = asyncio.Event()

    async def slowly() -> AsyncIterator[str]:
        text = encoded(PNG)[0]
        yield text[:40]
        begun.set()
        await go_on.wait()
        yield text[40:]

    wish = {"name": "dot.png", "mediaType": "image/png", "size": len(PNG)}
    uploading = asyncio.create_task(ann.invoke("Upload", "s", wish, slowly()))
    await begun.wait()
    async with app.test_client(user="ann") as other:
        await other.invoke("DeleteSession", "s")
    go_on.set()
    with pytest.raises(HubError, match=r"\[session_not_found\]"):
        await uploading

"""Hubs inside of Starlette and FastAPI applications, under uvicorn and, on the portable path, under other servers."""

from pathlib import Path

import pytest

from tests.server.serving import play_board, served

APPS = "tests.server.mounted_apps"


@pytest.mark.parametrize(
    ("server", "app", "path"),
    [
        ("uvicorn", "alone", "/board"),
        ("uvicorn", "starlette", "/ai/board"),
        ("uvicorn", "fastapi", "/ai/board"),
        ("hypercorn", "starlette", "/ai/board"),
        ("hypercorn", "fastapi", "/ai/board"),
        ("granian", "alone", "/board"),
        ("granian", "fastapi", "/ai/board"),
    ],
)
async def test_board_in_every_house(server: str, app: str, path: str, tmp_path: Path) -> None:
    async with served(server, f"{APPS}:{app}", tmp_path) as found:
        await play_board(found, path)
        chats = path.removesuffix("/board") + "/hub"
        async with found.client(chats) as client:
            await client.write({"type": 1, "invocationId": "1", "target": "OpenSession", "arguments": []})
            result = (await client.read())["result"]
            assert isinstance(result, dict)
            assert result["sessionId"]
        if app == "fastapi":
            async with found.client(path) as client:
                assert await found.request("GET", "/move/c/7") == (200, "true")
                assert await client.read() == {"type": 1, "target": "CardMoved", "arguments": ["c", 7]}


@pytest.mark.parametrize("server", ["uvicorn", "hypercorn", "granian"])
async def test_a_parent_without_our_lifespan_is_told(server: str, tmp_path: Path) -> None:
    async with served(server, f"{APPS}:forgotten", tmp_path) as found:
        for method, path in (("POST", "/ai/board/negotiate?negotiateVersion=1"), ("POST", "/ai/hub/negotiate")):
            status, text = await found.request(method, path)
            assert status == 503
            assert "pass that application lifespan=app.lifespan" in text
    assert "pass that application lifespan=app.lifespan" in found.text

"""/readyz of a real server whose database cannot be written, or is gone: red with a reason, and green again."""

import asyncio
import json
import resource
import urllib.error
import urllib.request
from pathlib import Path

from websockets.asyncio.client import connect

from tests.running import running
from tests.server.live import RawClient

ENVIRONMENT = {"HUBLINE_BACKPLANE": "sqlite:///hub.db", "PYTHONPATH": str(Path(__file__).parent.parent)}


def ready(url: str) -> tuple[int, dict[str, object]]:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


async def until_ready_says(url: str, status: int, reason: str | None) -> None:
    wanted = {"ready": True} if reason is None else {"ready": False, "reason": reason}
    async with asyncio.timeout(60):
        while await asyncio.to_thread(ready, url) != (status, wanted):  # noqa: ASYNC110  # another process
            await asyncio.sleep(0.1)


async def open_session(url: str) -> dict[str, object]:
    async with connect(f"ws{url[4:]}/hub") as socket:
        client = RawClient(socket)
        await client.handshake()
        await client.write({"type": 1, "invocationId": "1", "target": "OpenSession", "arguments": []})
        return await client.read()


async def test_a_database_that_cannot_be_written(tmp_path: Path) -> None:
    with running(tmp_path, environment=ENVIRONMENT) as server:
        await until_ready_says(server.url, 200, None)
        _, hard = limits = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1, hard))
        assert str((await open_session(server.url))["error"]).startswith("[backplane_away] ")
        await until_ready_says(server.url, 503, "not_writable")
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)
        await until_ready_says(server.url, 200, None)
        assert "result" in await open_session(server.url)

        file = tmp_path / "hub.db"
        aside = file.rename(tmp_path / "aside.db")
        await until_ready_says(server.url, 503, "file_deleted")
        aside.rename(file)
        await until_ready_says(server.url, 200, None)
        server.end()
    said = "".join(server.log)
    assert said.count("the database file cannot be written") == 1
    assert said.count("what is written now is lost with this process") == 1

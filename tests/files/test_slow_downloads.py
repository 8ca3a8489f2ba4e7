"""Who reads a file slowly, and who reads none of it: what that costs the node."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.types import Message

from hub.app import Hubline
from hub.backplane.base import FileRecord
from hub.backplane.memory import MemoryFiles
from hub.downloads import PIECE_BYTES
from hub.errors import BackplaneAway
from hub.server.auth import User
from hub.server.testing import TestClient
from tests.files.uploading import opened

PIECES = 20
CONTENT = b"0123456789abcdef" * (PIECE_BYTES // 16) * (PIECES - 1) + b"end"


class Counted(MemoryFiles):
    """Counts what is read of contents, and can go away."""

    def __init__(self) -> None:
        super().__init__()
        self.read_bytes: list[int] = []
        self.left = 1000  # reads before the store is away

    async def content(self, session_id: str, file_id: str) -> bytes | None:
        content = await super().content(session_id, file_id)
        self.read_bytes.append(len(content or b""))
        return content

    async def read(self, session_id: str, file_id: str, offset: int, size: int) -> bytes | None:
        if len(self.read_bytes) == self.left:
            raise BackplaneAway("away")
        whole = await MemoryFiles.content(self, session_id, file_id)
        if whole is None:
            return None
        self.read_bytes.append(len(whole[offset : offset + size]))
        return whole[offset : offset + size]


class Reader:
    """Asks for the file, and takes `pieces` of it at once; each further one takes `pause_s`, the next one until `go_on`
    is set too."""

    def __init__(self, app: Hubline, pieces: int = PIECES + 1, pause_s: float = 0.0) -> None:
        self._app = app
        self._pieces = pieces
        self._pause_s = pause_s
        self.begun = asyncio.Event()  # it takes no more at once
        self.go_on = asyncio.Event()
        self.status = 0
        self.got = b""
        self.is_whole = False

    async def read(self, file_id: str = "f", method: str = "GET") -> None:
        path = f"/files/s/{file_id}"
        scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b""}
        scope |= {"headers": [(b"host", b"127.0.0.1")], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}
        await self._app({**scope, "scheme": "http", "http_version": "1.1", "root_path": ""}, self._receive, self._send)

    async def _receive(self) -> Message:
        return await asyncio.Future()

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        if self._pieces == 0 and message.get("more_body"):
            self.begun.set()
            await asyncio.sleep(self._pause_s)
            await self.go_on.wait()
        self._pieces = max(self._pieces - 1, 0)
        self.got += message["body"]
        self.is_whole = not message.get("more_body", False)


@pytest.fixture
def files() -> Counted:
    return Counted()


async def served(files: Counted, **settings: float) -> AsyncIterator[Hubline]:
    app = Hubline(backplane="memory://", authenticate=lambda request: User(id="ann"), **settings)  # type: ignore[arg-type]  # by name
    app._backplane.files = files
    app._downloads._files._files = files
    async with app.lifespan(), app.test_client(user="ann") as client:
        await opened(client)
        await stored(client, files)
        yield app


async def stored(client: TestClient, files: Counted) -> None:
    session = await client.invoke("GetSession", "s")
    assert isinstance(session, dict)
    record = FileRecord("f", "f.txt", "text/plain", len(CONTENT), session["createdAt"])
    assert await files.put("s", record, CONTENT, max_total_bytes=len(CONTENT))


@pytest.fixture
async def app(files: Counted) -> AsyncIterator[Hubline]:
    async for app in served(files):
        yield app


async def test_a_file_comes_whole_in_pieces(app: Hubline, files: Counted) -> None:
    reader = Reader(app)
    await reader.read()
    assert (reader.status, reader.got == CONTENT, reader.is_whole) == (200, True, True)
    assert files.read_bytes == [PIECE_BYTES] * (PIECES - 1) + [3]


async def test_who_stops_reading_holds_one_piece(app: Hubline, files: Counted) -> None:
    readers = [Reader(app, pieces=2) for _ in range(10)]
    reading = [asyncio.create_task(reader.read()) for reader in readers]
    for reader in readers:
        await reader.begun.wait()
    assert files.read_bytes == [PIECE_BYTES] * 3 * len(readers)  # two taken, one held
    for task in reading:
        task.cancel()
    await asyncio.wait(reading)


async def test_head_reads_the_record_only(app: Hubline, files: Counted) -> None:
    reader = Reader(app)
    await reader.read(method="HEAD")
    assert (reader.status, reader.got, files.read_bytes) == (200, b"", [])
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://127.0.0.1") as http:
        assert (await http.head("/files/s/f")).headers["content-length"] == str(len(CONTENT))
    assert files.read_bytes == []


async def test_who_is_slow_over_all_of_it_is_cut_off(files: Counted) -> None:
    async for app in served(files, client_timeout_s=0.5):
        limits = app._downloads._files.limits
        object.__setattr__(limits, "least_bytes_per_s", 1 << 40)
        reader = Reader(app, pieces=0, pause_s=0.1)
        reader.go_on.set()  # each piece in time, all of them in two seconds
        await reader.read()
        assert not reader.is_whole and len(reader.got) < len(CONTENT)


async def test_a_file_that_goes_away_in_the_middle_is_broken_off(app: Hubline, files: Counted) -> None:
    files.left = 2
    reader = Reader(app)
    await reader.read()
    assert (reader.status, len(reader.got), reader.is_whole) == (200, 2 * PIECE_BYTES, False)
    reader = Reader(app)
    await reader.read()
    assert reader.status == 503  # nothing is sent yet, so this can be said


async def test_a_file_removed_in_the_middle_is_broken_off(app: Hubline, files: Counted) -> None:
    reader = Reader(app, pieces=1)
    reading = asyncio.create_task(reader.read())
    await reader.begun.wait()
    await files.remove("s", "f")
    reader.go_on.set()
    await reading
    assert len(reader.got) == 2 * PIECE_BYTES and not reader.is_whole

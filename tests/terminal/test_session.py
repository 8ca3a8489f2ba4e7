"""A session over more than one connection, against a real server: nothing is lost and nothing is shown twice."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from hub.errors import HubError
from hub.terminal.link import LinkLost, LinkRefused
from hub.terminal.session import Session
from hub.terminal.view import Piece
from tests.running import running

LONG = "Write a long text about tea, 400 words"


class Screen:
    """Keeps what is shown, and can be waited on."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self._changed = asyncio.Event()

    def show(self, pieces: Sequence[Piece]) -> None:
        self.pieces += pieces
        self._changed.set()

    @property
    def answer(self) -> str:
        return "".join(piece.text for piece in self.pieces if piece.kind == "answer")

    async def wait_for(self, characters: int) -> None:
        while len(self.answer) < characters:
            self._changed.clear()
            await self._changed.wait()


class Wire:
    """A TCP relay that can be cut: what a lost network is."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: set[asyncio.StreamWriter] = set()
        self.url = ""

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield
        finally:
            server.close()
            self.cut()

    def cut(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        ends = {writer, far_writer}
        self._open |= ends
        try:
            await asyncio.gather(self._copy(reader, far_writer), self._copy(far_reader, writer))
        finally:
            self._open -= ends

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(65_536):
                writer.write(chunk)
                await writer.drain()
        writer.transport.abort()


async def answer_of(url: str, session_id: str) -> str:
    """What a client that was never here is shown of a session."""
    screen = Screen()
    async with Session(url, session_id, screen.show, retry_for_s=0).following():
        return screen.answer


async def test_an_answer_through_cuts_is_the_answer(tmp_path: Path) -> None:
    with running(tmp_path, "--backplane", "memory://", "--demo-pace", "400") as server:
        wire = Wire(server.port)
        async with wire.listening():
            screen = Screen()
            session = Session(wire.url, None, screen.show, retry_for_s=30)
            async with session.following():
                asked = asyncio.create_task(session.ask(LONG))
                for cut in range(1, 6):
                    await screen.wait_for(cut * 150)
                    wire.cut()
                assert (await asked).outcome == "completed"
            assert session.session_id is not None
            assert screen.answer == await answer_of(server.url, session.session_id)
            assert Piece("status", "connected again") in screen.pieces


async def test_a_message_that_was_cut_off_is_sent_once(tmp_path: Path) -> None:
    with running(tmp_path, "--backplane", "memory://", "--demo-pace", "0") as server:
        wire = Wire(server.port)
        async with wire.listening():
            screen = Screen()
            session = Session(wire.url, None, screen.show, retry_for_s=30)
            async with session.following():
                for number in range(5):
                    asked = asyncio.create_task(session.ask(f"What can you do, {number}?"))
                    await asyncio.sleep(0)
                    wire.cut()
                    assert (await asked).outcome == "completed"
            joined = Screen()
            async with Session(server.url, session.session_id, joined.show, retry_for_s=0).following():
                said = [piece.text for piece in joined.pieces if piece.kind == "user"]
            assert said == [f"What can you do, {number}?" for number in range(5)]


async def test_a_killed_server_leaves_an_interrupted_answer(tmp_path: Path) -> None:
    screen = Screen()
    with running(tmp_path, "--demo-pace", "100") as server:
        session = Session(server.url, None, screen.show, retry_for_s=30)
        async with session.following():
            asked = asyncio.create_task(session.ask(LONG))
            await screen.wait_for(100)
            await asyncio.to_thread(server.end, signal.SIGKILL)
            with running(tmp_path, "--port", str(server.port)):
                assert (await asked).outcome == "interrupted"
                assert session.session_id is not None
                assert screen.answer == await answer_of(server.url, session.session_id)


async def test_stop_from_here(tmp_path: Path) -> None:
    with running(tmp_path, "--backplane", "memory://") as server:
        screen = Screen()
        session = Session(server.url, None, screen.show, retry_for_s=0)
        async with session.following():
            asked = asyncio.create_task(session.ask(LONG))
            await screen.wait_for(50)
            await session.stop()
            assert (await asked).outcome == "stopped"


async def test_a_first_connection_that_fails_is_not_tried_again() -> None:
    with pytest.raises(LinkLost, match="hubline serve"):
        async with Session("http://127.0.0.1:1", None, Screen().show, retry_for_s=None).following():
            pass


async def test_a_lost_connection_is_given_up_in_time(tmp_path: Path) -> None:
    screen = Screen()
    with running(tmp_path, "--backplane", "memory://") as server:
        session = Session(server.url, None, screen.show, retry_for_s=0)
        async with session.following():
            asked = asyncio.create_task(session.ask(LONG))
            await screen.wait_for(50)
            await asyncio.to_thread(server.end, signal.SIGKILL)
            with pytest.raises((LinkLost, LinkRefused)):
                await asked


async def test_what_the_hub_refuses_is_said(tmp_path: Path) -> None:
    with running(tmp_path, "--backplane", "memory://") as server:
        async with Session(server.url, None, Screen().show, retry_for_s=0).following():
            pass
        session = Session(server.url, None, Screen().show, retry_for_s=0)
        async with session.following():
            with pytest.raises(HubError):
                await session.ask("")

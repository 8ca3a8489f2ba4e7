"""A node that is about to end sends its clients elsewhere, one after the other, and lets nobody new in."""

import asyncio

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from hub.server.hub import Hub
from tests.server.conftest import Serve
from tests.server.live import RawClient, serve_live
from tests.server.raw_http import ask


class Quiet(Hub):
    async def answer(self) -> int:
        return 42


CLOSE = {"type": 7, "allowReconnect": True}


async def test_clients_are_told_one_after_the_other(serve: Serve) -> None:
    server = await serve(Quiet)
    async with serve_live(server) as host, asyncio.timeout(60):
        clients = [RawClient(await connect(f"ws://{host}/hub")) for _ in range(4)]
        for client in clients:
            assert await client.handshake() == {}
        moving = asyncio.create_task(server.move(spread_s=600))
        reading = {asyncio.create_task(client.read()): client for client in clients}
        done, _ = await asyncio.wait(reading, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result() for task in done] == [CLOSE]
        waiting = {task: client for task, client in reading.items() if task not in done}
        for client in waiting.values():  # and served until it is their turn
            await client.write({"type": 1, "invocationId": "1", "target": "Answer", "arguments": []})
        assert [await task for task in waiting] == [{"type": 3, "invocationId": "1", "result": 42}] * 3
        moving.cancel()


async def test_all_are_told_in_the_end(serve: Serve) -> None:
    server = await serve(Quiet)
    async with serve_live(server) as host, asyncio.timeout(60):
        clients = [RawClient(await connect(f"ws://{host}/hub")) for _ in range(4)]
        for client in clients:
            assert await client.handshake() == {}
        moving = asyncio.create_task(server.move(spread_s=0.01))
        for client in clients:
            assert await client.read() == CLOSE
            await client.socket.wait_closed()
        await moving
    assert server.connections == []


async def test_nobody_new_is_let_in(serve: Serve) -> None:
    server = await serve(Quiet)
    async with serve_live(server) as host:
        await server.move(spread_s=0.0)
        refused = await ask(host, "POST", "/hub/negotiate?negotiateVersion=1")
        assert refused.status == 503
        assert refused.headers["retry-after"] == "1"
        assert b"connect again" in refused.body
        try:
            await connect(f"ws://{host}/hub")
        except InvalidStatus as error:
            assert error.response.status_code == 503
        else:
            raise AssertionError("it was let in")

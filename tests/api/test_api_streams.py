"""What ends a stream, what keeps it alive, and what one that is not read costs others."""

import asyncio
import socket
from collections.abc import Sequence

from hub.clock import now_ms
from tests.api.serving import Api, Client, both_stores, serving
from tests.api.test_api_resume import Gated, partial_of
from tests.runs.scripted import Act, says
from tests.server.raw_http import Exchange

MESSAGES, EVENTS = "/sessions/ses/messages", "/sessions/ses/events"
AS_ANN = {"Authorization": "Bearer ann"}
TIMEOUT_S = 30


async def connections(api: Api, count: int) -> None:
    """Until there are so many."""
    async with asyncio.timeout(TIMEOUT_S):
        while await api.metric("hubline_connections ") != count:
            pass


async def test_signs_of_life_come_while_nothing_happens() -> None:
    async with serving(keep_alive_s=0.02) as api, api.client() as ann:
        await ann.open()
        async with ann.http.stream("GET", "/api/sessions/ses/events") as answer:
            lines = answer.aiter_lines()
            found: list[str] = []
            while found.count(":") < 3:
                found.append(await anext(lines))
    assert found[0] == "retry: 1000"
    after_snapshot = [line for line in found[1:] if line]
    assert [line.partition(":")[0] for line in after_snapshot] == ["id", "data", "", "", ""]


@both_stores
async def test_a_session_that_is_deleted_ends_its_streams(api: Api, ann: Client) -> None:
    await ann.open()
    api.provider.scripts.append([*says("one")[:-1], asyncio.Event()])
    async with ann.events(EVENTS) as events, ann.events(MESSAGES, {"content": "hi"}, "POST") as run:
        await run.until("text")
        waiting = asyncio.create_task(ann.http.post("/api/sessions/ses/messages", json={"content": "and?"}))
        await connections(api, 3)
        await ann.ask("DELETE", "/sessions/ses")
        await events.rest()
        await run.rest()
        answer = await waiting
    assert (answer.status_code, answer.json()["code"]) == (404, "session_not_found")
    await ann.problem(404, "session_not_found", "GET", EVENTS)
    await connections(api, 0)


async def test_who_loses_access_loses_the_stream(api: Api, ann: Client) -> None:
    await ann.open()
    async with api.client("bob") as bob, api.app.test_client(user="ann") as owner:
        await bob.problem(403, "forbidden", "GET", EVENTS)
        await owner.invoke("ShareSession", "ses", "bob", "viewer")
        await bob.problem(403, "forbidden", "POST", MESSAGES, {"content": "hi"})
        async with bob.events(EVENTS) as stream:
            await stream.until("snapshot")
            await owner.invoke("UnshareSession", "ses", "bob")
            await stream.rest()
        await bob.problem(403, "forbidden", "GET", EVENTS)


async def test_a_stream_ends_with_its_token(api: Api) -> None:
    until = now_ms() + 1000
    async with api.client("ann") as ann, api.client(f"ann@{until}") as brief:
        await ann.open()
        async with brief.events(EVENTS) as stream:
            assert await stream.next() is not None
            assert await stream.rest() == []
    assert now_ms() >= until
    await connections(api, 0)


@both_stores
async def test_a_node_that_ends_sends_its_clients_away(api: Api, ann: Client) -> None:
    await ann.open()
    answer = Gated()
    answer.asked(api.provider)
    async with ann.events(EVENTS) as events, ann.events(MESSAGES, {"content": "hi"}, "POST") as run:
        waiting = asyncio.create_task(ann.http.post("/api/sessions/ses/messages", json={"content": "and?"}))
        await connections(api, 3)
        answer.open_next()
        await run.until("text")
        await api.app.close_connections()
        last = (await events.rest())[-1]
        await run.rest()
        queued = await waiting
        assert (queued.status_code, queued.json()["state"]) == (202, "queued")
        refused = await ann.http.get("/api/sessions/ses/events", headers={"last-event-id": last.id})
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert int(refused.headers["retry-after"]) >= 1
    assert api.provider.open_streams == 1  # answers go on


def long_text(count: int, letters: int) -> tuple[str, Sequence[Act]]:
    pieces = [f"{number:05} ".ljust(letters, "x") for number in range(count)]
    acts: list[Act] = []
    for piece in pieces:
        acts.extend([*says(piece)[:-1], None])
    return "".join(pieces), [*acts, *says()]


class Unread(Exchange):
    """A client that does not read, and whose machine holds little for it."""

    def __init__(self, api: Api) -> None:
        super().__init__(api.host, "GET", f"/api{EVENTS}", headers=AS_ANN)

    async def __aenter__(self) -> "Unread":
        host, port = self._address.split(":")
        own = socket.socket()
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        own.setblocking(False)
        await asyncio.get_running_loop().sock_connect(own, (host, int(port)))
        self.reader, self.writer = await asyncio.open_connection(sock=own, limit=4096)
        self.socket = own
        self.writer.write(self._request)
        await self.head()
        return self


async def test_who_reads_slowly_holds_nobody_and_is_behind() -> None:
    """It is sent nothing that it has not room for: a snapshot has all that it missed."""
    count = 2200  # more than are kept for who is behind
    gates = [asyncio.Event() for _ in range(count)]
    pieces = [f"{number:05} ".ljust(3000, "x") for number in range(count)]
    acts: list[Act] = []
    for gate, piece in zip(gates, pieces, strict=True):
        acts.extend([gate, *says(piece)[:-1]])
    async with serving(max_answer_chars=10_000_000) as api, api.client() as ann:
        await ann.open()
        api.provider.scripts.append([*acts, *says()])
        async with Unread(api) as slow:
            async with ann.events(MESSAGES, {"content": "hi"}, "POST") as stream:
                for gate, piece in zip(gates, pieces, strict=True):  # so that each is an event of its own
                    gate.set()
                    assert (await stream.until("text"))[-1].value["delta"] == piece
                await stream.until("done")
            received = await until_snapshot(slow)
    assert received < 0.8 * sum(map(len, pieces))


async def until_snapshot(slow: Unread) -> int:
    """How many bytes come before the one that follows the first."""
    received, snapshots = 0, 0
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            length = int(await slow.reader.readline(), 16)
            piece = (await slow.reader.readexactly(length + 2))[:-2]
            snapshots += piece.count(b'"type":"snapshot"')
            if snapshots > 1:
                return received
            received += length


async def test_who_does_not_read_at_all_is_cut() -> None:
    async with serving(client_timeout_s=0.5, keep_alive_s=0.1, max_answer_chars=10_000_000) as api, api.client() as ann:
        await ann.open()
        text, acts = long_text(1500, 4000)
        api.provider.scripts.append(acts)
        async with Unread(api) as unread:
            await connections(api, 1)
            answer = await ann.ask("POST", MESSAGES, {"content": "hi"}, prefer="wait=60")
            assert partial_of({"messages": [answer]}) == text
            await connections(api, 0)
            # Nor does its socket stay until it has read what was written.
            async with asyncio.timeout(TIMEOUT_S):
                while api.is_connected(unread.socket):  # noqa: ASYNC110  # uvicorn's
                    await asyncio.sleep(0.01)


async def test_a_stream_that_is_read_lasts() -> None:
    """However long nothing is said: signs of life are taken."""
    async with serving(client_timeout_s=0.5, keep_alive_s=0.03) as api, api.client() as ann:
        await ann.open()
        async with ann.http.stream("GET", "/api/sessions/ses/events") as answer:
            lines = answer.aiter_lines()
            found: list[str] = []
            while found.count(":") < 34:  # twice the limit
                found.append(await anext(lines))


async def test_a_first_sign_of_life_comes_soon() -> None:
    """Who wanted but the begin finds out only when more comes."""
    async with serving(keep_alive_s=3600) as api, api.client() as ann:
        await ann.open()
        async with ann.events("/sessions/ses/events") as stream, asyncio.timeout(TIMEOUT_S):
            while await anext(stream.lines) != ":":
                pass

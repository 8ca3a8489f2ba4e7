"""A `Hubline` under a real uvicorn, as `hubline serve` has it, with a scripted provider; and clients of its API."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2
import pytest
import uvicorn
from starlette.requests import HTTPConnection

from hub.app import Hubline
from hub.config import load
from hub.server.auth import User
from hub.server.auth.gate import bearer_token
from tests.runs.scripted import ScriptedProvider
from tests.server.live import Uvicorn

_TAKEOVER = "hub.server.transports.uvicorn_takeover"
WAIT_S = 30

both_stores = pytest.mark.parametrize("api", ["memory", "sqlite"], indirect=True)
"""Run a test on both embedded stores; others are run in memory."""


async def by_name(request: HTTPConnection) -> User | None:
    """Who says that they are ann are ann. `ann@5000` is so until that time, in milliseconds since 1970; `nobody` breaks
    it."""
    name, _, until = (bearer_token(request) or "").partition("@")
    if name == "nobody":
        raise RuntimeError("the book of names is torn")
    return User(id=name, expires_at=int(until) if until else None) if name else None


@dataclass(frozen=True)
class Event:
    """One of a stream. `id` is its position."""

    id: str
    value: Mapping[str, object]

    @property
    def type(self) -> object:
        return self.value["type"]


@dataclass(frozen=True)
class Events:
    """A stream of them, read as it comes."""

    response: httpx2.Response
    lines: AsyncIterator[str]

    async def next(self) -> Event | None:
        """None at its end. Comments and what is no event are left out."""
        found: dict[str, str] = {}
        async with asyncio.timeout(WAIT_S):
            async for line in self.lines:
                if not line and "data" in found:
                    return Event(found["id"], json.loads(found["data"]))
                if line and not line.startswith(":"):
                    name, _, value = line.partition(": ")
                    found[name] = value
        return None

    async def until(self, kind: str) -> list[Event]:
        """All until one of this type, with it."""
        found: list[Event] = []
        while (event := await self.next()) is not None:
            found.append(event)
            if event.type == kind:
                return found
        raise AssertionError(f"it ended before {kind}: {[event.type for event in found]}")

    async def rest(self) -> list[Event]:
        found = []
        while (event := await self.next()) is not None:
            found.append(event)
        return found


@dataclass(frozen=True)
class Client:
    """One user's."""

    http: httpx2.AsyncClient

    async def ask(
        self, method: str, path: str, body: object = None, status: int = 200, **headers: str
    ) -> dict[str, object]:
        """The JSON of an answer with this status."""
        answer = await self.http.request(
            method, f"/api{path}", json=body, headers={name.replace("_", "-"): text for name, text in headers.items()}
        )
        assert answer.status_code == status, answer.text
        found = answer.json()
        assert isinstance(found, dict)
        return found

    async def problem(self, status: int, code: str, method: str, path: str, body: object = None) -> str:
        """The detail of one."""
        answer = await self.http.request(method, f"/api{path}", json=body)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
        found = answer.json()
        assert (found["status"], found["code"], found["type"]) == (status, code, "about:blank")
        return str(found["detail"])

    async def open(self, session_id: str = "ses", **fields: object) -> dict[str, object]:
        return await self.ask("POST", "/sessions", {"sessionId": session_id, **fields}, 201)

    @asynccontextmanager
    async def events(
        self, path: str, body: object = None, method: str = "GET", **headers: str
    ) -> AsyncIterator[Events]:
        shown = {name.replace("_", "-"): text for name, text in headers.items()}
        async with self.http.stream(
            method, f"/api{path}", json=body, headers={"accept": "text/event-stream", **shown}
        ) as response:
            assert response.status_code == 200, await response.aread()
            yield Events(response, response.aiter_lines())


@dataclass(frozen=True)
class Api:
    app: Hubline
    provider: ScriptedProvider
    host: str
    server: Uvicorn

    def is_connected(self, client: socket.socket) -> bool:
        """Whether the server still has that client's connection, whatever became of its requests."""
        return any(getattr(one, "client", None) == client.getsockname() for one in self.server.server_state.connections)

    @asynccontextmanager
    async def client(self, user: str = "ann") -> AsyncIterator[Client]:
        async with httpx2.AsyncClient(
            base_url=f"http://{self.host}", headers={"authorization": f"Bearer {user}"}, timeout=WAIT_S
        ) as http:
            yield Client(http)

    async def metric(self, line: str) -> float:
        """What a line of the metrics says that begins so; 0 if there is none."""
        async with self.client() as client:
            text = (await client.http.get("/metrics")).text
        return next((float(one.rpartition(" ")[2]) for one in text.splitlines() if one.startswith(line)), 0.0)


@asynccontextmanager
async def serving(**settings: object) -> AsyncIterator[Api]:
    provider = ScriptedProvider()
    app = Hubline(
        authenticate=by_name,
        providers={"scripted": provider},
        settings=load({"backplane": "memory://", "provider": "scripted", **settings}),
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        live = Uvicorn(
            uvicorn.Config(
                app, lifespan="on", log_level="warning", http=f"{_TAKEOVER}:HttpProtocol",
                ws=f"{_TAKEOVER}:WebSocketProtocol",
            )
        )  # fmt: skip
        task = asyncio.create_task(live.serve([listener]))
        await live.up.wait()
        try:
            yield Api(app, provider, f"127.0.0.1:{listener.getsockname()[1]}", live)
        finally:
            live.should_exit = True
            await task

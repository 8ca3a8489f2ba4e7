"""The provider server as a client of bare sockets sees it."""

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from tests.provider_server.fixtures import provider_server
from tests.provider_server.script import Abort, ErrorEvent, Gate, Refuse, Say, Script, Stall, Truncate
from tests.provider_server.server import ProviderServer

__all__ = ["provider_server"]

BODY = {"model": "claude-sonnet-5-5", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "Hi"}]}


def request(server: ProviderServer, body: object = BODY, **headers: str | None) -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent: Mapping[str, str | None] = {
        "x-api-key": server.api_key,
        "anthropic-version": "2023-06-01",
        "content-type": "application/json",
        "content-length": str(len(content)),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items() if value is not None)
    return f"POST /v1/messages HTTP/1.1\r\n{lines}\r\n".encode() + content


class Client:
    """One bare connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, server: ProviderServer) -> "Client":
        return cls(*await asyncio.open_connection("127.0.0.1", int(server.base_url.rpartition(":")[2])))

    async def answer(self, sent: bytes) -> tuple[int, bytes]:
        """Status and body of one answer."""
        self.writer.write(sent)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        status = int(head.split(" ")[1])
        if "content-length: " in head:
            length = int(head.partition("content-length: ")[2].split("\r\n")[0])
            return status, await self.reader.readexactly(length)
        body = b""
        while size := int(await self.reader.readline(), 16):
            body += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readline()
        return status, body

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


async def test_it_answers_again_and_again_on_one_connection(provider_server: ProviderServer) -> None:
    client = await Client.connect(provider_server)
    provider_server.add(Script(Say("One")), Refuse(529, headers={"retry-after": "3"}), Script(Say("Two")))
    bodies = [await client.answer(request(provider_server)) for _ in range(4)]
    await client.close()
    assert [status for status, _ in bodies] == [200, 529, 200, 200]
    assert b'"One"' in bodies[0][1] and b"overloaded_error" in bodies[1][1] and b'"Two"' in bodies[2][1]
    assert b"You said:" in bodies[3][1]  # no script is left
    assert bodies[0][1].endswith(b'event: message_stop\ndata: {"type": "message_stop"}\n\n')


async def test_a_request_may_arrive_in_pieces_or_with_the_next(provider_server: ProviderServer) -> None:
    client = await Client.connect(provider_server)
    sent = request(provider_server)
    for index in range(0, len(sent) - 1, 40):
        client.writer.write(sent[index : min(index + 40, len(sent) - 1)])
        await asyncio.sleep(0)
    status, _ = await client.answer(sent[-1:] + sent)
    assert status == 200
    assert (await client.answer(b""))[0] == 200
    await client.close()


@pytest.mark.parametrize(
    ("headers", "status", "kind"),
    [
        ({"x_api_key": "wrong"}, 401, "authentication_error"),
        ({"x_api_key": None}, 401, "authentication_error"),
        ({"anthropic_version": None}, 400, "invalid_request_error"),
        ({"anthropic_version": "1999-01-01"}, 400, "invalid_request_error"),
        ({"content_type": "text/plain"}, 400, "invalid_request_error"),
    ],
)
async def test_headers_are_checked(
    provider_server: ProviderServer, headers: dict[str, str | None], status: int, kind: str
) -> None:
    client = await Client.connect(provider_server)
    got, body = await client.answer(request(provider_server, **headers))
    await client.close()
    assert (got, json.loads(body)["error"]["type"]) == (status, kind)
    assert provider_server.requests[0].refused


async def test_a_bearer_token_is_a_key_too(provider_server: ProviderServer) -> None:
    client = await Client.connect(provider_server)
    headers = {"x_api_key": None, "authorization": f"Bearer {provider_server.api_key}"}
    assert (await client.answer(request(provider_server, **headers)))[0] == 200
    await client.close()


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[]", {**BODY, "messages": []}])
async def test_a_broken_body_is_refused_and_uses_up_no_script(provider_server: ProviderServer, body: Any) -> None:
    provider_server.add(Script(Say("One")))
    client = await Client.connect(provider_server)
    assert (await client.answer(request(provider_server, body)))[0] == 400
    assert b'"One"' in (await client.answer(request(provider_server)))[1]
    await client.close()
    first, second = provider_server.requests
    assert first.refused is not None and second.refused is None


async def test_another_path_is_not_found(provider_server: ProviderServer) -> None:
    client = await Client.connect(provider_server)
    assert (await client.answer(request(provider_server).replace(b"/v1/messages", b"/v1/other")))[0] == 404
    await client.close()


@pytest.mark.parametrize("script", [Script(before_headers=Stall()), Script(Say("a", Stall()))])
async def test_it_sees_that_the_client_closed(provider_server: ProviderServer, script: Script) -> None:
    provider_server.add(script)
    client = await Client.connect(provider_server)
    client.writer.write(request(provider_server))
    received = await provider_server.next_request()
    assert not received.closed_by_client.is_set()
    await client.close()
    at = await received.closed_by_client.wait()
    assert at >= received.at
    assert not received.answered.is_set()


async def test_a_gate_holds_until_it_is_opened(provider_server: ProviderServer) -> None:
    gate = Gate()
    provider_server.add(Script(Say("before", gate, "after")))
    client = await Client.connect(provider_server)
    client.writer.write(request(provider_server))
    assert b"before" in await client.reader.readuntil(b'"before"}')
    await gate.reached.wait()
    assert not provider_server.requests[0].answered.is_set()
    gate.open()
    assert await client.reader.readuntil(b'"after"}')
    await provider_server.requests[0].answered.wait()
    await client.close()
    assert not provider_server.requests[0].closed_by_client.is_set()


@pytest.mark.parametrize("step", [Truncate(), ErrorEvent()])
async def test_a_clean_end_ends_the_answer(provider_server: ProviderServer, step: Truncate | ErrorEvent) -> None:
    provider_server.add(Script(Say("a", step)))
    client = await Client.connect(provider_server)
    status, body = await client.answer(request(provider_server))
    await client.close()
    assert status == 200
    assert b"message_stop" not in body
    assert (b"event: error" in body) == isinstance(step, ErrorEvent)


async def test_an_abort_resets_the_connection(provider_server: ProviderServer) -> None:
    provider_server.add(Script(before_headers=Abort()), Script(before_headers=Abort(reset=False)))
    client = await Client.connect(provider_server)
    client.writer.write(request(provider_server))
    with pytest.raises(ConnectionResetError):
        await client.reader.read()
    with pytest.raises(ConnectionResetError):
        await client.close()
    client = await Client.connect(provider_server)
    client.writer.write(request(provider_server))
    assert await client.reader.read() == b""
    await client.close()


async def test_it_runs_by_hand() -> None:
    command = [sys.executable, "-m", "tests.provider_server", "--port", "0"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        line = (await process.stdout.readline()).decode()
        assert line.startswith("base_url=http://127.0.0.1:")
    finally:
        process.terminate()
        await process.wait()

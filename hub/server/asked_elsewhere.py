"""A request that came to this node for a connection of another one, until the answer has left (theory of operation:
`forwarding`)."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hub.server import envelope
from hub.server.auth import Refused


class AskedRequest:
    """What was said to its owner, and what came back."""

    def __init__(
        self, owner: str, first: envelope.Request, publish: Callable[[str, envelope.ToOwner], None], now: float
    ) -> None:
        self.owner = owner
        self.number = first.number
        self.heard_at = now
        self.answer: asyncio.Future[envelope.Reply] = asyncio.get_running_loop().create_future()
        self._publish = publish
        self._sent = 1
        self._last: envelope.Request | envelope.Piece = first
        self.next_is_wanted = asyncio.Event()  # the next piece of the body

    def send(self, piece: bytes, *, more: bool) -> None:
        self.next_is_wanted.clear()
        self._sent += 1
        self._last = envelope.Piece(self.number, self._sent, piece, more)
        self._publish(self.owner, self._last)

    def hear(self, message: envelope.FromOwner) -> None:
        match message:
            case envelope.Reply():
                if not self.answer.done():
                    self.answer.set_result(message)
            case envelope.Goes(_, received, wants):
                if received < self._sent:
                    # The owner has at least the first one, or it would not know of the request.
                    self._publish(self.owner, self._last)
                elif wants:
                    self.next_is_wanted.set()

    def fail(self, refused: Refused) -> bool:
        """Whether it had no answer yet."""
        if self.answer.done():
            return False
        self.answer.set_exception(refused)
        return True


async def answer_to(asked: AskedRequest, receive: Receive, *, more: bool) -> envelope.Reply:
    """Raises Refused if the request fails, and ClientDisconnect if the client goes first."""
    sending = asyncio.create_task(_send_body(asked, receive, more=more))
    try:
        waiting: list[asyncio.Task[None] | asyncio.Future[envelope.Reply]] = [sending, asked.answer]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        sending.cancel()
        await asyncio.wait([sending])
    if asked.answer.done():
        return asked.answer.result()
    sending.result()
    raise ClientDisconnect


async def _send_body(asked: AskedRequest, receive: Receive, *, more: bool) -> None:
    """The rest of a body, as fast as the owner takes it. Returns when the client has gone."""
    while True:
        if more:
            await asked.next_is_wanted.wait()
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        if more:
            more = message.get("more_body", False)
            asked.send(message.get("body", b""), more=more)


class ForwardedAnswer(Response):
    """What the owner answered; `on_left` is called once it has left, or broken."""

    def __init__(self, reply: envelope.Reply, on_left: Callable[[], None]) -> None:
        super().__init__(reply.body, reply.status, _without_length(reply.headers))
        self._on_left = on_left

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._on_left()


def _without_length(headers: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    return {name: value for name, value in headers if name != "content-length"}

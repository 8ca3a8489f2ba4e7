"""A request that came to another node, as the node that has its connection sees it: ASGI, whose messages come and go
over the bus (wire format: `envelope`; theory of operation: `forwarding`)."""

import asyncio
from collections import deque
from collections.abc import Callable

from starlette.requests import Request
from starlette.types import Message, Scope

from hub.server import envelope


class ForwardedRequest:
    """Until it is `done`: because all of the answer has left, or nobody waits for it any more."""

    def __init__(self, first: envelope.Request, publish: Callable[[envelope.FromOwner], None], now: float) -> None:
        self.heard_at = now
        self.first = first
        self.request = Request(_scope(first), self.receive)
        self._publish = publish
        self._pieces: deque[envelope.Request | envelope.Piece] = deque([first])
        self._received = 1
        self._has_more = first.more  # pieces that have not come
        self._wants = False  # somebody waits for the next piece
        self._stirred: asyncio.Future[None] | None = None  # of `receive`, while it waits
        self._status = 0  # until the answer has begun
        self._headers: list[tuple[str, str]] = []
        self._body = b""
        self._reply: envelope.Reply | None = None  # once it is whole
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # ------------------------------------------------------------------------------------- to whoever answers it

    async def receive(self) -> Message:
        if not self._pieces and not self._done.done():
            self._wants = self._has_more
            if self._wants:
                self._say_how_it_goes()
            self._stirred = asyncio.get_running_loop().create_future()
            try:
                await self._stirred
            finally:
                self._stirred, self._wants = None, False
        if not self._pieces:
            return {"type": "http.disconnect"}
        piece = self._pieces.popleft()
        return {"type": "http.request", "body": piece.piece, "more_body": piece.more}

    async def send(self, message: Message) -> None:
        """Waits, at the end of the answer, until that has left the other node, or never will."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"]]
            return
        self._body += message.get("body", b"")
        if not message.get("more_body", False):
            self._reply = envelope.Reply(self.first.number, self._status, self._headers, self._body)
            if not self._done.done():
                self._publish(self._reply)
                await self._done

    # ---------------------------------------------------------------------------------------- to the other node

    def hear(self, message: envelope.Piece | envelope.Going) -> None:
        if isinstance(message, envelope.Going):
            if self._reply is None:
                self._say_how_it_goes()
            else:
                self._publish(self._reply)  # it may have been lost
        elif message.place == self._received + 1:  # else it came before
            self._received += 1
            self._has_more = message.more
            self._pieces.append(message)
            self._stir()

    def end(self) -> None:
        """The other node, or its client, has gone, or has all of the answer. Idempotent."""
        if not self._done.done():
            self._done.set_result(None)
            self._stir()

    def _stir(self) -> None:
        if self._stirred is not None and not self._stirred.done():
            self._stirred.set_result(None)

    def _say_how_it_goes(self) -> None:
        self._publish(envelope.Goes(self.first.number, self._received, self._wants))


def _scope(first: envelope.Request) -> Scope:
    headers = [] if first.length is None else [(b"content-length", str(first.length).encode())]
    return {
        "type": "http",
        "method": first.method,
        "path": first.path,
        "query_string": b"",
        "headers": headers,
    }

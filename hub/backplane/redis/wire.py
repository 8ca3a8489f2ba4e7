"""One connection to one Redis server: commands out, replies in their order, what is published to us in between.

Written by hand because it is the hot path of every node: redis-py spends 40 us on a publication and 6 us on a message
received, this a tenth of both (the design's performance reference, section 3).
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

import hiredis

from hub.errors import BackplaneAway

Reply: TypeAlias = bytes | int | list["Reply"] | hiredis.ReplyError | None
Answer: TypeAlias = Callable[[Reply | BackplaneAway], None]
"""Called once with what a command got: its reply, an error reply, or `BackplaneAway` once the connection is lost."""
Word: TypeAlias = str | bytes | int

AWAY = "Redis cannot be reached"

LOOK_AGAIN_S = 0.05
"""After a server seems to be silent: whoever was held up itself reads only now what has come long ago."""


def pack(*words: Word) -> bytes:
    packed: bytes = hiredis.pack_command(words)  # type: ignore[arg-type]  # its stub asks for a tuple of one
    return packed


class Wire(asyncio.Protocol):
    """All commands of a tick leave in one write. A server that is silent for `timeout_s` with a command waiting is
    taken as gone. `push` gets every reply that no command waits for: the messages of subscriptions."""

    def __init__(self, timeout_s: float, on_lost: Callable[[], None], push: Callable[[Reply], None]) -> None:
        self._timeout_s = timeout_s
        self._on_lost = on_lost
        self._push = push
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader()
        self._transport: asyncio.Transport | None = None  # while connected
        self._waiting: deque[Answer | None] = deque()
        self._out: list[bytes] = []  # of this tick
        self._out_bytes = 0
        self._heard_at = 0.0  # when a reply came last, or the first command began to wait
        self._timer: asyncio.TimerHandle | None = None  # while commands wait
        self._silent_since = -1.0  # the last `_heard_at` after which it seemed gone

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    @property
    def unsent_bytes(self) -> int:
        return self._out_bytes + (0 if self._transport is None else self._transport.get_write_buffer_size())

    def send(self, packed: bytes, answer: Answer | None) -> None:
        """Send a command whose reply goes to `answer`; None: nobody looks at it. Never waits."""
        if self._transport is None:
            if answer is not None:
                answer(BackplaneAway(AWAY))
            return
        if not self._waiting:
            self._heard_at = self._loop.time()
            if self._timer is None:
                self._timer = self._loop.call_later(self._timeout_s, self._check)
        self._waiting.append(answer)
        self.send_unanswered(packed)

    def send_unanswered(self, packed: bytes) -> None:
        """Send a command that has no reply of its own (SUBSCRIBE and its kin are answered by what is pushed)."""
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(packed)
        self._out_bytes += len(packed)

    async def call(self, *words: Word) -> Reply:
        """One command, waited for. Raises `BackplaneAway`, or `hiredis.ReplyError` for an error reply."""
        future: asyncio.Future[Reply] = self._loop.create_future()

        def answer(reply: Reply | BackplaneAway) -> None:
            if future.done():
                return
            if isinstance(reply, hiredis.ReplyError | BackplaneAway):
                future.set_exception(reply)
            else:
                future.set_result(reply)

        self.send(pack(*words), answer)
        return await future

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # -------------------------------------------------------------------------------------- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream's transport is an asyncio.Transport

    def data_received(self, data: bytes) -> None:
        self._heard_at = self._loop.time()
        waiting, push, gets = self._waiting, self._push, self._reader.gets
        try:
            self._reader.feed(data)
            while (reply := gets()) is not False:
                if waiting:
                    answer = waiting.popleft()
                    if answer is not None:
                        answer(reply)
                else:
                    push(reply)
        except hiredis.ProtocolError:
            self.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        self._out.clear()
        self._out_bytes = 0
        waiting, self._waiting = self._waiting, deque()
        away = BackplaneAway(AWAY)
        for answer in waiting:
            if answer is not None:
                answer(away)
        self._on_lost()

    # ---------------------------------------------------------------------------------------------- inside

    def _flush(self) -> None:
        out, self._out = self._out, []
        self._out_bytes = 0
        if self._transport is not None and out:
            self._transport.write(out[0] if len(out) == 1 else b"".join(out))

    def _check(self) -> None:
        self._timer = None
        if not self._waiting:
            return
        left_s = self._heard_at + self._timeout_s - self._loop.time()
        if left_s > 0:
            self._timer = self._loop.call_later(left_s, self._check)
        elif self._silent_since == self._heard_at:
            self.close()
        else:
            self._silent_since = self._heard_at
            self._timer = self._loop.call_later(LOOK_AGAIN_S, self._check)

"""Long polling: records wait here until the client's next poll takes all of them (signalr.md 1.8).

| a poll | is answered |
|---|---|
| finds records, or gets some while it waits | 200 with all of them, whole |
| finds none for `poll_timeout_s` | 200, empty |
| while another one waits | at once if there is something; the other one: 204 |
| after the last record was taken | 204, and the connection is over |

A client that has not polled for `disconnect_timeout_s` has gone. Records that a broken answer carried are lost, as
with every server of this transport.

Rule for when it is full: with `transport_buffer_bytes` waiting it is not ready, until the next poll begins; from then
on records wait in the outbox, which has its own bound.
"""

import asyncio
from collections.abc import Callable
from typing import Literal

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hub.protocol.codec import TransferFormat
from hub.server.attachment import Carried
from hub.server.options import HubOptions
from hub.server.timers import Wheel

Polled = bytes | Literal["over", "replaced", "gone"]

NO_STORE = {"Cache-Control": "no-store"}


class LongPolling:
    """`Writer` of one connection. Begins with `begin`; `on_over` is called once, when nothing more is to be polled."""

    def __init__(self, options: HubOptions, wheel: Wheel) -> None:
        self.ready = True
        self.on_ready: Callable[[], None] = _nothing
        self.transfer_format: TransferFormat = "Text"
        self._options = options
        self._wheel = wheel
        self._connection: Carried | None = None  # from `begin` on
        self._on_over: Callable[[], None] = _nothing  # from `begin` on
        self._records: list[bytes] = []  # for the next poll
        self._bytes = 0
        self._is_closing = False
        self._is_over = False
        self._waiting: asyncio.Future[None] | None = None  # of the poll that waits
        self._answering = 0  # polls that have not been answered whole
        self._polled_at = wheel.now

    def begin(self, connection: Carried, on_over: Callable[[], None]) -> None:
        self._connection = connection
        self._on_over = on_over
        self._wheel.add(self)

    # ------------------------------------------------------------------------------------------------------- writing

    def write(self, records: bytes) -> None:
        if self._is_closing:
            return
        self._records.append(records)
        self._bytes += len(records)
        if self._bytes >= self._options.transport_buffer_bytes:
            self.ready = False
        self._wake()

    def write_with_others(self, records: bytes) -> None:
        self.write(records)

    def close(self) -> None:
        self._is_closing, self.ready = True, False
        self._wake()

    def abort(self) -> None:
        # What was written stays for the poll that may come: above all the reason of the end.
        self.close()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    # ------------------------------------------------------------------------------------------------------- polling

    async def poll(self, gone: asyncio.Future[None]) -> Polled:
        """For one GET whose client has gone when `gone` is done. Unless it says so, call `answered` afterwards."""
        self._wake()  # another poll: it finds that it was replaced
        self._waiting = None
        self._make_room()
        if not self._records and not self._is_closing:
            mine = self._waiting = asyncio.get_running_loop().create_future()
            try:
                await asyncio.wait(
                    [mine, gone], timeout=self._options.poll_timeout_s, return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                if self._waiting is mine:
                    self._waiting, replaced = None, False
                    self._polled_at = self._wheel.now
                else:
                    replaced = True
            if gone.done():
                return "gone"
            if replaced:
                return "replaced"
        if self._is_closing and not self._records:
            self.end()
            return "over"
        self._answering += 1
        records, self._records, self._bytes = b"".join(self._records), [], 0
        return records

    def answered(self) -> None:
        """The answer to a poll has left, or broken."""
        self._answering -= 1
        self._polled_at = self._wheel.now

    def _make_room(self) -> None:
        if not self.ready and not self._is_closing:
            self.ready = True
            self.on_ready()

    # -------------------------------------------------------------------------------------------------------- ending

    def end(self) -> None:
        """Nothing more is to be polled. Idempotent."""
        if self._is_over:
            return
        self._is_over = True
        self._wheel.remove(self)
        self.close()
        self._records.clear()
        self._on_over()

    def tick(self, now: float) -> None:
        if self._waiting is not None or self._answering:
            self._polled_at = now
        elif now - self._polled_at >= self._options.disconnect_timeout_s:
            assert self._connection is not None  # since `begin`
            limit = self._options.disconnect_timeout_s
            self._connection.lost(
                ConnectionError(f"The client has not polled for {limit} s, the limit (disconnect_timeout_s).")
            )
            self.end()


class PollAnswer(Response):
    """200 with the records of a poll; while it is being sent its client is not idle."""

    def __init__(self, records: bytes, poller: LongPolling) -> None:
        super().__init__(records, media_type="application/octet-stream" if records else "text/plain", headers=NO_STORE)
        self._poller = poller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._poller.answered()


def _nothing() -> None:
    pass

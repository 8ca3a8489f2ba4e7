"""The hot path of a node: one append on its way.

Packed in one expression, as a command of fourteen words takes hiredis three times as long.
"""

from collections.abc import Sequence
from typing import cast

import msgspec

from hub.backplane.base import Appended, Fence
from hub.backplane.redis.calls import Call, Moved
from hub.backplane.redis.keys import SessionKeys
from hub.backplane.redis.server import Server
from hub.backplane.redis.wire import Reply

_encode = msgspec.msgpack.Encoder().encode

# EVALSHA, its SHA, 2, both keys; then the nine arguments of `append.lua`.
_FORM = b"*14\r\n$7\r\nEVALSHA\r\n$40\r\n%b\r\n$1\r\n2\r\n" + b"$%d\r\n%b\r\n" * 11


class Append(Call[Appended]):
    """Its `future` gets what `Journal.append` promises."""

    __slots__ = ("_packable",)

    def __init__(
        self,
        moved: Moved,
        keys: SessionKeys,
        epoch: bytes,
        fence: Fence,
        number: int,
        payloads: Sequence[bytes],
        retention_ms: bytes,
    ) -> None:
        self._packable = (
            epoch,
            b"%d" % fence.number,
            fence.owner.encode(),
            b"%d" % number,
            b"%d" % len(payloads),
            _encode(payloads),
            keys.channel,
            retention_ms,
        )
        super().__init__(moved, keys.bucket, "append", (keys.head, keys.stream), self._packable)

    def send(self, server: Server) -> None:
        self._server = server
        head, stream = self._keys
        a, b, c, d, e, f, g, h = self._packable
        i = server.identity
        # fmt: off
        packed = _FORM % (
            server.shas["append"], len(head), head, len(stream), stream, len(i), i, len(a), a, len(b), b, len(c), c,
            len(d), d, len(e), e, len(f), f, len(g), g, len(h), h,
        )
        # fmt: on
        server.send_packed(packed, self)

    def read(self, reply: Reply) -> Appended:
        epoch, first, last = cast(tuple[bytes, int, int], reply)  # our own script's one kind of reply
        return Appended(epoch.decode(), first, last)

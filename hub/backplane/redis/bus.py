"""The bus: what is published on one channel in one tick leaves as one message."""

import asyncio
from collections.abc import Callable

import msgspec

from hub.backplane.base import Subscription
from hub.backplane.fanout import Fanout
from hub.backplane.redis.servers import Servers
from hub.backplane.redis.subscriptions import Subscriptions
from hub.errors import BackplaneAway

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[bytes]).decode

MAX_PACKED = 256
"""Payloads in one message."""


class Listening:
    """A listener, and the channel that it holds open."""

    __slots__ = ("_channel", "_is_open", "_listener")

    def __init__(self, listener: Subscription, channel: Subscription) -> None:
        self._listener = listener
        self._channel = channel
        self._is_open = True

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._listener.close()
            self._channel.close()


class RedisBus:
    """`Bus`. What is published while the server is away is lost, and counted in `lost`."""

    def __init__(self, servers: Servers, subscriptions: Subscriptions) -> None:
        self._servers = servers
        self._subscriptions = subscriptions
        self._fanout: Fanout[bytes] = Fanout()
        self._out: dict[str, list[bytes]] = {}  # of this tick, by channel
        self.lost = 0

    def publish(self, channel: str, payload: bytes) -> None:
        out = self._out
        payloads = out.get(channel)
        if payloads is not None:
            payloads.append(payload)
            return
        if not out:
            asyncio.get_running_loop().call_soon(self._flush)
        out[channel] = [payload]

    async def subscribe(self, channel: str, receive: Callable[[bytes], None]) -> Subscription:
        bucket, name = self._servers.keys.bus(channel)

        def deliver(packed: bytes) -> None:
            for payload in _decode(packed):
                self._fanout.publish(channel, payload)

        opened = await self._subscriptions.open(bucket, name, deliver)
        return Listening(self._fanout.add(channel, receive), opened)

    def _flush(self) -> None:
        out, self._out = self._out, {}
        for channel, payloads in out.items():
            bucket, name = self._servers.keys.bus(channel)
            try:
                server = self._servers.of(bucket)
            except BackplaneAway:
                self.lost += len(payloads)
                continue
            for begin in range(0, len(payloads), MAX_PACKED):
                packed = _encode(payloads[begin : begin + MAX_PACKED])
                server.send(None, server.publish_word, name, packed)

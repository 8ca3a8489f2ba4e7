"""What this node listens to: each channel once, however many listen here, and a while longer than anybody does.

A channel is subscribed on the server that has its bucket; when that one is lost, or another one has the bucket, it is
subscribed anew, and whoever listens is told that messages may have been lost.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

import hiredis

from hub.backplane.redis.calls import Moved
from hub.backplane.redis.keys import BUCKETS, slot_of
from hub.backplane.redis.server import Server
from hub.backplane.redis.wire import AWAY, Reply
from hub.errors import BackplaneAway

_MESSAGES = frozenset((b"message", b"smessage"))

Deliver = Callable[[bytes], None]


class Channel:
    """One channel that this node subscribes. `close` is for each `open` once."""

    __slots__ = ("_owner", "bucket", "deliver", "is_confirmed", "missed", "name", "ready", "server", "timer", "users")

    def __init__(
        self,
        owner: "Subscriptions",
        bucket: int,
        name: bytes,
        deliver: Deliver,
        missed: Callable[[], None] | None,
    ) -> None:
        self._owner = owner
        self.bucket = bucket
        self.name = name
        self.deliver = deliver
        self.missed = missed  # told after each time that messages may have been lost
        self.users = 0
        self.server: Server | None = None  # where it is, or is being, subscribed; None while that is away
        self.is_confirmed = False  # whether it hears
        self.ready: asyncio.Future[None] | None = None  # while somebody waits for the first confirmation
        self.timer: asyncio.TimerHandle | None = None  # while nobody uses it

    def close(self) -> None:
        self._owner.release(self)


class Subscriptions:
    def __init__(
        self,
        server_of: Callable[[int], Server],
        moved: Moved,
        look_again: Callable[[], None],
        unsubscribe_after_s: float,
    ) -> None:
        self._server_of = server_of
        self._moved = moved
        self._look_again = look_again  # for where buckets are
        self._after_s = unsubscribe_after_s
        self._channels: dict[bytes, Channel] = {}
        self._leaving: Counter[tuple[Server, bytes]] = Counter()  # unsubscriptions that are not confirmed yet

    @property
    def count(self) -> int:
        return len(self._channels)

    async def open(
        self, bucket: int, name: bytes, deliver: Deliver, missed: Callable[[], None] | None = None
    ) -> Channel:
        """Hear a channel from the moment this returns. The first one's `deliver` serves all. Raises BackplaneAway."""
        channel = self._channels.get(name)
        if channel is None:
            server = self._server_of(bucket)
            channel = self._channels[name] = Channel(self, bucket, name, deliver, missed)
            self._subscribe(server, [channel])
        channel.users += 1
        if channel.timer is not None:
            channel.timer.cancel()
            channel.timer = None
        try:
            if not channel.is_confirmed:
                if channel.server is None:
                    raise BackplaneAway(AWAY)
                if channel.ready is None:
                    channel.ready = asyncio.get_running_loop().create_future()
                await asyncio.shield(channel.ready)
        except BaseException:
            self.release(channel)
            raise
        return channel

    def release(self, channel: Channel) -> None:
        channel.users -= 1
        if channel.users == 0:
            channel.timer = asyncio.get_running_loop().call_later(self._after_s, self._leave, channel)

    def close(self) -> None:
        for channel in self._channels.values():
            if channel.timer is not None:
                channel.timer.cancel()
        self._channels.clear()

    # ------------------------------------------------------------------------------------------ from the servers

    def on_push(self, server: Server, reply: Reply) -> None:
        if type(reply) is list and reply[0] in _MESSAGES:  # nearly always
            channel = self._channels.get(reply[1])  # type: ignore[arg-type]  # [kind, channel, payload]
            if channel is not None:
                channel.deliver(reply[2])  # type: ignore[arg-type]  # as above
            return
        match reply:
            case [b"ssubscribe" | b"subscribe", bytes(name), *_]:
                channel = self._channels.get(name)
                if channel is not None and channel.server is server:
                    self._confirm(channel)
            case [b"sunsubscribe" | b"unsubscribe", bytes(name), *_]:
                if self._leaving[server, name] > 0:
                    self._leaving[server, name] -= 1
                    self._leaving += Counter()  # drops those at zero
                elif (channel := self._channels.get(name)) is not None and channel.server is server:
                    self._lose(channel)  # its slot has moved away
                    self._look_again()
            case hiredis.ReplyError() if str(reply).startswith("MOVED "):  # before we tried to subscribe
                slot = int(str(reply).split()[1])
                for bucket in {channel.bucket for channel in self._channels.values() if channel.server is server}:
                    if slot_of(bucket) == slot:
                        self._moved(bucket, str(reply))
            case _:  # another error: we may not listen there (any more)
                server.close()

    def follow_routes(self, routes: Sequence[Server | None]) -> None:
        """Subscribe whatever is not subscribed where its bucket is now."""
        for key in [key for key in self._leaving if not key[0].is_up]:
            del self._leaving[key]
        wanted: list[list[Channel]] = [[] for _ in range(BUCKETS)]
        for channel in self._channels.values():
            server = routes[channel.bucket]
            if server is None or not server.is_up:
                self._lose(channel)
            elif server is not channel.server:
                wanted[channel.bucket].append(channel)
        for bucket, channels in enumerate(wanted):
            server = routes[bucket]
            if server is not None and channels:
                self._subscribe(server, channels)

    # ---------------------------------------------------------------------------------------------------- inside

    def _subscribe(self, server: Server, channels: list[Channel]) -> None:
        for channel in channels:
            channel.server = server
            channel.is_confirmed = False
        server.subscribe([channel.name for channel in channels])

    def _confirm(self, channel: Channel) -> None:
        was_first = channel.ready is not None
        channel.is_confirmed = True
        if channel.ready is not None:
            channel.ready.set_result(None)
            channel.ready = None
        if channel.missed is not None and not was_first:
            channel.missed()

    def _lose(self, channel: Channel) -> None:
        channel.server = None
        channel.is_confirmed = False
        if channel.ready is not None:
            channel.ready.set_exception(BackplaneAway(AWAY))
            channel.ready.exception()  # seen, also where whoever waited has gone
            channel.ready = None

    def _leave(self, channel: Channel) -> None:
        """Nobody has listened for a while."""
        if self._channels.get(channel.name) is not channel:
            return
        del self._channels[channel.name]
        server = channel.server
        if server is not None and server.is_up:
            self._leaving[server, channel.name] += 1
            server.unsubscribe(channel.name)

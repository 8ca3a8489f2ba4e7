"""All servers of one backplane: which of them has a bucket, and that they are there.

One task looks for the layout and opens what is missing, again whenever a server is lost or says that a bucket has
moved. Another probes each server by a message to ourselves, so that a node that hears nothing does not go on unaware.
"""

import asyncio
import logging
import random
import secrets
from typing import TypeVar

import hiredis

from hub.backplane.redis.calls import Call, Plain, away
from hub.backplane.redis.keys import BUCKETS, Keys
from hub.backplane.redis.layout import Layouts
from hub.backplane.redis.options import RedisOptions
from hub.backplane.redis.server import Server
from hub.backplane.redis.subscriptions import Subscriptions
from hub.backplane.redis.url import Address, Target
from hub.backplane.redis.wire import AWAY, Reply, Word
from hub.clock import now_ms
from hub.errors import BackplaneAway, SettingsError

T = TypeVar("T")

logger = logging.getLogger("hub.backplane.redis")

HELD_UP_S = 0.2
"""A time-out that comes later than this says more of this process than of the store."""

OURS_MS = 20
"""A clock that differs from the store's by less is taken as the same: the way there takes as long."""


class Servers:
    """Opened with `running`. `subscriptions` are told of servers that come and go."""

    def __init__(self, target: Target, options: RedisOptions, keys: Keys) -> None:
        self.target = target
        self.options = options
        self.keys = keys
        self.subscriptions: Subscriptions | None = None  # set by who makes them, before the start
        self.node = secrets.token_hex(8)
        self.skew_ms = 0  # what the store's clock shows more than ours
        self.losses = 0  # servers lost; for metrics
        self._layouts = Layouts(target, options)
        self._servers: dict[Address, Server] = {}  # those that are up
        self._routes: list[Server | None] = [None] * BUCKETS
        self._changed = asyncio.Event()  # the layout is to be looked for again
        self._hold_until = 0.0  # in loop time: who held leases before an outage comes first until then
        self._heard: dict[bytes, asyncio.Event] = {}  # probes on their way, by channel
        self._away_since: float | None = None  # in loop time; while some bucket has no server
        self._tasks: list[asyncio.Task[None]] = []  # from start to close
        self._has_started = False

    # ------------------------------------------------------------------------------------------- starting, ending

    async def start(self) -> None:
        """Raises SettingsError where no server can be reached, or will not have us."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.options.start_timeout_s
        wait_s = self.options.retry_s
        while True:
            try:
                await self._refresh()
                break
            except BackplaneAway as error:
                if loop.time() + wait_s >= deadline:
                    self._drop_all()
                    raise SettingsError(
                        f"--backplane (HUBLINE_BACKPLANE) names {self.target}, and {error}: start it, or name another."
                    ) from error
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, self.options.max_retry_s)
        self._has_started = True
        self._tasks = [
            loop.create_task(self._keep(), name="redis keep"),
            loop.create_task(self._probe(), name="redis probe"),
        ]

    async def close(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._drop_all()

    def _drop_all(self) -> None:
        self._has_started = False
        for server in tuple(self._servers.values()):
            server.close()

    # ------------------------------------------------------------------------------------------------- being asked

    @property
    def away_s(self) -> float:
        """For how long some of the store has been away; 0 if it is there."""
        return 0.0 if self._away_since is None else asyncio.get_running_loop().time() - self._away_since

    @property
    def is_holding(self) -> bool:
        """Whether an outage has just ended: drivers have a lease time to renew before anybody takes their sessions."""
        return asyncio.get_running_loop().time() < self._hold_until

    def of(self, bucket: int) -> Server:
        """Raises BackplaneAway."""
        server = self._routes[bucket]
        if server is None or not server.is_up:
            raise BackplaneAway(AWAY)
        if server.is_full:
            raise BackplaneAway(
                f"{AWAY} fast enough: over max_unsent_bytes ({self.options.max_unsent_bytes}) wait for it"
            )
        return server

    def begin(self, call: Call[T]) -> asyncio.Future[T]:
        """Send a script where its bucket is. The future may raise what `run` does."""
        try:
            server = self.of(call.bucket)
        except BackplaneAway as error:
            call(error)
        else:
            call.send(server)
        return call.future

    async def run(self, bucket: int, name: str, keys: tuple[bytes, ...], *arguments: Word) -> Reply:
        """A script. Raises `BackplaneAway`, `StaleFence`, or `hiredis.ReplyError`: a mistake of ours."""
        return await self.begin(Plain(self.moved, bucket, name, keys, arguments))

    async def call(self, bucket: int, *words: Word) -> Reply:
        """A plain command on a key of a bucket. Raises as `run` does; a bucket that has just moved is away."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        server = self.of(bucket)

        def answer(reply: Reply | BackplaneAway) -> None:
            if future.done():
                return
            if isinstance(reply, hiredis.ReplyError):
                if str(reply).startswith(("MOVED ", "ASK ")):
                    self._changed.set()
                    future.set_exception(BackplaneAway(f"Redis: {reply}"))
                else:
                    future.set_exception(away(reply, server) or reply)
            elif isinstance(reply, BackplaneAway):
                future.set_exception(reply)
            else:
                future.set_result(reply)

        server.send(answer, *words)
        return await future

    # ---------------------------------------------------------------------------------------- keeping them there

    async def _keep(self) -> None:
        wait_s = self.options.retry_s
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._refresh()
            except BackplaneAway as error:
                logger.debug("looking for Redis: %s", error)
            except SettingsError as error:
                logger.error("%s", error)
            except Exception:
                logger.exception("looking for Redis failed")  # and is tried again, as the node is lost without
            if all(route is not None and route.is_up for route in self._routes):
                wait_s = self.options.retry_s
                continue
            self._changed.set()
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))
            wait_s = min(2 * wait_s, self.options.max_retry_s)

    async def _refresh(self) -> None:
        """Look for the layout and open what is missing. Raises `BackplaneAway` if anything still is."""
        layout = await self._layouts.find()
        wanted = {address for address in layout if address is not None}
        missing = [address for address in wanted if address not in self._servers]
        opened = await asyncio.gather(*(self._open(address) for address in missing), return_exceptions=True)
        for address in self._servers.keys() - wanted:
            self._servers.pop(address).close()
        self._routes = [None if address is None else self._servers.get(address) for address in layout]
        self._routes_changed()
        for error in opened:
            if isinstance(error, BaseException):
                raise error
        if None in layout:
            raise BackplaneAway(f"{self.target}: some slots have no server")

    async def _open(self, address: Address) -> None:
        assert self.subscriptions is not None
        server = Server(address, self.target, self.options, on_lost=self._on_lost, push=self.subscriptions.on_push)
        await server.open()
        self._servers[address] = server
        if self._has_started or server.uptime_s < self.options.lease_s:
            self._hold_until = asyncio.get_running_loop().time() + self.options.lease_s
        if self._has_started:
            logger.warning("Redis at %s is there again", address)

    def _on_lost(self, server: Server) -> None:
        if self._servers.get(server.address) is server:
            del self._servers[server.address]
        if self._has_started:
            self.losses += 1
            logger.warning("Redis at %s is away", server.address)
            self._changed.set()
            self._routes_changed()

    def _routes_changed(self) -> None:
        assert self.subscriptions is not None
        self._note_away()
        self.subscriptions.follow_routes(self._routes)

    def _note_away(self) -> None:
        if all(route is not None and route.is_up for route in self._routes):
            self._away_since = None
        elif self._away_since is None:
            self._away_since = asyncio.get_running_loop().time()

    def look_again(self) -> None:
        """Look for the layout: something is not where it was."""
        self._changed.set()

    def moved(self, bucket: int, text: str) -> Server | None:
        """A server said `MOVED slot host:port` or `ASK slot host:port`: the one that it names, if that is up."""
        self._changed.set()
        host, _, port = text.split()[2].rpartition(":")
        server = self._servers.get(Address(host, int(port)))
        if server is None or not server.is_up:
            return None
        if text.startswith("MOVED"):
            self._routes[bucket] = server
            self._routes_changed()
        return server

    # ------------------------------------------------------------------------------------------------ probing

    async def _probe(self) -> None:
        while True:
            await asyncio.sleep(self.options.probe_s)
            servers = {
                server: bucket for bucket, server in enumerate(self._routes) if server is not None and server.is_up
            }
            await asyncio.gather(*(self._probe_one(server, bucket) for server, bucket in servers.items()))

    async def _probe_one(self, server: Server, bucket: int) -> None:
        """A message to ourselves, as all others go. If it was accepted and is not heard, we are deaf: begin again."""
        assert self.subscriptions is not None
        channel = self.keys.probe(bucket, self.node)
        heard = self._heard[channel] = asyncio.Event()
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        try:
            async with asyncio.timeout(self.options.timeout_s):
                subscription = await self.subscriptions.open(bucket, channel, lambda _: self._on_probe(channel))
                try:
                    began = loop.time()
                    time, _ = await asyncio.gather(
                        self.call(bucket, b"TIME"), self.call(bucket, server.publish_word, channel, b"?")
                    )
                    self._learn_skew(time, loop.time() - began)
                    await heard.wait()
                finally:
                    subscription.close()
        except TimeoutError:
            if loop.time() - asked_at > self.options.timeout_s + HELD_UP_S:
                return  # it may have come while we were held up: the next probe tells
            logger.warning("Redis at %s does not bring what it took: connecting again", server.address)
            server.close()
        except (BackplaneAway, hiredis.ReplyError):
            pass  # it could not be sent, which proves nothing; what is lost is noticed elsewhere
        finally:
            del self._heard[channel]

    def _on_probe(self, channel: bytes) -> None:
        if channel in self._heard:
            self._heard[channel].set()

    def _learn_skew(self, time: Reply, took_s: float) -> None:
        match time:
            case [bytes(seconds), bytes(micros)]:
                skew = int(seconds) * 1000 + int(micros) // 1000 - now_ms()
                self.skew_ms = 0 if abs(skew) <= OURS_MS + took_s * 1000 else skew

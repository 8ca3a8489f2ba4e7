"""Requests over HTTP that come to a node for a connection that another one has (design, No sticky sessions).

The store says which node claimed the connection's token; the request goes there over the bus, its body piece by piece,
and the answer comes back whole. Theory of operation: a user is admitted where the request comes, and must be the
connection's; all other rules are the owner's own. The bus may lose what it carries and nodes may die, so the node that
waits asks whether its request is still being answered. Whatever is asked says what came so far, and both sides repeat
what the other one lacks: a piece of the body, the reply. Nothing is done twice: pieces are numbered, and of a request
that the owner never saw nothing was done. Silence for `timeout_s` is the end for either side: the client gets 404, and
the owner takes the client as gone.

A claim is kept for as long as its connection over HTTP lasts, since the next request may come to a node that has not
heard of it. WebSockets come back to no other node: their claims expire, and what is rarely asked about them goes to all
nodes, of which the owner answers.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from hub.backplane.base import Bus, Subscription
from hub.clock import now_ms
from hub.server import envelope
from hub.server.answers import is_for_events
from hub.server.asked_elsewhere import AskedRequest, ForwardedAnswer, answer_to
from hub.server.auth import Refused, User
from hub.server.claimed import ClaimedConnections
from hub.server.forwarded import ForwardedRequest
from hub.server.metrics import ServerMetrics
from hub.server.negotiated import NO_CONNECTION, Claims
from hub.server.tasks import OwnedTasks
from hub.server.timers import Wheel

KEEP_EVERY_S = 20.0
KEPT_FOR_MS = 60_000
MAX_OWNERS = 10_000

ALL = "all"
"""In the place of an owner that is not known. No node has this id."""

AnswerHere = Callable[[ForwardedRequest], Awaitable[None]]
"""Answers by the request's `send`; raises nothing that is meant for a client."""


class Forwarding:
    """Of one node, for both sides. Between `start` and `close`."""

    def __init__(
        self,
        bus: Bus,
        node_id: str,
        claims: Claims,
        claimed: ClaimedConnections,
        answer_here: AnswerHere,
        *,
        wheel: Wheel,
        tasks: OwnedTasks,
        metrics: ServerMetrics,
        timeout_s: float,
    ) -> None:
        self._bus = bus
        self._node_id = node_id
        self._claims = claims
        self._claimed = claimed
        self._answer_here = answer_here
        self._wheel = wheel
        self._tasks = tasks
        self._metrics = metrics
        self._timeout_s = timeout_s
        self._subscriptions: list[Subscription] = []  # from `start` to `close`
        self._owners: dict[str, str] = {}  # by connection id, oldest first; an owner never changes
        self._last = 0  # number of the newest request
        self._asked: dict[int, AskedRequest] = {}  # came here
        self._served: dict[tuple[str, int], ForwardedRequest] = {}  # came to other nodes; by node and number
        self._has_served = asyncio.Event()  # one more, since somebody waits for that
        self._keeping: asyncio.Task[None] | None = None  # the last time that claims were kept
        self._kept_at = 0.0

    async def start(self) -> None:
        """Raises BackplaneAway."""
        for name, receive in ((self._node_id, self._receive), (ALL, self._receive_for_all)):
            self._subscriptions.append(await self._bus.subscribe(_channel(name), receive))
        self._wheel.add(self)

    async def close(self, timeout_s: float) -> None:
        """For so long those who poll may learn that their connections have ended: afterwards nobody can tell them."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._claimed.none_over_http()
                while self._served:
                    self._has_served.clear()
                    await self._has_served.wait()
        self._wheel.remove(self)
        while self._subscriptions:
            self._subscriptions.pop().close()
        for asked in self._asked.values():
            asked.fail(Refused(404, NO_CONNECTION))
        for served in self._served.values():
            served.end()

    # ------------------------------------------------------------------------------ where the request has come to

    async def elsewhere(self, connection_id: str) -> str | None:
        """The other node that has a connection; None if no other one has. Raises Refused (503)."""
        known = self._owners.get(connection_id)
        if known is not None:
            return known
        owner = await self._claims.owner(connection_id)
        if not owner or owner == self._node_id:
            return None
        if len(self._owners) >= MAX_OWNERS:
            del self._owners[next(iter(self._owners))]
        self._owners[connection_id] = owner
        return owner

    async def ask(self, owner: str, request: Request, path: str, connection_id: str, user: User) -> Response:
        """The owner's answer to a request of a user who was admitted here. `path` says to what; the owner may be `ALL`.

        Raises Refused (404) if none comes in time, and ClientDisconnect if the client goes first.
        """
        body = await request.receive()
        if body["type"] == "http.disconnect":
            raise ClientDisconnect
        more = body.get("more_body", False)
        length = request.headers.get("content-length")
        self._last += 1
        first = envelope.Request(
            self._last, path, request.method, is_for_events(request), connection_id,
            None if length is None else int(length), user, body.get("body", b""), more,
        )  # fmt: skip
        asked = self._asked[self._last] = AskedRequest(owner, first, self._publish, self._wheel.now)
        self._metrics.requests_forwarded += 1
        self._publish(owner, first)
        try:
            reply = await answer_to(asked, request.receive, more=more)
        except BaseException:
            self._finish(asked)
            raise
        return ForwardedAnswer(reply, on_left=lambda: self._finish(asked))

    def _finish(self, asked: AskedRequest) -> None:
        del self._asked[asked.number]
        asked.answer.cancel()
        self._publish(asked.owner, envelope.Done(asked.number))

    # ------------------------------------------------------------------------------- where the connection is

    @property
    def served(self) -> int:
        """Requests that came to other nodes and are being answered here."""
        return len(self._served)

    def _be_asked(self, node_id: str, message: envelope.ToOwner) -> None:
        key = node_id, message.number
        if isinstance(message, envelope.Request):
            forwarded = ForwardedRequest(message, lambda reply: self._publish(node_id, reply), self._wheel.now)
            self._served[key] = forwarded
            self._tasks.start(self._serve(key, forwarded))
            return
        served = self._served.get(key)
        if served is None:
            return
        served.heard_at = self._wheel.now
        if isinstance(message, envelope.Done):
            served.end()
        else:
            served.hear(message)

    async def _serve(self, key: tuple[str, int], forwarded: ForwardedRequest) -> None:
        try:
            await self._answer_here(forwarded)
        finally:
            del self._served[key]
            self._has_served.set()

    # ------------------------------------------------------------------------------------------------ both

    def tick(self, now: float) -> None:
        timeout_s = self._timeout_s
        for asked in self._asked.values():
            silent_s = now - asked.heard_at
            if silent_s >= timeout_s:
                self._metrics.requests_unanswered += asked.fail(Refused(404, NO_CONNECTION))
            elif silent_s >= timeout_s / 3:
                self._publish(asked.owner, envelope.Going(asked.number))
        for served in self._served.values():
            if now - served.heard_at >= timeout_s:
                served.end()
        if now - self._kept_at >= KEEP_EVERY_S and (self._keeping is None or self._keeping.done()):
            self._kept_at = now
            if kept := self._claimed.over_http():
                self._keeping = self._tasks.start(self._claims.keep(kept, self._node_id, now_ms() + KEPT_FOR_MS))

    def _publish(self, node_id: str, message: envelope.ToOwner | envelope.FromOwner) -> None:
        self._bus.publish(_channel(node_id), envelope.pack(self._node_id, message))

    def _receive(self, payload: bytes) -> None:
        match envelope.unpack(payload):
            case envelope.Request() | envelope.Piece() | envelope.Going() | envelope.Done() as message:
                self._be_asked(envelope.sender(payload), message)
            case envelope.Goes(number) | envelope.Reply(number) as message:
                asked = self._asked.get(number)
                if asked is not None:
                    asked.owner = envelope.sender(payload)
                    asked.heard_at = self._wheel.now
                    asked.hear(message)
            case _:
                pass  # what newer nodes say

    def _receive_for_all(self, payload: bytes) -> None:
        match envelope.unpack(payload):
            case envelope.Request(connection_id=asked_for) as request if self._claimed.has(asked_for):
                self._be_asked(envelope.sender(payload), request)
            case envelope.Going() | envelope.Done() as message:
                self._be_asked(envelope.sender(payload), message)
            case _:
                pass  # for others


def _channel(node_id: str) -> str:
    return f"node:{node_id}"

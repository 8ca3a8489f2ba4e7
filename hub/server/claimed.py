"""The connections of one node by their tokens: whose each is, and which transport carries it (signalr.md 1.8).

An entry begins with the first use of a token, and ends when whoever began it drops it: with the connection, or, for
long polling, once the client has been told of the end. What is not here and cannot be claimed is 404.
"""

import asyncio
from collections.abc import Collection

from hub.protocol.negotiate import TransportName
from hub.server.auth import Refused, User
from hub.server.connection import HubConnection
from hub.server.negotiated import NO_CONNECTION, Claims, Token, Tokens
from hub.server.served import ServedHub
from hub.server.transports.long_polling import LongPolling

IN_USE = "The connection is in use by another request."
CANNOT_CHANGE = "Cannot change transports mid-connection"


class ClaimedBefore(Refused):
    """404: the token was used, here or elsewhere, and this node has no connection by it."""


class Claimed:
    """One connection that was negotiated."""

    __slots__ = ("connection", "connection_id", "polled", "poller", "posting", "stateful", "token", "transport")

    def __init__(self, token: Token, transport: TransportName) -> None:
        self.token = token
        self.connection_id = token.connection_id
        self.stateful = token.stateful and transport == "WebSockets"
        self.transport: TransportName = transport
        self.connection: HubConnection | None = None  # once it is open
        self.poller: LongPolling | None = None  # of long polling, once it is open
        self.polled = False  # a poll has come, which was answered at once
        self.posting = asyncio.Lock()  # bodies of POSTs come one after the other


class ClaimedConnections:
    """Of all hubs."""

    def __init__(self, tokens: Tokens, claims: Claims, node_id: str) -> None:
        self._tokens = tokens
        self._claims = claims
        self._node_id = node_id
        self._claimed: dict[str, Claimed] = {}
        self._has_dropped = asyncio.Event()  # one more, since somebody waits for that

    def find(self, served: ServedHub, text: str | None) -> tuple[Token, Claimed | None]:
        """What a token says and, if it was used on this node, its connection. Raises Refused (400, 404)."""
        if not text:
            raise Refused(400, "Connection ID required")
        token = self._tokens.read(text, served.path)
        return token, self._claimed.get(token.connection_id)

    def by_id(self, connection_id: str) -> tuple[Token, Claimed]:
        """For a request whose token another node has read. Raises Refused (404)."""
        claimed = self._claimed.get(connection_id)
        if claimed is None:
            raise Refused(404, NO_CONNECTION)
        return claimed.token, claimed

    def has(self, connection_id: str) -> bool:
        return connection_id in self._claimed

    def over_http(self) -> list[str]:
        """The ids of those whose requests may come to any node."""
        return [connection_id for connection_id, each in self._claimed.items() if each.transport != "WebSockets"]

    async def none_over_http(self) -> None:
        """Wait until they are over: their connections have ended, and those who poll know it."""
        while self.over_http():
            self._has_dropped.clear()
            await self._has_dropped.wait()

    def check_user(self, token: Token, user: User) -> None:
        """Raises Refused (403)."""
        self._tokens.check_user(token, user)

    def known(self, found: tuple[Token, Claimed | None], user: User) -> Claimed:
        """For what needs an open connection. Raises Refused (404, 403)."""
        token, claimed = found
        if claimed is None or claimed.connection is None:
            raise Refused(404, NO_CONNECTION)
        self._tokens.check_user(token, user)
        return claimed

    def again(self, found: tuple[Token, Claimed | None], user: User, transport: TransportName) -> Claimed | None:
        """The open connection that a transport comes back to; None if this is a first use. Raises Refused (400, 403,
        409)."""
        token, claimed = found
        self._tokens.check_user(token, user)
        if claimed is None:
            return None
        if claimed.transport != transport:
            raise Refused(400, CANNOT_CHANGE)
        if claimed.connection is None:
            raise Refused(409, "The connection is being opened by another request.")
        claimed.connection.come_again(user)
        return claimed

    async def claim(self, token: Token, transport: TransportName) -> Claimed:
        """First use. Whoever calls this must `drop` it. Raises Refused (404, of which ClaimedBefore is
        one; 409, 503)."""
        self._tokens.check_fresh(token)
        if token.connection_id in self._claimed:  # since it was looked for
            raise Refused(409, "The connection is being opened by another request.")
        claimed = self._claimed[token.connection_id] = Claimed(token, transport)
        try:
            if not await self._claims.claim(token.connection_id, self._node_id, token.expires_at_ms):
                raise ClaimedBefore(404, NO_CONNECTION)
        except BaseException:
            self.drop(claimed)
            raise
        return claimed

    def finished(self, claimed: Claimed) -> None:
        """Its connection has ended, or was never made. A poller ends by itself, once its client knows."""
        if claimed.poller is None or claimed.connection is None:
            self.drop(claimed)

    def drop(self, claimed: Claimed) -> None:
        """It is over. Idempotent."""
        self._claimed.pop(claimed.connection_id, None)
        self._has_dropped.set()


def check_offered(transports: Collection[TransportName], transport: TransportName) -> None:
    """Raises Refused (404) for a transport that the hub does not offer."""
    if transport not in transports:
        raise Refused(404, f"{transport} transport not supported by this end point type")

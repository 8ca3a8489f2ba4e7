"""Opening a connection of one hub, by whatever transport: its user is admitted, its token claimed, its place taken."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Protocol

from starlette.requests import HTTPConnection

from hub.protocol import negotiate
from hub.server.answers import address_of, facts_of
from hub.server.auth import Gate, User
from hub.server.claimed import Claimed, ClaimedConnections
from hub.server.connection import HubConnection
from hub.server.forwarding import Forwarding
from hub.server.hub import HttpFacts
from hub.server.metrics import ServerMetrics
from hub.server.negotiated import Token, Tokens
from hub.server.outbox import Writer
from hub.server.served import ServedHub


class Reception(Protocol):
    """The server, as far as its endpoints need it; `HubServer` says what each does."""

    gate: Gate
    metrics: ServerMetrics
    tokens: Tokens
    claimed: ClaimedConnections
    forwarding: Forwarding | None  # where other nodes share the tokens

    def check_running(self) -> None: ...
    async def admit(self, request: HTTPConnection, served: ServedHub) -> User: ...
    def place_for(self, user: User, address: str | None) -> AbstractContextManager[None]: ...
    def connect(
        self, served: ServedHub, writer: Writer, *, user: User, http: HttpFacts, connection_id: str | None = None,
        transport: negotiate.TransportName = "WebSockets", stateful: bool = False,
    ) -> HubConnection: ...  # fmt: skip


class Opening:
    """Of one hub."""

    def __init__(self, server: Reception, served: ServedHub) -> None:
        self._server = server
        self._served = served

    async def admit(self, request: HTTPConnection, claimed: Claimed | None) -> User:
        """Only what opens a connection counts as a new one."""
        if claimed is None:
            return await self._server.admit(request, self._served)
        self._server.check_running()
        return await self._server.gate.admit(request)

    async def claim(
        self,
        held: ExitStack,
        request: HTTPConnection,
        user: User,
        token: Token | None,
        transport: negotiate.TransportName,
    ) -> Claimed | None:
        """Take a place and claim the token, if there is one; `held` gives back. Raises Refused."""
        held.enter_context(self._server.place_for(user, address_of(request)))
        if token is None:
            return None
        claimed = await self._server.claimed.claim(token, transport)
        held.callback(self._server.claimed.finished, claimed)
        return claimed

    def connect(
        self, held: ExitStack, request: HTTPConnection, user: User, claimed: Claimed | None, writer: Writer,
        transport: negotiate.TransportName,
    ) -> tuple[HubConnection, Callable[[], None]]:  # fmt: skip
        """A connection, and what gives back all that `held` holds, to be called when it has finished."""
        connection = self._server.connect(
            self._served,
            writer,
            user=user,
            http=facts_of(request),
            connection_id=None if claimed is None else claimed.connection_id,
            transport=transport,
            stateful=claimed is not None and claimed.stateful,
        )
        if claimed is not None:
            claimed.connection = connection
        return connection, held.pop_all().close

"""Opening a connection of one hub, by whatever transport: its user is admitted, its token claimed, its place taken."""

from collections.abc import Callable
from types import TracebackType
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
from hub.server.places import Place
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
    def place_for(self, user: User, address: str | None) -> Place: ...
    def connect(
        self, served: ServedHub, writer: Writer, *, user: User, http: HttpFacts, connection_id: str | None = None,
        transport: negotiate.TransportName = "WebSockets", stateful: bool = False,
    ) -> HubConnection: ...  # fmt: skip


class Held:
    """What a connection has taken: given back at the end of the `with`, unless it is kept, and then when it is over."""

    __slots__ = ("claimed", "claims", "is_kept", "place")

    def __init__(self) -> None:
        self.place: Place | None = None
        self.claimed: Claimed | None = None
        self.claims: ClaimedConnections | None = None  # where it was claimed
        self.is_kept = False

    def give_back(self) -> None:
        """Idempotent."""
        claims, self.claims = self.claims, None
        if claims is not None and self.claimed is not None:
            claims.finished(self.claimed)
        if self.place is not None:
            self.place.give_back()

    def __enter__(self) -> "Held":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if not self.is_kept:
            self.give_back()


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
        held: Held,
        request: HTTPConnection,
        user: User,
        token: Token | None,
        transport: negotiate.TransportName,
    ) -> Claimed | None:
        """Take a place and claim the token, if there is one; `held` gives back. Raises Refused."""
        held.place = self._server.place_for(user, address_of(request))
        if token is None:
            return None
        claimed = await self._server.claimed.claim(token, transport)
        held.claimed, held.claims = claimed, self._server.claimed
        return claimed

    def connect(
        self, held: Held, request: HTTPConnection, user: User, claimed: Claimed | None, writer: Writer,
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
        held.is_kept = True
        return connection, held.give_back

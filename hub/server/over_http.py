"""Server-sent events and long polling: each GET, POST and DELETE of one hub's connections (signalr.md 1.8).

A request may come to any node. The one that has the connection answers; where that is another one, the request is
admitted here and goes there (`forwarding`). A stream of events or a first poll opens its connection where it comes.
"""

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from hub.server.answers import is_for_events, refusal
from hub.server.auth import Refused, User
from hub.server.claimed import IN_USE, Claimed, ClaimedBefore, check_offered
from hub.server.forwarded import ForwardedRequest
from hub.server.negotiated import NO_CONNECTION, Token
from hub.server.opening import Held, Opening, Reception
from hub.server.served import ServedHub
from hub.server.transports.http_reading import gone, take_body
from hub.server.transports.long_polling import NO_STORE, LongPolling, PollAnswer
from hub.server.transports.sse import EventStream

Found = tuple[Token, Claimed | None]
"""What a token says, and its connection on this node."""


class OverHttp:
    """Of one hub."""

    def __init__(self, server: Reception, served: ServedHub) -> None:
        self._server = server
        self._served = served
        self._opening = Opening(server, served)

    async def answer(self, request: Request) -> Response:
        """To a GET, POST or DELETE. Raises Refused, ClientDisconnect."""
        found = self._server.claimed.find(self._served, request.query_params.get("id"))
        if found[1] is None and (owner := await self._owner_elsewhere(found[0])) is not None:
            return await self._forward(request, found[0], owner)
        try:
            return await self._here(request, found)
        except ClaimedBefore:
            # Perhaps by another first request, at the same time, that came to another node.
            owner = await self._owner_elsewhere(found[0])
            if owner is None:
                raise
            return await self._forward(request, found[0], owner)

    async def answer_afar(self, forwarded: ForwardedRequest) -> None:
        """To a request that came to another node, which has admitted its user. Nothing is opened by it."""
        try:
            response = await self._of_afar(forwarded)
        except Refused as refused:
            response = refusal(self._server.metrics, refused)
        except ClientDisconnect:
            return
        await response(forwarded.request.scope, forwarded.receive, forwarded.send)

    async def _owner_elsewhere(self, token: Token) -> str | None:
        """Raises Refused (503)."""
        forwarding = self._server.forwarding
        if forwarding is None:
            return None
        self._server.check_running()
        return await forwarding.elsewhere(token.connection_id)

    async def _forward(self, request: Request, token: Token, owner: str) -> Response:
        """Raises as `answer`."""
        user = await self._server.gate.admit(request)
        self._server.claimed.check_user(token, user)
        assert self._server.forwarding is not None  # it has found the owner
        return await self._server.forwarding.ask(owner, request, self._served.path, token.connection_id, user)

    async def _here(self, request: Request, found: Found) -> Response:
        """Raises as `answer`."""
        match request.method:
            case "GET" if is_for_events(request):
                return await self._stream(request, found)
            case "GET":
                return await self._poll(request, found)
            case "POST":
                return await self._take(request, await self._posted_to(request, found))
            case _:
                return self._end(await self._known(request, found))

    async def _of_afar(self, forwarded: ForwardedRequest) -> Response:
        """By the rules of a request that came here. Raises as `answer`."""
        first, claimed = forwarded.first, self._server.claimed
        found = claimed.by_id(first.connection_id)
        match first.method:
            case "GET" if first.for_events:
                self._check_new_stream(found, first.user)
                raise Refused(404, NO_CONNECTION)
            case "GET":
                check_offered(self._served.options.transports, "LongPolling")
                again = claimed.again(found, first.user, "LongPolling")
                assert again is not None  # since it was found
                return await self._answer_poll(forwarded.request, again)
            case "POST":
                return await self._take(forwarded.request, claimed.known(found, first.user))
            case _:
                return self._end(claimed.known(found, first.user))

    # -------------------------------------------------------------------------------------------- server-sent events

    async def _stream(self, request: Request, found: Found) -> Response:
        user = await self._opening.admit(request, found[1])
        self._check_new_stream(found, user)
        with Held() as held:
            claimed = await self._opening.claim(held, request, user, found[0], "ServerSentEvents")
            stream = EventStream(self._served.options.close_timeout_s)
            connection, release = self._opening.connect(held, request, user, claimed, stream.writer, "ServerSentEvents")
            stream.connection = connection
        connection.finished.add_done_callback(lambda _: release())
        return stream

    def _check_new_stream(self, found: Found, user: User) -> None:
        """Raises Refused."""
        check_offered(self._served.options.transports, "ServerSentEvents")
        if self._server.claimed.again(found, user, "ServerSentEvents") is not None:
            raise Refused(409, IN_USE)

    # -------------------------------------------------------------------------------------------------- long polling

    async def _poll(self, request: Request, found: Found) -> Response:
        user = await self._opening.admit(request, found[1])
        check_offered(self._served.options.transports, "LongPolling")
        claimed = self._server.claimed.again(found, user, "LongPolling")
        if claimed is None:
            claimed = await self._begin_polling(request, user, found[0])
        return await self._answer_poll(request, claimed)

    async def _answer_poll(self, request: Request, claimed: Claimed) -> Response:
        poller = claimed.poller
        assert poller is not None  # set with the connection
        if not claimed.polled:
            claimed.polled = True
            return Response(media_type="text/plain", headers=NO_STORE)
        async with gone(request.receive) as client_gone:
            polled = await poller.poll(client_gone)
        if isinstance(polled, bytes):
            return PollAnswer(polled, poller)
        return Response(status_code=204, media_type="text/plain")

    async def _begin_polling(self, request: Request, user: User, token: Token) -> Claimed:
        """The first poll opens the connection, and is answered at once. Raises Refused."""
        server = self._server
        with Held() as held:
            claimed = await self._opening.claim(held, request, user, token, "LongPolling")
            assert claimed is not None
            claimed.poller = poller = LongPolling(self._served.options, self._served.wheel)
            connection, release = self._opening.connect(held, request, user, claimed, poller, "LongPolling")
            connection.finished.add_done_callback(lambda _: release())
            poller.begin(connection, on_over=lambda: server.claimed.drop(claimed))
        return claimed

    # --------------------------------------------------------------------------------------------------- of both

    async def _known(self, request: Request, found: Found) -> Claimed:
        """What a POST or DELETE is about. Raises Refused."""
        self._server.check_running()
        return self._server.claimed.known(found, await self._server.gate.admit(request))

    async def _posted_to(self, request: Request, found: Found) -> Claimed:
        """What a POST is about. Raises Refused.

        Some clients (PyPI's signalrcore) send their handshake before they poll for the first time.
        """
        if found[1] is not None or "LongPolling" not in self._served.options.transports:
            return await self._known(request, found)
        user = await self._opening.admit(request, None)
        self._server.claimed.again(found, user, "LongPolling")  # checks whose it is
        return await self._begin_polling(request, user, found[0])

    async def _take(self, request: Request, claimed: Claimed) -> Response:
        connection = claimed.connection
        assert connection is not None  # since it is known, or has begun
        if claimed.transport == "WebSockets":
            return PlainTextResponse(
                "POST requests are not allowed for WebSocket connections.", 405, headers={"Allow": "GET"}
            )
        async with claimed.posting:
            if connection.is_closed:
                raise Refused(404, NO_CONNECTION)
            await take_body(request, connection, self._served.options.max_body_bytes)
        return PlainTextResponse("")

    def _end(self, claimed: Claimed) -> Response:
        connection = claimed.connection
        assert connection is not None  # since it is known
        if claimed.poller is None:
            return PlainTextResponse("Cannot terminate this connection using the DELETE HTTP method.", 400)
        connection.lost(None)
        claimed.poller.end()
        return PlainTextResponse("", 202)

"""Gives files of sessions to who may see the session: `GET /files/{sessionId}/{fileId}`, by the rules of the hub.

The OpenAPI document has it with the operations of the HTTP API, whose problems are its own.

What users have uploaded is never shown as a page of this origin: it is a download, its type is not guessed, and if a
browser shows it all the same, it runs nothing.
"""

import asyncio
from contextlib import ExitStack, suppress
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from hub.api.door import Door
from hub.api.problems import Problem
from hub.api.refusals import problem_of
from hub.chat.parts import FilePart
from hub.errors import BackplaneAway, CallError
from hub.runs.files.store import SessionFiles, StoredFile
from hub.server.answers import preflight
from hub.server.auth import Refused
from hub.server.opening import Reception
from hub.server.places import Place
from hub.server.served import ServedHub

PATH = "/files/{session_id}/{file_id}"
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
_VARY = "Authorization, Cookie, Origin"
_EXPOSED = "Content-Disposition, Retry-After"
PIECE_BYTES = 128 * 1024
CONTENT_SECURITY_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"


class Downloads:
    """Of one node. `served` is the hub whose rules hold."""

    def __init__(self, files: SessionFiles, server: Reception, served: ServedHub) -> None:
        self._files = files
        self._server = server
        self._served = served
        self._door = Door(server, served)

    def routes(self) -> list[BaseRoute]:
        return [Route(PATH, self._answer, methods=METHODS)]

    async def _answer(self, request: Request) -> Response:
        if (asked := preflight(request)) is not None:
            return self._shared(request, asked)
        try:
            _check_method(request.method)
            user = await self._door.admit(request, immediate=False, opens=True)
            place = self._door.place_for(user, request)
        except (CallError, Refused, Problem) as error:
            return self._refused(request, error)
        with ExitStack() as held:
            held.enter_context(place)
            try:
                file = await self._files.open(
                    user.key, request.path_params["session_id"], request.path_params["file_id"]
                )
                first = b"" if request.method == "HEAD" else await file.read(0, PIECE_BYTES)
            except (CallError, BackplaneAway) as error:
                return self._refused(request, error)
            held.pop_all()  # the answer gives it back
        timeout_s = self._served.options.transport_send_timeout_s
        longest_s = self._files.limits.longest_s(file.part.size, timeout_s)
        return self._shared(request, _File(file, first, place, timeout_s=timeout_s, longest_s=longest_s))

    def _refused(self, request: Request, error: CallError | Refused | BackplaneAway | Problem) -> Response:
        if isinstance(error, Refused):
            self._server.metrics.connections_refused += 1
        problem = error if isinstance(error, Problem) else problem_of(error)
        response = self._shared(request, problem.answer())
        if request.method == "HEAD":
            response.body = b""  # its length stays in the headers
        return response

    def _shared(self, request: Request, response: Response) -> Response:
        """With what lets pages of allowed origins read it."""
        cors = self._server.gate.cors_headers(request)
        response.headers.update({**cors, "Access-Control-Expose-Headers": _EXPOSED, "Vary": _VARY} if cors else {})
        return response


class _File(Response):
    """In pieces, each read when the one before it is taken, so that who reads slowly holds one of them, for `timeout_s`
    at most, and not longer than `longest_s` over all. `first` is the first piece; empty: the headers are all that is
    sent. `place` is given back at its end."""

    def __init__(self, file: StoredFile, first: bytes, place: Place, *, timeout_s: float, longest_s: float) -> None:
        part = file.part
        super().__init__(media_type=part.media_type, headers={**_headers(part), "content-length": str(part.size)})
        self._file = file
        self._first = first
        self._place = place
        self._timeout_s = timeout_s
        self._longest_s = longest_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # An answer that is not whole is broken off: its reader is too slow, or the rest of the file is gone or away.
        with self._place, suppress(TimeoutError, CallError, BackplaneAway):
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async with asyncio.timeout(self._longest_s):
                await self._send_pieces(send)
            await send({"type": "http.response.body", "body": b""})

    async def _send_pieces(self, send: Send) -> None:
        piece, sent = self._first, 0
        self._first = b""
        while piece:
            async with asyncio.timeout(self._timeout_s):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            sent += len(piece)
            piece = await self._file.read(sent, PIECE_BYTES) if sent < self._file.part.size else b""


def _check_method(method: str) -> None:
    if method not in ("GET", "HEAD"):
        text = f"{method[:20]} is not allowed here. Use GET."
        raise Problem(405, "method_not_allowed", text, headers={"allow": "GET, HEAD"})


def _headers(part: FilePart) -> dict[str, str]:
    ascii_name = "".join(char if char.isascii() and char not in '"\\%' else "_" for char in part.name)
    name = f"filename=\"{ascii_name}\"; filename*=UTF-8''{quote(part.name, safe='')}"
    return {
        "content-disposition": f"attachment; {name}",
        "x-content-type-options": "nosniff",
        "content-security-policy": CONTENT_SECURITY_POLICY,
        "cache-control": "private, max-age=3600",
        "vary": _VARY,
        "referrer-policy": "no-referrer",
    }

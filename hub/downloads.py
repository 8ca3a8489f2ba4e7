"""Gives files of sessions to who may see the session: `GET /files/{sessionId}/{fileId}`, by the rules of the hub.

What users have uploaded is never shown as a page of this origin: it is a download, its type is not guessed, and if a
browser shows it all the same, it runs nothing.
"""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hub.api.door import Door
from hub.api.problems import problem_of
from hub.chat.parts import FilePart
from hub.errors import BackplaneAway, CallError
from hub.runs.files.store import SessionFiles
from hub.server.auth import Refused
from hub.server.opening import Reception
from hub.server.served import ServedHub

PATH = "/files/{session_id}/{file_id}"
CONTENT_SECURITY_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"


class Downloads:
    """Of one node. `served` is the hub whose rules hold."""

    def __init__(self, files: SessionFiles, server: Reception, served: ServedHub) -> None:
        self._files = files
        self._server = server
        self._door = Door(server, served)

    def routes(self) -> list[BaseRoute]:
        return [Route(PATH, self._answer, methods=["GET"])]

    async def _answer(self, request: Request) -> Response:
        try:
            user = await self._door.admit(request, immediate=False, opens=False)
            part, content = await self._files.open(
                user.key, request.path_params["session_id"], request.path_params["file_id"]
            )
        except (CallError, Refused, BackplaneAway) as error:
            if isinstance(error, Refused):
                self._server.metrics.connections_refused += 1
            response = problem_of(error).answer()
        else:
            response = Response(content, media_type=part.media_type, headers=_headers(part))
        response.headers.update(self._server.gate.cors_headers(request))
        if request.method == "HEAD":
            response.body = b""  # its length stays in the headers
        return response


def _headers(part: FilePart) -> dict[str, str]:
    ascii_name = "".join(char if char.isascii() and char not in '"\\%' else "_" for char in part.name)
    name = f"filename=\"{ascii_name}\"; filename*=UTF-8''{quote(part.name, safe='')}"
    return {
        "content-disposition": f"attachment; {name}",
        "x-content-type-options": "nosniff",
        "content-security-policy": CONTENT_SECURITY_POLICY,
        "cache-control": "private, max-age=3600",
        "vary": "Authorization, Cookie",
        "referrer-policy": "no-referrer",
    }

"""`HttpApi`: the ASGI application below `/api`. It finds the operation, admits its user, and says what is wrong.

What is checked, in this order: path (404) and method (405), user, origin and rates (401, 403, 429, 503), then the body.
"""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import msgspec
from prometheus_client import CollectorRegistry, Counter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from hub.api.door import Door, LongAnswers
from hub.api.endpoints import Endpoints
from hub.api.openapi import document
from hub.api.operations import API, OPERATIONS, Operation
from hub.api.problems import Problem
from hub.api.refusals import problem_of
from hub.errors import BackplaneAway, CallError
from hub.runs.chats import Chats
from hub.server.answers import preflight
from hub.server.auth import Refused
from hub.server.opening import Reception
from hub.server.served import ServedHub

logger = logging.getLogger("hub.api")

DOCUMENT = "/openapi.json"
_EXPOSED = "Location, Preference-Applied, Retry-After"
_METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"})


class HttpApi:
    """Of one node. `served` is the hub whose options and rules hold; `limits` are those that clients are told of;
    `registry` has the metrics."""

    def __init__(
        self,
        chats: Chats,
        server: Reception,
        served: ServedHub,
        new_id: Callable[[str], str],
        limits: Mapping[str, int],
    ) -> None:
        self._server = server
        self._door = Door(server, served)
        self._answers = LongAnswers()
        self._close_timeout_s = served.options.close_timeout_s
        self._endpoints = Endpoints(chats, self._door, self._answers, served.options, new_id, limits).by_name
        self._paths = _paths(OPERATIONS)
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "hubline_api_requests",
            "Requests of the HTTP API that were answered, by route and status.",
            ("method", "route", "status"),
            registry=self.registry,
        )

    def routes(self) -> list[BaseRoute]:
        below = Mount(API, self)
        below.path_regex = re.compile(below.path_regex.pattern, re.DOTALL)  # ids in paths may hold line breaks
        return [below, Route(API, self)]

    async def move(self, spread_s: float) -> None:
        """Tell the clients of answers that last to come again, spread over time. The server lets no new ones in."""
        await self._answers.move(spread_s)

    async def close(self) -> None:
        """End all answers that last. The server lets no new ones in."""
        await self._answers.close(2 * self._close_timeout_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close"})  # before it is accepted, which is 403
            return
        request = Request(scope, receive)
        route, by_method, path_params = self._find(scope["path"].removeprefix(scope.get("root_path", "")))
        scope["path_params"] = path_params
        with suppress(ClientDisconnect):
            response = await self._answer(request, route, by_method)
            cors = self._server.gate.cors_headers(request)
            response.headers.update({**cors, "Access-Control-Expose-Headers": _EXPOSED} if cors else {})
            method = request.method if request.method in _METHODS else "other"
            self._requests.labels(method, route, str(response.status_code)).inc()
            if request.method == "HEAD":
                response.body = b""  # its length stays in the headers
            await response(scope, receive, send)

    def _find(self, path: str) -> tuple[str, Mapping[str, Operation], dict[str, str]]:
        """The route, its operations by method, and the path's parameters."""
        for route, (pattern, by_method) in self._paths.items():
            if (found := pattern.fullmatch(path)) is not None:
                return route, by_method, found.groupdict()
        return (DOCUMENT if path == DOCUMENT else "none"), {}, {}

    async def _answer(self, request: Request, route: str, by_method: Mapping[str, Operation]) -> Response:
        """Raises ClientDisconnect."""
        try:
            if (asked := preflight(request)) is not None:
                return asked
            if route == DOCUMENT:
                return _document(request)
            return await self._do(request, by_method)
        except Problem as problem:
            return problem.answer()
        except (CallError, Refused, BackplaneAway) as error:
            if isinstance(error, Refused):
                self._server.metrics.connections_refused += 1
            return problem_of(error).answer()
        except ClientDisconnect:
            raise
        except Exception:
            logger.exception("a request of the HTTP API failed")
            text = "Something went wrong here. Try again, and tell who runs this server if it stays so."
            return Problem(500, "internal_error", text).answer()

    async def _do(self, request: Request, by_method: Mapping[str, Operation]) -> Response:
        if not by_method:
            raise Problem(404, "not_found", "There is nothing at this address. /api/openapi.json says what there is.")
        operation = by_method.get(request.method)
        if operation is None:
            raise _wrong_method(request, by_method)
        user = await self._door.admit(request, immediate=operation.is_immediate, opens=operation.is_long)
        return await self._endpoints[operation.name](request, user)


def _document(request: Request) -> Response:
    if request.method not in ("GET", "HEAD"):
        raise _wrong_method(request, ("GET", "HEAD"))
    root = request.scope.get("root_path", "").removesuffix(API)
    return Response(
        msgspec.json.encode(document(root)), headers={"cache-control": "no-cache"}, media_type="application/json"
    )


def _wrong_method(request: Request, allowed: Sequence[str] | Mapping[str, Operation]) -> Problem:
    names = ", ".join(allowed)
    text = f"{request.method[:20]} is not allowed here. Use {names}."
    return Problem(405, "method_not_allowed", text, headers={"allow": names})


def _paths(operations: Sequence[Operation]) -> dict[str, tuple[re.Pattern[str], dict[str, Operation]]]:
    """By path: what it matches, and its operations by method. HEAD is GET where that ends."""
    found: dict[str, tuple[re.Pattern[str], dict[str, Operation]]] = {}
    for operation in operations:
        # Ids of calls are the provider's, and may hold a slash.
        pattern = re.sub(
            r"\{(\w+)\}", lambda name: f"(?P<{name[1]}>{'.+' if name[1] == 'callId' else '[^/]+'})", operation.path
        )
        _, by_method = found.setdefault(operation.path, (re.compile(pattern, re.DOTALL), {}))
        by_method[operation.method] = operation
        if operation.method == "GET" and operation.streams == "never":
            by_method["HEAD"] = operation
    return found

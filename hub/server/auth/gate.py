"""The rules that every request passes which opens or negotiates a connection.

Order of the checks: forwarding headers, addresses and Host (against DNS rebinding) where everybody is anonymous, then
Origin, then `authenticate`. Each refusal is a `Refused` with its HTTP status and one sentence.
"""

import inspect
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection

from hub.errors import CallError
from hub.server.auth.forwarded import forwarding_header
from hub.server.auth.origins import Origins, host_name, is_elsewhere, is_same_origin
from hub.server.auth.refused import Refused, unauthorized
from hub.server.auth.user import ANONYMOUS, User

Authenticate = Callable[[HTTPConnection], Awaitable[User | None] | User | None]
"""From the HTTP request (of the negotiation, the upgrade or the API) to its user; None refuses with 401."""

MAX_TOKEN_CHARS = 16_384
"""Longer ones are refused unread."""

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_OURS = frozenset({"same-origin", "none"})
"""Sec-Fetch-Site of our own pages, and of what no page asked for."""


def bearer_token(request: HTTPConnection) -> str | None:
    """The token of `Authorization: Bearer`, or of `?access_token=` where a browser cannot set headers (T1)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return request.query_params.get("access_token") or None


def token_of(request: HTTPConnection, cookie: str | None = None) -> str | None:
    """The request's token: a bearer token, or else the cookie of that name.

    Whoever reads a cookie names it to the gate too (`token_cookie`), which then holds requests to the stricter rule.
    """
    token = bearer_token(request)
    return token if token is not None or cookie is None else request.cookies.get(cookie) or None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The rules of one server."""

    authenticate: Authenticate | None = None
    anonymous_allowed: bool = False
    """Only true while the bind address is loopback (design, section 5)."""
    allowed_origins: Collection[str] = ()
    """Besides the same origin: `https://host[:port]`, `https://*.host`, or `*`."""
    allowed_hosts: Collection[str] = ()
    """Host names besides loopback's under which anonymous use is served."""
    token_cookie: str | None = None
    """The cookie that `authenticate` reads a token from, if it does. Browsers send it with any page's requests."""
    origins: Origins = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "origins", Origins(self.allowed_origins))

    async def admit(self, request: HTTPConnection) -> User:
        """The request's user. Raises Refused."""
        if self.authenticate is None:
            self._check_anonymous(request)
            self.check_origin(request)
            return ANONYMOUS
        self.check_origin(request)
        if self.token_cookie is not None and bearer_token(request) is None and self.token_cookie in request.cookies:
            self._check_cookie(request)
        user = await self._authenticated(request)
        if user is None:
            raise unauthorized("A valid token is needed.")
        return user

    async def refresh(self, token: str, user: User, path: str = "/") -> User:
        """The same user by a newer token, sent over a connection that is open. Raises CallError.

        `authenticate` sees a request whose only header is that token.
        """
        if self.authenticate is None:
            return user
        if not token or len(token) > MAX_TOKEN_CHARS or not token.isascii() or not token.isprintable():
            raise CallError("token_expired", "This is no token. Get a new one and send it as text.")
        headers = [(b"authorization", b"Bearer " + token.encode())]
        scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": b""}
        try:
            fresh = await self._authenticated(HTTPConnection(scope))
        except Refused as refused:
            if refused.status == 503:
                raise CallError("unavailable", refused.reason) from refused
            raise CallError("token_expired", f"{refused.reason} Get a new one and send that.") from refused
        if fresh is None:
            raise CallError("token_expired", "The new token is not valid. Get a new one and send that.")
        if fresh.key != user.key or fresh.anonymous != user.anonymous:
            raise CallError("forbidden", "The new token is another user's. Connect again to be that user.")
        return fresh

    def check_origin(self, request: HTTPConnection) -> None:
        """Cross-site pages may not connect; clients that are no browsers send no Origin. Raises Refused.

        Where a browser leaves Origin out of a request that may change something, its Sec-Fetch-Site is believed.
        """
        if self.origins.any:
            return
        origin = request.headers.get("origin")
        if origin is not None and not self._is_known(origin, request):
            raise Refused(403, f"The origin {origin[:200]} is not allowed here; add it to the setting allowed_origins.")
        is_reading = request.scope.get("method") in _READING
        if origin is None and not is_reading and request.headers.get("sec-fetch-site", "none") not in _OURS:
            raise Refused(403, "A page of another site asks without its Origin: it may not change anything here.")

    def cors_headers(self, request: HTTPConnection) -> dict[str, str]:
        """For answers to pages of the origins in `allowed_origins`; empty for all others."""
        origin = request.headers.get("origin", "")
        headers = {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": "GET, POST, DELETE",
            "Access-Control-Allow-Headers": request.headers.get("access-control-request-headers", ""),
            "Vary": "Origin",
        }
        if origin and self.origins.lists(origin):
            return {**headers, "Access-Control-Allow-Credentials": "true"}
        return headers if origin and self.origins.any else {}

    async def _authenticated(self, request: HTTPConnection) -> User | None:
        assert self.authenticate is not None
        user = self.authenticate(request)
        return await user if inspect.isawaitable(user) else user

    def _is_known(self, origin: str, request: HTTPConnection) -> bool:
        return self.origins.lists(origin) or is_same_origin(origin, request.headers.get("host", ""))

    def _check_cookie(self, request: HTTPConnection) -> None:
        """A browser adds the cookie by itself, so only pages that are known by name may use it: `*` is not enough,
        and no Origin only where the browser says that the page is ours (it sends none with its own GETs)."""
        origin = request.headers.get("origin")
        if origin is None:
            is_ours = request.headers.get("sec-fetch-site") == "same-origin"
        else:
            is_ours = self._is_known(origin, request)
        if not is_ours:
            raise Refused(
                403,
                "A token in a cookie is taken from pages of this origin or of one listed in allowed_origins only; "
                "other clients send it in the header Authorization.",
            )

    def _check_anonymous(self, request: HTTPConnection) -> None:
        if not self.anonymous_allowed:
            raise unauthorized("This server needs authentication, and none is configured.")
        if name := forwarding_header(request.headers):
            raise Refused(
                403, f"Anonymous use is for this machine only, and the header {name} says that a proxy is between."
            )
        for end in ("server", "client"):
            # The server underneath may listen elsewhere than the setting says.
            if is_elsewhere((request.scope.get(end) or ("",))[0]):
                raise Refused(403, "Anonymous use is for this machine only, and this came over a network.")
        host = host_name(request.headers.get("host", ""))
        if host not in _LOOPBACK_HOSTS and host not in self.allowed_hosts:
            raise Refused(403, f"Anonymous use is for this machine only; the host {host or 'of no name'} is another.")


_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

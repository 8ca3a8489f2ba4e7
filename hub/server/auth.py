"""Who may connect: the user behind a connection, where a token is found, and the rules before any of it.

Order of the checks: Host (against DNS rebinding) and forwarding headers where everybody is anonymous, then Origin,
then `authenticate`. Each refusal is a `Refused` with its HTTP status and one sentence.
"""

import inspect
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from hub.errors import HublineError


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """The authenticated party behind a connection. `id` is unique on this server, across organisations."""

    id: str
    organisation: str | None = None
    roles: frozenset[str] = field(default_factory=frozenset)
    name: str | None = None
    anonymous: bool = False


ANONYMOUS = User(id="anonymous", name="Anonymous", anonymous=True)
"""All who connect without authentication are this one user."""

Authenticate = Callable[[HTTPConnection], Awaitable[User | None] | User | None]
"""From the HTTP request (of the negotiation, the upgrade or the API) to its user; None refuses with 401."""


class Refused(HublineError):
    """The connection is refused before it begins; the text goes out as the body of the HTTP answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def bearer_token(request: HTTPConnection) -> str | None:
    """The token of `Authorization: Bearer`, or of `?access_token=` where a browser cannot set headers (T1)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return request.query_params.get("access_token") or None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The rules of one server, applied to every request that opens or negotiates a connection."""

    authenticate: Authenticate | None = None
    anonymous_allowed: bool = False
    """Only true while the bind address is loopback (design, section 5)."""
    allowed_origins: Collection[str] = ()
    """Besides the same origin: `https://host[:port]`, or `*`."""
    allowed_hosts: Collection[str] = ()
    """Host names besides loopback's under which anonymous use is served."""

    async def admit(self, request: HTTPConnection) -> User:
        """The request's user. Raises Refused."""
        if self.authenticate is None:
            self._check_anonymous(request)
            self.check_origin(request)
            return ANONYMOUS
        self.check_origin(request)
        user = self.authenticate(request)
        if inspect.isawaitable(user):
            user = await user
        if user is None:
            raise Refused(401, "Unauthorized: a valid token is needed.")
        return user

    def check_origin(self, request: HTTPConnection) -> None:
        """Cross-site pages may not connect; clients that are no browsers send no Origin. Raises Refused."""
        origin = request.headers.get("origin")
        if origin is None or "*" in self.allowed_origins or origin in self.allowed_origins:
            return
        if _same_origin(origin, request.headers.get("host", "")):
            return
        raise Refused(403, f"The origin {origin} is not allowed here; add it to the setting allowed_origins.")

    def cors_headers(self, request: HTTPConnection) -> dict[str, str]:
        """For answers to pages of the origins in `allowed_origins`; empty for all others."""
        origin = request.headers.get("origin", "")
        headers = {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": "GET, POST, DELETE",
            "Access-Control-Allow-Headers": request.headers.get("access-control-request-headers", ""),
            "Vary": "Origin",
        }
        if origin and origin in self.allowed_origins:
            return {**headers, "Access-Control-Allow-Credentials": "true"}
        return headers if origin and "*" in self.allowed_origins else {}

    def _check_anonymous(self, request: HTTPConnection) -> None:
        if not self.anonymous_allowed:
            raise Refused(401, "Unauthorized: this server needs authentication, and none is configured.")
        for name in request.headers:
            if name in _FORWARDING_HEADERS or name.startswith("x-forwarded-"):
                raise Refused(
                    403, f"Anonymous use is for this machine only, and the header {name} says that a proxy is between."
                )
        host = _host_name(request.headers.get("host", ""))
        if host not in _LOOPBACK_HOSTS and host not in self.allowed_hosts:
            raise Refused(403, f"Anonymous use is for this machine only; the host {host or 'of no name'} is another.")


_FORWARDING_HEADERS = frozenset({"forwarded", "x-real-ip", "via"})
_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_DEFAULT_PORTS = {"http": 80, "https": 443}


def _same_origin(origin: str, host: str) -> bool:
    """Whether an Origin names the host of the request. The scheme is not compared: TLS may end in front of us."""
    try:
        parts = urlsplit(origin)
        wanted = (parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme))
        split = urlsplit(f"//{host}")
        found = (split.hostname, split.port or _DEFAULT_PORTS.get(parts.scheme))
    except ValueError:
        return False
    return parts.scheme in _DEFAULT_PORTS and wanted[0] is not None and wanted == found


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""

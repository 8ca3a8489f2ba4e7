"""The tool `fetch`: reads a page of a host that the operator has allowed, and of no address that is not public.

A name is resolved once for each request and the connection goes to the address that was checked, so an answer of the
DNS that changes in between leads nowhere. Redirects are followed by hand, each checked as the first URL is.
"""

import asyncio
import ipaddress
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from typing import Annotated

import httpx2
from pydantic import Field

from hub.chat.parts import Json
from hub.tools.base import Tool, ToolError
from hub.tools.schema import MAX_RESULT_BYTES, make_tool

MAX_REDIRECTS = 3
MAX_BYTES = 100_000
TIMEOUT_S = 20.0
MAX_URL = 2_000

_TEXT = re.compile(r"text/[\w.+-]+|application/([\w.-]+\+)?(json|xml|yaml)|application/(javascript|x-yaml)")
_CHARSET = re.compile(
    r"utf-?8|utf-16(le|be)?|(us-)?ascii|iso-8859-\d+|windows-125\d|shift_jis|euc-(jp|kr)|gbk?|gb18030"
)
_PUBLIC_IPV6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC = (ipaddress.IPv4Network("192.88.99.0/24"), ipaddress.IPv6Network("3fff::/20"))
"""A relay of tunnels, and addresses for documents: Python's tables lack them."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""From a host and a port to its addresses. Raises `OSError`."""

Url = Annotated[str, Field(max_length=MAX_URL, description="An http:// or https:// address.")]


def is_public(address: str) -> bool:
    """Whether everybody on the internet may reach it: not private, loopback, link-local, multicast or reserved, nor an
    IPv6 address that stands for an IPv4 one by a tunnel."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if ip.scope_id is not None or ip not in _PUBLIC_IPV6 or ip.sixtofour is not None or ip.teredo is not None:
            return False
    if any(ip in network for network in _NOT_PUBLIC):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_private)


async def resolve(host: str, port: int) -> Sequence[str]:
    """What the system says."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def fetch_tool(
    allowed_hosts: Sequence[str],
    *,
    is_allowed_address: Callable[[str], bool] = is_public,
    resolve: Resolve = resolve,
    timeout_s: float = TIMEOUT_S,
    max_bytes: int = MAX_BYTES,
    max_result_bytes: int = MAX_RESULT_BYTES,
) -> Tool:
    """`allowed_hosts`: HOST (its ports 80 and 443), HOST:PORT, or *.HOST for all below it. `timeout_s` is for all
    requests of a call together; of a longer body than `max_bytes` the beginning is returned."""
    reader = _Reader(frozenset(host.lower() for host in allowed_hosts), is_allowed_address, resolve, max_bytes)

    async def fetch(url: Url) -> Json:
        """Read a web page or a text file from one of the hosts that are allowed here, as it is. Only GET, no login."""
        try:
            async with asyncio.timeout(timeout_s):
                return await reader.read(url)
        except TimeoutError as error:
            raise ToolError(f"The address did not answer in {timeout_s:g} s.") from error

    return make_tool(fetch, title="Fetch a page", timeout_s=timeout_s + 5, max_result_bytes=max_result_bytes)


class _Reader:
    def __init__(
        self,
        allowed_hosts: frozenset[str],
        is_allowed_address: Callable[[str], bool],
        resolve: Resolve,
        max_bytes: int,
    ) -> None:
        self._allowed_hosts = allowed_hosts
        self._is_allowed_address = is_allowed_address
        self._resolve = resolve
        self._max_bytes = max_bytes

    async def read(self, address: str) -> Json:
        """Follow redirects to the text. Raises `ToolError`."""
        url = self._checked(address)
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._get(url, await self._address(url))
            if isinstance(answer, str):
                url = self._checked(answer, url)
            else:
                return answer
        raise ToolError(f"The address leads on more than {MAX_REDIRECTS} times.")

    def _checked(self, address: str, base: httpx2.URL | None = None) -> httpx2.URL:
        try:
            url = httpx2.URL(address) if base is None else base.join(address)
            host, port = _host(url), _port(url)
        except (httpx2.InvalidURL, UnicodeError, ValueError) as error:
            raise ToolError("That is no address.") from error
        if url.scheme not in ("http", "https") or not host:
            raise ToolError("Only http:// and https:// addresses can be read.")
        if url.userinfo:
            raise ToolError("An address with a user name or a password is not read.")
        names = [host, *(f"*.{host.split('.', n)[n]}" for n in range(1, host.count(".") + 1))]
        usual = self._allowed_hosts if port in (80, 443) else frozenset[str]()
        if not any(name in usual or f"{name}:{port}" in self._allowed_hosts for name in names):
            raise ToolError(f"The host {host[:100]} (port {port}) is not one of those that may be read here.")
        return url

    async def _address(self, url: httpx2.URL) -> str:
        """Where to connect. One address that is not allowed is enough to refuse the host."""
        host = _host(url)
        try:
            addresses = await self._resolve(host, _port(url))
        except (OSError, UnicodeError) as error:
            raise ToolError(f"The host {host[:100]} is not known.") from error
        if not addresses or not all(map(self._is_allowed_address, addresses)):
            raise ToolError(f"The host {host[:100]} is at an address that may not be read.")
        return addresses[0]

    async def _get(self, url: httpx2.URL, address: str) -> Json:
        """The result; a text is where a redirect leads. The connection goes to `address`, the certificate is the
        host's; no proxy of the environment, cookie or compression comes between."""
        pinned = url.copy_with(host=address)
        headers = {"Host": url.netloc.decode("ascii"), "Accept-Encoding": "identity", "User-Agent": "hubline"}
        verify = _tls() if url.scheme == "https" else False
        try:
            async with (
                httpx2.AsyncClient(trust_env=False, follow_redirects=False, verify=verify, timeout=None) as client,
                client.stream("GET", pinned, headers=headers, extensions={"sni_hostname": _host(url)}) as response,
            ):
                location = response.headers.get("location")
                if response.status_code in (301, 302, 303, 307, 308) and location is not None:
                    return str(location)
                return await self._text(url, response)
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError) as error:
            raise ToolError(f"The address could not be read ({type(error).__name__}).") from error

    async def _text(self, url: httpx2.URL, response: httpx2.Response) -> Json:
        kind, _, parameters = response.headers.get("content-type", "").lower().partition(";")
        if _TEXT.fullmatch(kind.strip()) is None:
            raise ToolError(f"The address has no text, but {kind.strip()[:100] or 'something that has no type'}.")
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise ToolError("The address answers compressed, though it was asked not to.")
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > self._max_bytes:
                break
        charset = re.search(r"charset=\"?([\w-]+)", parameters)
        known = charset is not None and _CHARSET.fullmatch(charset[1]) is not None
        text = bytes(body[: self._max_bytes]).decode(charset[1] if charset and known else "utf-8", "replace")
        return {
            "url": str(url),
            "status": response.status_code,
            "contentType": kind.strip(),
            "text": text,
            "truncated": len(body) > self._max_bytes,
        }


def _host(url: httpx2.URL) -> str:
    return url.raw_host.decode("ascii").lower()


def _port(url: httpx2.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


@cache
def _tls() -> ssl.SSLContext:
    """Made once: it reads the certificates of the system."""
    return ssl.create_default_context()

"""The tools of a run: the server's, and those that the session's hosts offer now."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from hub.chat.parts import Access, Json, Session
from hub.errors import BackplaneAway
from hub.providers.base import ToolSpec
from hub.runs.access import may_approve
from hub.runs.hosts import records
from hub.runs.hosts.limits import HostLimits
from hub.runs.hosts.records import StoredHost
from hub.runs.hosts.store import HostStore
from hub.runs.sessions import Sessions
from hub.tools.base import Tool, ToolContext, Tools
from hub.tools.client_side import ClientTool, check_of, prefix_of, prefixed, spec_of, timeout_of

logger = logging.getLogger("hub.runs")

Execute = Callable[["Offer", Mapping[str, Json], ToolContext], Awaitable[Json]]
"""Has a host execute a call. Raises `ToolError`."""

SLACK_S = 60.0
"""A call ends itself at its limit; this much later it is ended from outside."""


class Offer(msgspec.Struct, frozen=True):
    """A host's tool, by the host's own name."""

    host_id: str
    host_name: str
    name: str
    access: Access
    timeout_s: float


FRESH_MS = 50
"""So long after a session was seen without hosts, its first look for them is spared: one that registers within that
time is seen at the next look, before the next step."""


class HostsNow:
    """The hosts of one session as they are now: those whose users may still edit it."""

    def __init__(
        self,
        store: HostStore,
        sessions: Sessions,
        session: Session,
        limits: HostLimits,
        now_ms: Callable[[], int],
        *,
        hostless_at: int | None = None,
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._session = session
        self._limits = limits
        self._now_ms = now_ms
        self._hostless_at = hostless_at  # until the first look

    async def all(self) -> Sequence[StoredHost]:
        """In the order in which they came. Raises `BackplaneAway`."""
        hostless_at, self._hostless_at = self._hostless_at, None
        if hostless_at is not None and self._now_ms() - hostless_at <= FRESH_MS:
            return ()
        stored = await self._store.hosts(self._session.session_id, self._session.created_at)
        there = records.present(stored, now=self._now_ms(), grace_ms=self._limits.grace_ms)
        if not there:
            return ()
        session = await self._sessions.get(self._session.session_id)
        if session is None:
            return ()
        return [host for host in there if may_approve(session, host.user)]

    async def one(self, host_id: str) -> StoredHost | None:
        return next((host for host in await self.all() if host.host_id == host_id), None)


class SessionTools:
    """Those of `server`, then each host's. Looked up anew by `refresh`, before each step.

    Names: a host's own, if it was the session's first; else with its prefix, and so where a name is taken.
    """

    def __init__(self, server: Tools, hosts: HostsNow, execute: Execute, *, timeout_s: float) -> None:
        self._server = server
        self._hosts = hosts
        self._execute = execute
        self._timeout_s = timeout_s
        self._offered: Mapping[str, Tool] = {}

    async def refresh(self) -> None:
        """Take what hosts offer now; while the store is away, what they offered last."""
        try:
            self._offered = self._names(await self._hosts.all())
        except BackplaneAway as error:
            logger.warning("the hosts of a session could not be read (%s)", error)

    def get(self, name: str) -> Tool | None:
        return self._server.get(name) or self._offered.get(name)

    def specs(self) -> Sequence[ToolSpec]:
        return [*self._server.specs(), *(tool.spec for tool in self._offered.values())]

    def _names(self, hosts: Sequence[StoredHost]) -> dict[str, Tool]:
        offered: dict[str, Tool] = {}
        prefixes = [host.prefix for host in hosts]

        def is_taken(name: str) -> bool:
            return name in offered or self._server.get(name) is not None

        for host in hosts:
            for tool in host.tools:
                name = prefixed(host.prefix, tool.name) if host.prefix else tool.name
                if is_taken(name) and not host.prefix:
                    name = prefixed(prefix_of(host.name, prefixes), tool.name)
                if is_taken(name):
                    logger.warning("the tool %s of a host is not offered: its name is taken", name)
                else:
                    offered[name] = self._tool(host, tool, name)
        return offered

    def _tool(self, host: StoredHost, offered: ClientTool, name: str) -> Tool:
        spec = spec_of(offered, name, host.name)
        offer = Offer(host.host_id, host.name, offered.name, spec.access, timeout_of(offered, self._timeout_s))

        async def run(arguments: Mapping[str, Json], context: ToolContext) -> Json:
            return await self._execute(offer, arguments, context)

        return Tool(
            spec=spec,
            run=run,
            timeout_s=offer.timeout_s + SLACK_S,
            host=host.host_id,
            check=check_of(offered),
            own_name=offered.name,
            host_name=host.name,
        )

"""The hosts whose connections this node has: stored, and kept alive there by beats.

One subscription for each session with a host here, from before its first host is stored until its last one has gone.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgspec

from hub.backplane.base import Bus, Subscription
from hub.chat.parts import Session
from hub.errors import BackplaneAway, CallError
from hub.runs.hosts import records, said
from hub.runs.hosts.limits import HostLimits
from hub.runs.hosts.records import Hosts, Registration
from hub.runs.hosts.store import HostStore

logger = logging.getLogger("hub.runs")

Receive = Callable[[str, said.ToHosts], None]
"""Given the session's id."""


@dataclass
class _Local:
    """Of one session."""

    created_at: int
    subscription: Subscription
    registered: dict[tuple[str, str], Registration] = field(default_factory=dict)  # by connection and host
    registering: int = 0  # registrations under way


class HostsHere:
    """What this node has. `receive` is called with what is said to the hosts of a session that has some here."""

    def __init__(self, store: HostStore, bus: Bus, limits: HostLimits, receive: Receive) -> None:
        self._store = store
        self._bus = bus
        self._limits = limits
        self._receive = receive
        self._sessions: dict[str, _Local] = {}
        self._beating: asyncio.Task[None] | None = None  # while there is a host

    def has(self, session_id: str, connection_id: str, host_id: str) -> bool:
        """Whether this connection has registered the host."""
        local = self._sessions.get(session_id)
        return local is not None and (connection_id, host_id) in local.registered

    def connections(self, session_id: str, host_id: str) -> list[str]:
        """Those that have registered the host, the newest last."""
        local = self._sessions.get(session_id)
        return [] if local is None else [one for one, its in local.registered if its == host_id]

    def is_host(self, session_id: str, connection_id: str) -> bool:
        """Whether it has registered any."""
        local = self._sessions.get(session_id)
        return local is not None and any(key[0] == connection_id for key in local.registered)

    async def register(self, session: Session, wanted: Registration) -> str:
        """The host's id. Raises `too_large`, `BackplaneAway`."""
        local = await self._listening(session)
        host_id = wanted.host_id

        def apply(hosts: Hosts, now: int) -> Hosts:
            nonlocal host_id
            after, host_id = records.register(hosts, wanted, now=now, grace_ms=self._limits.grace_ms)
            return after

        with self._registering(session.session_id, local):
            await self._store.change(session.session_id, session.created_at, apply)
            key = wanted.connection_id, host_id
            local.registered[key] = msgspec.structs.replace(wanted, host_id=host_id)
        if self._beating is None:
            self._beating = asyncio.create_task(self._beat(), name="beats of hosts")
        self._tell(session.session_id)
        return host_id

    async def withdraw(self, session: Session, wanted: Registration) -> str:
        """The host goes at once, unless another connection has it too."""
        session_id, host_id = session.session_id, wanted.host_id
        local = self._sessions.get(session_id)
        if local is not None:
            for (connection_id, known_id), one in list(local.registered.items()):
                is_meant = known_id == host_id or (not wanted.has_key and not one.has_key and one.name == wanted.name)
                if connection_id == wanted.connection_id and is_meant:
                    host_id = known_id
                    del local.registered[connection_id, known_id]
            self._close_if_unused(session_id, local)

        def apply(hosts: Hosts, now: int) -> Hosts:
            return records.left(hosts, wanted.connection_id, now=now, host_id=host_id)

        await self._store.change(session_id, session.created_at, apply)
        self._tell(session_id)
        return host_id

    async def leave(self, connection_id: str) -> None:
        """The connection has ended; its hosts have the grace time to be back."""
        for session_id, local in list(self._sessions.items()):
            keys = [key for key in local.registered if key[0] == connection_id]
            if not keys:
                continue
            for key in keys:
                del local.registered[key]
            self._close_if_unused(session_id, local)
            await self._store_left(session_id, local.created_at, connection_id)
            self._tell(session_id)

    async def _store_left(self, session_id: str, created_at: int, connection_id: str) -> None:
        def apply(hosts: Hosts, now: int) -> Hosts:
            return records.left(hosts, connection_id, now=now)

        try:
            await self._store.change(session_id, created_at, apply)
        except BackplaneAway as error:  # others will see that it is silent
            logger.warning("session %s: the end of a host could not be stored (%s)", session_id, error)

    async def forget(self, session: Session) -> None:
        """The session was deleted. Another one may have its id by now."""
        local = self._sessions.get(session.session_id)
        if local is not None and local.created_at == session.created_at:
            local.registered.clear()
            self._close_if_unused(session.session_id, local)
        await self._store.forget(session.session_id, session.created_at)

    # ------------------------------------------------------------------------------------------------ inner parts

    async def _listening(self, session: Session) -> _Local:
        session_id = session.session_id
        known = self._sessions.get(session_id)
        if known is not None and known.created_at == session.created_at:
            return known

        def receive(raw: bytes) -> None:
            message = said.to_hosts(raw)
            if message is not None:
                self._receive(session_id, message)

        subscription = await self._bus.subscribe(said.hosts_channel(session_id), receive)
        known = self._sessions.get(session_id)
        if known is not None and known.created_at == session.created_at:  # another one was faster
            subscription.close()
            return known
        if known is not None:
            known.subscription.close()
        local = self._sessions[session_id] = _Local(session.created_at, subscription)
        return local

    @contextmanager
    def _registering(self, session_id: str, local: _Local) -> Iterator[None]:
        local.registering += 1
        try:
            yield
        finally:
            local.registering -= 1
            self._close_if_unused(session_id, local)

    def _close_if_unused(self, session_id: str, local: _Local) -> None:
        if local.registered or local.registering or self._sessions.get(session_id) is not local:
            return
        local.subscription.close()
        del self._sessions[session_id]
        if not self._sessions and self._beating is not None:
            self._beating.cancel()
            self._beating = None

    def _tell(self, session_id: str) -> None:
        self._bus.publish(said.drivers_channel(session_id), said.encode(said.Changed()))

    async def _beat(self) -> None:
        """Say, again and again, which hosts are here: those of a node that has died fall silent."""
        is_away = False
        while True:
            # After an outage at once: without a beat, a host is gone.
            await asyncio.sleep(min(self._limits.look_s, self._limits.beat_s) if is_away else self._limits.beat_s)
            is_away = False
            for session_id, local in list(self._sessions.items()):
                if not await self._beat_once(session_id, local):
                    is_away = True
                    break

    async def _beat_once(self, session_id: str, local: _Local) -> bool:
        """Whether the store was there."""

        def apply(hosts: Hosts, now: int) -> Hosts:
            here = tuple(local.registered.values())  # of now: one may have left while we waited
            return records.beaten(hosts, here, now=now, grace_ms=self._limits.grace_ms)

        try:
            await self._store.change(session_id, local.created_at, apply)
        except BackplaneAway as error:
            logger.warning("session %s: its hosts could not be kept (%s)", session_id, error)
            return False
        except CallError as error:  # others have taken its place meanwhile
            logger.warning("session %s: a host has no place any more (%s)", session_id, error)
        return True

"""Owns the drivers of this node: starts them, wakes them, takes over from nodes that died, lets them go at the end."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hub.errors import BackplaneAway
from hub.runs.drive.driver import Driver, DriverEnvironment
from hub.runs.drive.making import RunFactory
from hub.runs.loading import load_all

logger = logging.getLogger("hub.runs")

SCAN_LIMIT = 100
"""How many sessions one look for expired leases adopts."""

WAKE = b"wake"


def driver_channel(session_id: str) -> str:
    """The bus channel on which a session's driver is told that something was asked."""
    return f"drive:{session_id}"


class Supervisor:
    """Use as `async with supervisor.running():`; `touch` works inside."""

    def __init__(self, environment: DriverEnvironment) -> None:
        self._env = environment
        self._factory = RunFactory(environment.runs, environment.backplane, environment.sessions)
        self._drivers: dict[str, Driver | None] = {}  # by session id; None while the lease is being taken
        self._again: set[str] = set()  # sessions touched while their lease was being taken or given up
        self._group: asyncio.TaskGroup | None = None  # set while running
        self._scanning: asyncio.Task[None] | None = None  # set while running
        self.is_draining = False  # from the beginning of `drain` on, or of leaving
        self._is_leaving = False
        self._idle = asyncio.Event()  # set while nothing is driven
        self._idle.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Adopt what was left behind, then drive what is touched. On leaving, runs end as interrupted."""
        await self._scan()
        async with asyncio.TaskGroup() as group:
            self._group = group
            for session_id in self._again:
                self._start(session_id)
            self._again.clear()
            self._scanning = group.create_task(self._scan_forever(), name="adopt expired leases")
            try:
                yield
            finally:
                self._scanning.cancel()
                self.is_draining = self._is_leaving = True
                for driver in self._drivers.values():
                    if driver is not None:
                        driver.leave()

    async def drain(self, within_s: float) -> int:
        """Let the runs under way end, begin no other; how many sessions were still driven after `within_s`.

        What is queued, or asked meanwhile, is handed over: another node finds it within `scan_s`.
        """
        self.is_draining = True
        if self._scanning is not None:
            self._scanning.cancel()  # lest it adopts what was just handed over
        for driver in self._drivers.values():
            if driver is not None:
                driver.drain()
        with contextlib.suppress(TimeoutError):  # the number says so
            async with asyncio.timeout(within_s):
                await self._idle.wait()
        return self.driven

    def touch(self, session_id: str) -> None:
        """See to it that somebody drives the session and looks at its inbox, here or on another node."""
        if session_id in self._drivers:
            self._wake(session_id)
        else:
            self._start(session_id)

    def _wake(self, session_id: str) -> None:
        driver = self._drivers[session_id]
        if driver is None:
            self._again.add(session_id)
        else:
            driver.wake()

    @property
    def driven(self) -> int:
        """How many sessions this node drives."""
        return len(self._drivers)

    def _start(self, session_id: str) -> None:
        if self._is_leaving or self._group is None:
            self._again.add(session_id)
            return
        self._drivers[session_id] = None
        self._idle.clear()
        self._group.create_task(self._drive(session_id), name=f"drive {session_id}")

    async def _drive(self, session_id: str) -> None:
        try:
            while not self._is_leaving:
                self._again.discard(session_id)
                channel = driver_channel(session_id)
                # Before the lease is taken, so that no other node's word is missed while it is.
                subscription = await self._env.backplane.bus.subscribe(channel, lambda _: self._wake(session_id))
                try:
                    is_elsewhere = not await self._drive_once(session_id)
                finally:
                    subscription.close()
                if is_elsewhere:
                    self._env.backplane.bus.publish(channel, WAKE)
                if session_id not in self._again:
                    break
        except BackplaneAway as error:
            logger.warning("session %s: cannot be driven now (%s)", session_id, error)
        except Exception:
            # A session whose driver breaks must not take the node's other sessions down with it; its lease expires,
            # and it is tried again.
            logger.exception("session %s: its driver failed", session_id)
        finally:
            del self._drivers[session_id]
            if not self._drivers:
                self._idle.set()

    async def _drive_once(self, session_id: str) -> bool:
        """Take the lease and drive until nothing is left; False if another node drives or has driven meanwhile."""
        backplane = self._env.backplane
        lease = await backplane.leases.take(
            session_id,
            self._env.owner,
            now=self._env.runs.now_ms(),
            lease_ms=self._env.runs.limits.lease_ms,
        )
        if lease is None:
            return False
        loaded = await load_all(
            backplane.journal, self._env.sessions, self._factory.hosts, session_id, self._env.runs.now_ms
        )
        session = loaded.session
        if session is None:
            # Deleted: by now, or while something was being asked of it. Another node's driver is to learn of it.
            await backplane.inbox.delete(session_id)
            await backplane.journal.delete(session_id)
            return False
        driver = self._drivers[session_id] = Driver(self._env, self._factory, session, lease, loaded)
        if session_id in self._again:  # touched while the lease was being taken
            driver.wake()
        if self.is_draining:
            driver.drain()
        if self._is_leaving:
            driver.leave()
        try:
            await driver.run()
        finally:
            self._drivers[session_id] = None
        if driver.is_woken:  # asked for while it was giving up the lease, or losing it: look again
            self._again.add(session_id)
        else:
            self._again.discard(session_id)
        return True

    async def _scan_forever(self) -> None:
        while True:
            await asyncio.sleep(self._env.runs.limits.scan_s)
            try:
                await self._scan()
            except BackplaneAway as error:
                logger.warning("cannot look for expired leases now (%s)", error)

    async def _scan(self) -> None:
        expired = await self._env.backplane.leases.expired(now=self._env.runs.now_ms(), limit=SCAN_LIMIT)
        for session_id in expired:
            if session_id not in self._drivers:
                logger.info("session %s: adopted", session_id)
                self._start(session_id)

"""Which connection tokens were used, by which node (`hub.server.negotiated.Claims`)."""

import asyncio
from collections.abc import Collection

from hub.backplane.redis.servers import Servers
from hub.clock import now_ms


class RedisClaims:
    """A claim is kept until its token could not be used for the first time any more, and a while for slow clocks.

    The token itself is signed and names its user, so that nobody can claim for another. Methods raise
    `BackplaneAway`."""

    SLACK_MS = 60_000
    AT_ONCE = 256
    """Claims that are kept by one round trip."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers

    async def claim(self, connection_id: str, owner: str, until_ms: int) -> bool:
        """Whether this is the first."""
        bucket, key = self._servers.keys.claim(connection_id)
        words = b"SET", key, owner.encode(), b"NX", b"PX", self._lifetime_ms(until_ms)
        return await self._servers.call(bucket, *words) is not None

    async def owner(self, connection_id: str) -> str | None:
        """Who claimed it; None if nobody did, or the claim has expired."""
        bucket, key = self._servers.keys.claim(connection_id)
        found = await self._servers.call(bucket, b"GET", key)
        return found.decode("ascii", "replace") if isinstance(found, bytes) else None

    async def keep(self, connection_ids: Collection[str], owner: str, until_ms: int) -> None:
        """They are the owner's until then, also where the store has lost that."""
        waiting = list(connection_ids)
        while waiting:
            now, waiting = waiting[: self.AT_ONCE], waiting[self.AT_ONCE :]
            await asyncio.gather(*(self._keep(connection_id, owner, until_ms) for connection_id in now))

    async def _keep(self, connection_id: str, owner: str, until_ms: int) -> None:
        bucket, key = self._servers.keys.claim(connection_id)
        await self._servers.call(bucket, b"SET", key, owner.encode(), b"PX", self._lifetime_ms(until_ms))

    def _lifetime_ms(self, until_ms: int) -> int:
        return max(0, until_ms - now_ms()) + self.SLACK_MS

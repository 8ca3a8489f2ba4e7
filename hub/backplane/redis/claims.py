"""Which connection tokens were used, on any node (`hub.server.negotiated.Claims`)."""

from hub.backplane.redis.servers import Servers
from hub.clock import now_ms


class RedisClaims:
    """A claim is kept until its token could not be used for the first time any more, and a while for slow clocks.

    The token itself is signed and names its user, so that nobody can claim for another."""

    SLACK_MS = 60_000

    def __init__(self, servers: Servers) -> None:
        self._servers = servers

    async def claim(self, connection_id: str, until_ms: int) -> bool:
        """Whether this is the first. Raises `BackplaneAway`."""
        bucket, key = self._servers.keys.claim(connection_id)
        for_ms = max(0, until_ms - now_ms()) + self.SLACK_MS
        return await self._servers.call(bucket, b"SET", key, b"", b"NX", b"PX", for_ms) is not None

"""The Redis backplane as its users see it: the interfaces put together on one set of servers."""

from hub.backplane.base import Backplane
from hub.backplane.redis.bus import RedisBus
from hub.backplane.redis.claims import RedisClaims
from hub.backplane.redis.directory import RedisDirectory
from hub.backplane.redis.files import RedisFiles
from hub.backplane.redis.inbox import RedisInbox
from hub.backplane.redis.journal import RedisJournal
from hub.backplane.redis.keys import Keys
from hub.backplane.redis.options import RedisOptions
from hub.backplane.redis.servers import Servers
from hub.backplane.redis.subscriptions import Subscriptions
from hub.backplane.redis.url import parse

MEANING = {
    "backplane_losses": "Times that a Redis server was lost.",
    "backplane_away_s_now": "Seconds since some of the store is away; 0 while it is there.",
    "backplane_lost_messages": "Messages of the bus that were lost because Redis was away.",
    "backplane_channels_now": "Channels that this node listens to.",
}
"""The backplane's metrics, by its attributes."""


class RedisBackplane(Backplane):
    """All six on one Redis, and the claims of connection tokens. Any number of nodes share it.

    `url` as in `hub.backplane.redis.url`; raises SettingsError for another one. Hubs that share a server tell each
    other apart by the database's number, or by `prefix`.
    """

    def __init__(self, url: str, options: RedisOptions | None = None, *, prefix: str = "hubline") -> None:
        self.target = parse(url)
        options = options or RedisOptions()
        # What is published is not of one database, so the number is part of the names.
        keys = Keys(f"{prefix}{self.target.db or ''}")
        self.servers = Servers(self.target, options, keys)
        self.subscriptions = Subscriptions(
            self.servers.of, self.servers.moved, self.servers.look_again, options.unsubscribe_after_s
        )
        self.servers.subscriptions = self.subscriptions
        inbox = RedisInbox(self.servers)
        self.bus = RedisBus(self.servers, self.subscriptions)
        self.journal = RedisJournal(self.servers, self.subscriptions)
        self.inbox = inbox
        self.leases = inbox
        self.directory = RedisDirectory(self.servers)
        self.files = RedisFiles(self.servers)
        self.claims = RedisClaims(self.servers)

    @property
    def away_s(self) -> float:
        """For how long (a part of) the store has been away; 0 while it is there. For /readyz."""
        return self.servers.away_s

    @property
    def backplane_away_s_now(self) -> float:
        return self.away_s

    @property
    def backplane_losses(self) -> int:
        return self.servers.losses

    @property
    def backplane_lost_messages(self) -> int:
        return self.bus.lost

    @property
    def backplane_channels_now(self) -> int:
        return self.subscriptions.count

    async def start(self) -> None:
        await self.servers.start()

    async def close(self) -> None:
        await self.servers.close()
        self.subscriptions.close()

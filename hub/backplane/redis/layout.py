"""Which server holds which bucket: asked of the sentinels, or of the Cluster's nodes."""

import hiredis

from hub.backplane.redis.keys import BUCKETS, slot_of
from hub.backplane.redis.options import RedisOptions
from hub.backplane.redis.server import connect
from hub.backplane.redis.url import Address, Target
from hub.backplane.redis.wire import Reply, Word
from hub.errors import BackplaneAway

Layout = list[Address | None]
"""The server of each bucket; None where nobody holds it now."""


class Layouts:
    """Finds the layout of now, each time it is asked."""

    def __init__(self, target: Target, options: RedisOptions) -> None:
        self._target = target
        self._options = options
        self._nodes = target.addresses  # of the Cluster, as last seen

    async def find(self) -> Layout:
        """Raises `BackplaneAway`, or SettingsError."""
        if self._target.kind == "single":
            return [self._target.addresses[0]] * BUCKETS
        if self._target.kind == "sentinel":
            return [await self._master()] * BUCKETS
        return await self._slots()

    async def _master(self) -> Address:
        question = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._target.master)
        found = await self._ask(self._target.addresses, question, logs_in=False)
        match found:
            case [bytes(host), bytes(port)]:
                return Address(host.decode(), int(port))
        raise BackplaneAway(f"no sentinel knows a master {self._target.master}")

    async def _slots(self) -> Layout:
        found = await self._ask((*self._nodes, *self._target.addresses), ("CLUSTER", "SLOTS"), logs_in=True)
        slots: dict[range, Address] = {}
        for each in found if isinstance(found, list) else ():
            match each:
                case [int(first), int(last), [bytes(host), int(port), *_], *_] if host:
                    slots[range(first, last + 1)] = Address(host.decode(), port)
        self._nodes = tuple(set(slots.values()))
        return [
            next((address for held, address in slots.items() if slot_of(bucket) in held), None)
            for bucket in range(BUCKETS)
        ]

    async def _ask(self, addresses: tuple[Address, ...], question: tuple[Word, ...], *, logs_in: bool) -> Reply:
        """The first good answer."""
        reasons = []
        for address in dict.fromkeys(addresses):
            try:
                wire = await connect(address, self._target, self._options, logs_in=logs_in)
                try:
                    reply = await wire.call(*question)
                finally:
                    wire.close()
            except (BackplaneAway, hiredis.ReplyError) as error:
                reasons.append(str(error))
            else:
                if reply is not None:
                    return reply
        raise BackplaneAway("; ".join(reasons) or f"none of {self._target} answers")

"""Which server holds which bucket: asked of the sentinels, or of the Cluster's nodes."""

import hiredis
import msgspec

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
        self._asked = msgspec.structs.replace(target, db=0)  # sentinels have no databases
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
        found = await self._ask(self._target.addresses, question)
        match found:
            case [bytes(host), bytes(port)]:
                return Address(host.decode(), int(port))
        raise BackplaneAway(f"no sentinel knows a master {self._target.master}")

    async def _slots(self) -> Layout:
        found = await self._ask((*self._nodes, *self._target.addresses), ("CLUSTER", "SLOTS"))
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

    async def _ask(self, addresses: tuple[Address, ...], question: tuple[Word, ...]) -> Reply:
        """The first good answer."""
        reasons = []
        for address in dict.fromkeys(addresses):
            try:
                reply = await self._ask_one(address, question, logs_in=self._target.kind == "cluster")
            except (BackplaneAway, hiredis.ReplyError) as error:
                reasons.append(str(error))
            else:
                if reply is not None:
                    return reply
        raise BackplaneAway("; ".join(reasons) or f"none of {self._target} answers")

    async def _ask_one(self, address: Address, question: tuple[Word, ...], *, logs_in: bool) -> Reply:
        """Sentinels are logged in to only if they ask for it: most have no password, and refuse any then."""
        wire = await connect(address, self._asked, self._options, logs_in=logs_in)
        try:
            return await wire.call(*question)
        except hiredis.ReplyError as error:
            if logs_in or self._target.password is None or not str(error).startswith("NOAUTH"):
                raise
        finally:
            wire.close()
        return await self._ask_one(address, question, logs_in=True)

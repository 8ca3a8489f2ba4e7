"""The connections of one hub on this node, their groups and users, and sends to them from here and from other nodes.

A send goes to this node's connections at once and is published for the other nodes (see `envelope`). Each record is
encoded once per encoding and its bytes are shared. Channels of the bus: `hub:{path}` for all but groups, and
`hub:{path}:{group}` for each group that has a member here.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from hub.backplane.base import Bus, Subscription
from hub.errors import HubError
from hub.protocol.codec import Codec, CodecName
from hub.protocol.messages import Invocation
from hub.server import envelope
from hub.server.asking import Asking
from hub.server.asking_afar import AskingAfar
from hub.server.auth import User
from hub.server.binding import BindingError
from hub.server.clients import Audience
from hub.server.gathering import Gathering, Recipients, Records
from hub.server.metrics import ServerMetrics
from hub.server.outbox import Outbox
from hub.server.tasks import OwnedTasks
from hub.server.worker import current_call

_NOBODY: frozenset[Outbox] = frozenset()


class Recipient(Protocol):
    """A connection after its handshake, as far as the registry needs it."""

    connection_id: str
    user: User
    outbox: Outbox
    groups: set[str] | None

    @property
    def is_closed(self) -> bool: ...
    @property
    def codec(self) -> Codec: ...
    @property
    def asking(self) -> Asking: ...


class HubRegistry:
    """Of one hub. Membership changes only here, on the event loop."""

    def __init__(
        self, path: str, node_id: str, bus: Bus | None, metrics: ServerMetrics, tasks: OwnedTasks, ask_interval_s: float
    ) -> None:
        self._channel = f"hub:{path}"
        self._node_id = node_id
        self._bus = bus
        self._metrics = metrics
        self._tasks = tasks
        self._subscription: Subscription | None = None  # of `_channel`, from `start` to `close`
        self._group_subscriptions: dict[str, asyncio.Future[Subscription]] = {}  # by group with members here
        self._afar = AskingAfar(self._asking_of, self._publish_to_all, tasks, ask_interval_s)
        self.connections: dict[str, Recipient] = {}
        self._everybody: dict[Outbox, None] = {}
        self._groups: dict[str, dict[Outbox, None]] = {}  # never an empty one
        self._users: dict[str, dict[Outbox, None]] = {}  # never an empty one
        self._encodings: Counter[CodecName] = Counter()  # of how many connections
        self._gathering = Gathering(metrics)

    async def start(self) -> None:
        """Raises BackplaneAway."""
        if self._bus is not None:
            self._subscription = await self._bus.subscribe(self._channel, self._receive)

    def close(self) -> None:
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None
        for group in list(self._group_subscriptions):
            self._stop_listening(group)

    def add(self, connection: Recipient) -> None:
        self._gathering.let_go()
        encoding, outbox = connection.codec.name, connection.outbox
        outbox.join(self._gathering, encoding)
        self.connections[connection.connection_id] = connection
        self._encodings[encoding] += 1
        self._everybody[outbox] = None
        self._users.setdefault(connection.user.key, {})[outbox] = None

    def remove(self, connection: Recipient) -> None:
        """Out of everything. Idempotent."""
        if self.connections.pop(connection.connection_id, None) is None:
            return
        self._gathering.let_go()
        encoding = connection.codec.name
        self._encodings[encoding] -= 1
        if not self._encodings[encoding]:
            del self._encodings[encoding]
        self._everybody.pop(connection.outbox, None)
        _drop(self._users, connection.user.key, connection.outbox)
        for group in list(connection.groups or ()):
            self._leave(group, connection)

    # ---------------------------------------------------------------------------------------------------- groups

    async def join(self, group: str, connection_id: str) -> None:
        """Raises BackplaneAway; the connection is not in the group then."""
        connection = self.connections.get(connection_id)
        if connection is None:
            self._publish(self._channel, envelope.Member(group, connection_id, True))
            return
        if connection.is_closed:
            return
        self._gathering.let_go()
        if connection.groups is None:
            connection.groups = set()
        connection.groups.add(group)
        self._groups.setdefault(group, {})[connection.outbox] = None
        try:
            await self._listen(group)
        except BaseException:
            self._leave(group, connection)
            raise

    async def leave(self, group: str, connection_id: str) -> None:
        connection = self.connections.get(connection_id)
        if connection is None:
            self._publish(self._channel, envelope.Member(group, connection_id, False))
        else:
            self._leave(group, connection)

    def _leave(self, group: str, connection: Recipient) -> None:
        self._gathering.let_go()
        if connection.groups is not None:
            connection.groups.discard(group)
        if _drop(self._groups, group, connection.outbox):
            self._stop_listening(group)

    async def _listen(self, group: str) -> None:
        """Wait until what is sent to the group on other nodes arrives here."""
        if self._bus is None:
            return
        subscribing = self._group_subscriptions.get(group)
        if subscribing is None:
            subscribing = asyncio.ensure_future(self._bus.subscribe(f"{self._channel}:{group}", self._receive))
            self._group_subscriptions[group] = subscribing
        elif subscribing.done():
            return
        await asyncio.shield(subscribing)

    def _stop_listening(self, group: str) -> None:
        subscribing = self._group_subscriptions.pop(group, None)
        if subscribing is not None:
            self._tasks.start(_close_when_done(subscribing))

    # ----------------------------------------------------------------------------------------------------- sends

    def send(self, audience: Audience, target: str, arguments: Sequence[object]) -> None:
        """To this node's connections at once, to others by the bus. Raises TypeError for what cannot be encoded."""
        self._metrics.group_sends += 1
        records = Records(Invocation(target, arguments))
        self._deliver(audience, records)
        if self._bus is None:
            return
        if audience.kind == "connections" and all(name in self.connections for name in audience.names):
            return
        sent = envelope.Sent(audience, records.of("messagepack"))
        # Several groups go to all nodes: one that listens to two of them would get it twice otherwise.
        is_one_group = audience.kind == "groups" and len(audience.names) == 1
        self._publish(f"{self._channel}:{audience.names[0]}" if is_one_group else self._channel, sent)

    async def invoke(
        self,
        audience: Audience,
        target: str,
        arguments: Sequence[object],
        *,
        timeout_s: float | None = None,
        convert: Callable[[object], object] | None = None,
    ) -> object:
        """Ask one client, of this node or another. See `Sends`."""
        connection_id = audience.connection_id
        call = current_call.get()
        if call == "connecting":
            raise HubError("Client results inside OnConnectedAsync Hub methods are not allowed.")
        asking = self._asking_of(connection_id)
        if asking is None and self._bus is None:
            raise HubError(f"Connection '{connection_id}' does not exist.")
        if call is not None:
            call.free_slot()
        try:
            async with asyncio.timeout(timeout_s) as limit:
                if asking is not None:
                    answer = await asking.ask(target, tuple(arguments))
                else:
                    answer = await self._afar.ask(connection_id, target, arguments)
        except TimeoutError:
            if not limit.expired():
                raise
            raise HubError(f"The client has not answered '{target}' within {timeout_s} s (timeout_s).") from None
        try:
            return answer if convert is None else convert(answer)
        except BindingError as error:
            raise HubError(f"The client's answer to '{target}' is of another type: {error}") from error

    def _asking_of(self, connection_id: str) -> Asking | None:
        connection = self.connections.get(connection_id)
        return None if connection is None or connection.is_closed else connection.asking

    def _deliver(self, audience: Audience, records: Records) -> None:
        excluded = _NOBODY
        if audience.excluded:
            found = (self.connections.get(connection_id) for connection_id in audience.excluded)
            excluded = frozenset(connection.outbox for connection in found if connection is not None)
        self._gathering.send(self._recipients(audience), excluded, records, self._encodings)

    def _recipients(self, audience: Audience) -> Recipients:
        match audience.kind:
            case "all":
                return self._everybody
            case "groups":
                return _members(self._groups, audience.names)
            case "users":
                return _members(self._users, audience.names)
            case "connections":
                found = (self.connections.get(connection_id) for connection_id in audience.names)
                return {connection.outbox: None for connection in found if connection is not None}

    def _publish_to_all(self, body: envelope.Asking) -> None:
        self._publish(self._channel, body)

    def _publish(self, channel: str, body: envelope.Body) -> None:
        if self._bus is not None:
            self._bus.publish(channel, envelope.pack(self._node_id, body))

    def _receive(self, payload: bytes) -> None:
        sender = envelope.sender(payload)
        if sender == self._node_id:
            return
        match envelope.unpack(payload):
            case envelope.Sent(audience, record):
                message = envelope.read_record(record)
                assert isinstance(message, Invocation)
                self._deliver(audience, Records(message, {"messagepack": record}))
            case envelope.Member(group, connection_id, joins):
                if connection_id in self.connections:
                    work = self.join(group, connection_id) if joins else self.leave(group, connection_id)
                    self._tasks.start(work)
            case envelope.Heard(node_id) | envelope.Answer(node_id) as reply:
                if node_id == self._node_id:
                    self._afar.hear(reply)
            case envelope.Ask() | envelope.Still() | envelope.Unask() as question:
                self._afar.be_asked(sender, question)
            case None:
                pass


class ConnectionGroups:
    """`Groups`, from the point of view of one connection."""

    __slots__ = ("_connection_id", "_registry")

    def __init__(self, registry: HubRegistry, connection_id: str) -> None:
        self._registry = registry
        self._connection_id = connection_id

    async def add(self, name: str, connection_id: str | None = None) -> None:
        await self._registry.join(name, connection_id or self._connection_id)

    async def remove(self, name: str, connection_id: str | None = None) -> None:
        await self._registry.leave(name, connection_id or self._connection_id)


def _members(table: dict[str, dict[Outbox, None]], names: Sequence[str]) -> Recipients:
    if len(names) == 1:
        return table.get(names[0], {})
    merged: dict[Outbox, None] = {}
    for name in names:
        merged.update(table.get(name, {}))
    return merged


def _drop(table: dict[str, dict[Outbox, None]], name: str, outbox: Outbox) -> bool:
    """Whether the set is gone now, being empty."""
    members = table.get(name)
    if members is None:
        return False
    members.pop(outbox, None)
    if members:
        return False
    del table[name]
    return True


async def _close_when_done(subscribing: asyncio.Future[Subscription]) -> None:
    await asyncio.wait([subscribing])
    if subscribing.exception() is None:  # else whoever joined has been told
        subscribing.result().close()

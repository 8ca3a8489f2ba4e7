"""Sends to many connections of one hub, gathered within one turn of the event loop.

Theory of operation. What is sent to the same large audience in one turn is held here once, and leaves when the turn
ends, joined: one write per connection, of bytes that all of them share, and so in one frame. A send costs nothing per
connection until then. The first send of a turn leaves at once, unless one of the turns before had several: who sends
now and then waits for nothing, and who sends in bursts pays for one write and not for two.

Order is that of the sends, for each connection. Who is in the audience and is sent something else meanwhile gets what
is held first (`catch_up`), and from then on takes part by itself, as `ahead` of the others. A send to another
audience, a change of membership, and 64 KiB let go of what is held.
"""

import asyncio
from collections.abc import Iterable, Mapping, Set
from typing import TypeAlias

from hub.protocol.codec import CODECS, CodecName
from hub.protocol.messages import Invocation
from hub.server.metrics import ServerMetrics
from hub.server.outbox import Outbox

FEW = 16
"""Connections that are sent to one by one: fewer are not worth it."""
_HELD_BYTES = 65_536
_PATIENCE = 8  # turns


Recipients: TypeAlias = Mapping[Outbox, None]
"""In the order in which they are sent to. Must not change while anything is held: `let_go` first."""


class Records:
    """One message in as many encodings as are asked for, each made once."""

    __slots__ = ("_made", "_message")

    def __init__(self, message: Invocation, made: dict[CodecName, bytes] | None = None) -> None:
        self._message = message
        self._made: dict[CodecName, bytes] = made or {}

    def of(self, name: CodecName) -> bytes:
        """Raises TypeError for what cannot be encoded."""
        record = self._made.get(name)
        if record is None:
            record = self._made[name] = CODECS[name].encode(self._message)
        return record


class Gathering:
    """Of one hub. Outboxes of its connections ask `holding` before they take anything else."""

    __slots__ = (
        *("_ahead", "_excluded", "_held", "_held_bytes", "_in_turn", "_metrics", "_patience", "_recipients"),
        "holding",
    )

    def __init__(self, metrics: ServerMetrics) -> None:
        self._metrics = metrics
        self.holding = False
        self._in_turn = 0  # sends to many in this turn; above 0, `_end_turn` will be called
        self._patience = 0  # turns in which even the first is held, since one not long ago had several
        # While holding:
        self._recipients: Recipients = {}
        self._excluded: Set[Outbox] = frozenset()
        self._held: list[Records] = []
        self._held_bytes = 0
        self._ahead: set[Outbox] = set()  # of the recipients: they have got all of it

    def send(
        self, recipients: Recipients, excluded: Set[Outbox], records: Records, encodings: Iterable[CodecName]
    ) -> None:
        """To all `recipients` that are not `excluded`. `encodings` are all that any may have.

        Raises TypeError for what cannot be encoded.
        """
        if len(recipients) < FEW:
            self._send_now(recipients, excluded, records)
            return
        size = max(len(records.of(name)) for name in encodings)
        if self.holding and (recipients is not self._recipients or excluded != self._excluded):
            self.let_go()
        self.holding, self._recipients, self._excluded = True, recipients, excluded
        for outbox in self._ahead:
            self._send_one(outbox, records)
        self._held.append(records)
        self._held_bytes += size
        self._in_turn += 1
        if self._in_turn == 1:
            asyncio.get_running_loop().call_soon(self._end_turn)
        if self._held_bytes >= _HELD_BYTES or (self._in_turn == 1 and not self._patience):
            self.let_go()

    def _send_now(self, recipients: Recipients, excluded: Set[Outbox], records: Records) -> None:
        count = 0
        encoding: CodecName | None = None
        record = b""
        for outbox in recipients:
            if excluded and outbox in excluded:
                continue
            if outbox.encoding != encoding:
                encoding = outbox.encoding
                record = records.of(encoding)
            outbox.send(record)
            count += 1
        self._metrics.records_fanned_out += count

    def _send_one(self, outbox: Outbox, records: Records) -> None:
        record = records.of(outbox.encoding)
        outbox.deliver((record,), record)
        self._metrics.records_fanned_out += 1

    def catch_up(self, outbox: Outbox) -> None:
        if outbox in self._ahead or outbox not in self._recipients or outbox in self._excluded:
            return
        self._ahead.add(outbox)
        for records in self._held:
            self._send_one(outbox, records)

    def let_go(self) -> None:
        """Send what is held."""
        if not self.holding:
            return
        recipients, held, skipped = self._recipients, self._held, self._ahead.union(self._excluded)
        self.holding = False
        self._recipients, self._excluded, self._held, self._held_bytes, self._ahead = {}, frozenset(), [], 0, set()
        made: dict[CodecName, tuple[list[bytes], bytes]] = {}
        encoding: CodecName | None = None
        records: list[bytes] = []
        joined = b""
        count = 0
        for outbox in recipients:  # the hottest loop of all
            if skipped and outbox in skipped:
                continue
            count += 1
            if outbox.encoding != encoding:
                encoding = outbox.encoding
                if encoding not in made:
                    made[encoding] = _join([each.of(encoding) for each in held])
                records, joined = made[encoding]
            if outbox.is_clear and (writer := outbox.writer).ready:
                outbox.sent = True
                writer.write_with_others(joined)
            else:
                outbox.deliver(records, joined)
        self._metrics.records_fanned_out += count * len(held)

    def _end_turn(self) -> None:
        self._patience = _PATIENCE if self._in_turn > 1 else max(0, self._patience - 1)
        self._in_turn = 0
        self.let_go()


def _join(records: list[bytes]) -> tuple[list[bytes], bytes]:
    return records, records[0] if len(records) == 1 else b"".join(records)

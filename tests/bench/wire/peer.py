"""What stands beside the hub in the wire benchmarks, and how it is started."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Dialect = Literal["signalr", "socketio"]


class PeerMissing(Exception):
    """A peer cannot be had on this machine; the text says why, in one sentence."""


@dataclass(frozen=True)
class Peer:
    """`prepare` installs what the peer needs and returns its command without `--port`. It raises PeerMissing."""

    name: str
    dialect: Dialect
    prepare: Callable[[], list[str]]

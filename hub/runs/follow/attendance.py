"""Who watches one session, as one node knows it, and what bounds that."""

import asyncio
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from hub.backplane.base import Subscription
from hub.runs.follow.roster import Here, Present


@dataclass(frozen=True)
class PresenceLimits:
    """`interval_s`: how often nodes that watch the same session repeat who does. `max_connections`: shown of one
    session and node; over it who comes is told of the others, and not shown; so with `max_user_connections`, of one
    user. `max_session_bytes`: of all states of a session on one node; over it a state is refused."""

    interval_s: float = 5.0
    grace_s: float = 3.0
    gather_s: float = 0.1
    max_bytes: int = 4096
    max_per_s: float = 20.0
    max_connections: int = 500
    max_user_connections: int = 20
    max_session_bytes: int = 128 * 1024


@dataclass
class Local:
    """A connection of this node. `told_whole`: it has had the roster, and all changes since."""

    here: Here
    is_shown: bool
    watches: int = 1
    told_whole: bool = False
    leaves_at: float | None = None


@dataclass
class OtherNode:
    """Another node: whom it said to be there, and until when that holds."""

    until: float
    here: dict[str, Here]


@dataclass
class Attendance:
    """Of one session. `subscription` is set once the node hears the others."""

    subscription: Subscription | None = None
    opening: asyncio.Task[None] | None = None  # set while subscribing
    repeat_at: float = math.inf  # set once subscribed
    due_at: float = math.inf  # its next turn
    local: dict[str, Local] = field(default_factory=dict)
    others: dict[str, OtherNode] = field(default_factory=dict)
    told: dict[str, Here] = field(default_factory=dict)  # to the other nodes
    shown: Mapping[str, Present] = field(default_factory=dict)  # to the clients here

    def here(self) -> dict[str, Here]:
        return {key: one.here for key, one in self.local.items() if one.is_shown}

    def everybody(self) -> Iterable[Here]:
        yield from (one.here for one in self.local.values() if one.is_shown)
        for node in self.others.values():
            yield from node.here.values()

    def set_role(self, user: str, role: str) -> None:
        """Without one, the user is out; connections of this node that watch still leave with their watches."""
        for key, one in list(self.local.items()):
            if one.here.user == user and role:
                one.here = msgspec.structs.replace(one.here, role=role)
            elif one.here.user == user and one.leaves_at is not None:
                del self.local[key]
        for node in self.others.values():
            for key, here in list(node.here.items()):
                if here.user == user and role:
                    node.here[key] = msgspec.structs.replace(here, role=role)
                elif here.user == user:
                    del node.here[key]

    def has_room(self, limits: PresenceLimits, user: str) -> bool:
        """Whether one more connection of this user is shown."""
        shown = [one.here.user for one in self.local.values() if one.is_shown]
        return len(shown) < limits.max_connections and shown.count(user) < limits.max_user_connections

    def has_room_for(self, limits: PresenceLimits, state: bytes, instead: bytes = b"") -> bool:
        held = sum(len(one.here.state) for one in self.local.values())
        return len(state) <= len(instead) or held - len(instead) + len(state) <= limits.max_session_bytes

"""Who watches a session, on all nodes: each announces its own watchers whole, and all merge what they hear.

Announcements are whole, so a lost one is healed by the next. Nothing here waits or reads a clock: `tick` is called
with the time, in seconds of a clock that never goes back.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from hub.backplane.base import Bus, Subscription
from hub.chat.parts import Json, WireStruct

SILENT_INTERVALS = 3


@dataclass(frozen=True)
class PresenceLimits:
    interval_s: float = 5.0
    grace_s: float = 3.0


class Connection(WireStruct, frozen=True, kw_only=True):
    connection_id: str
    state: dict[str, Json]


class Present(WireStruct, frozen=True, kw_only=True):
    user: str
    role: str
    connections: Sequence[Connection]


class Roster(WireStruct, frozen=True, kw_only=True):
    session_id: str
    roster: Sequence[Present]


class Change(WireStruct, frozen=True, kw_only=True):
    session_id: str
    joined: Sequence[Present]
    updated: Sequence[Present]
    left: Sequence[str]


class _Announcement(msgspec.Struct, frozen=True):
    node: str
    kind: Literal["ask", "tell", "revoke"]
    present: list[Present] = []
    user: str = ""


@dataclass
class _Local:
    user: str
    role: str
    state: dict[str, Json]
    receives: bool = False
    leaves_at: float | None = None
    watches: int = 1


@dataclass
class _Session:
    subscription: Subscription | None = None
    local: dict[str, _Local] = field(default_factory=dict)
    others: dict[str, tuple[float, list[Present]]] = field(default_factory=dict)
    shown: dict[str, Present] = field(default_factory=dict)
    told_at: float = 0.0
    dirty: bool = False


Push = Callable[[Collection[str], bytes], None]
"""Connections of this node, and one encoded argument of `Presence` for them all."""


class Presences:
    def __init__(self, bus: Bus, node: str, limits: PresenceLimits, now_s: Callable[[], float], push: Push) -> None:
        self._bus, self._node, self._limits, self._now_s, self._push = bus, node, limits, now_s, push
        self._sessions: dict[str, _Session] = {}
        self._decoder = msgspec.json.Decoder(_Announcement)

    async def join(self, session_id: str, connection_id: str, user: str, role: str) -> None:
        """A connection watches, perhaps once more; `leave` is due for each, also if this raises `BackplaneAway`."""
        session = self._sessions.get(session_id)
        if session is None:
            session = self._sessions[session_id] = _Session()
        for other, local in list(session.local.items()):
            if local.user == user and local.leaves_at is not None:
                del session.local[other]  # who comes back has never left
        known = session.local.get(connection_id)
        if known is None:
            session.local[connection_id] = _Local(user, role, {})
        else:
            known.watches += 1
        if session.subscription is None:
            subscription = await self._bus.subscribe(_channel(session_id), lambda raw: self._heard(session_id, raw))
            if session.subscription is not None or self._sessions.get(session_id) is not session:
                subscription.close()
            else:
                session.subscription = subscription
                self._say(session_id, _Announcement(self._node, "ask"))
        self._tell(session_id, session)

    def set_state(self, session_id: str, connection_id: str, state: dict[str, Json]) -> bool:
        """Told to others at the next `tick`. The first one makes the connection a receiver, and sends it the roster.
        False: this connection does not watch the session."""
        session = self._sessions.get(session_id)
        local = None if session is None else session.local.get(connection_id)
        if session is None or local is None or local.leaves_at is not None:
            return False
        local.state, session.dirty = state, True
        if not local.receives:
            self._show(session_id, session)
            local.receives = True
            roster = Roster(session_id=session_id, roster=list(session.shown.values()))
            self._push([connection_id], msgspec.json.encode(roster))
        return True

    def leave(self, session_id: str, connection_id: str) -> None:
        session = self._sessions.get(session_id)
        local = None if session is None else session.local.get(connection_id)
        if local is not None:
            local.watches -= 1
            if local.watches == 0:
                local.leaves_at, local.receives = self._now_s() + self._limits.grace_s, False

    def revoke(self, session_id: str, user: str) -> None:
        """On every node, at once."""
        self._say(session_id, _Announcement(self._node, "revoke", user=user))

    def tick(self) -> None:
        now = self._now_s()
        for session_id, session in list(self._sessions.items()):
            gone = [key for key, one in session.local.items() if one.leaves_at is not None and one.leaves_at <= now]
            for key in gone:
                del session.local[key]
            silent = now - SILENT_INTERVALS * self._limits.interval_s
            session.others = {node: heard for node, heard in session.others.items() if heard[0] > silent}
            if gone or session.dirty or now - session.told_at >= self._limits.interval_s:
                self._tell(session_id, session)
            else:
                self._show(session_id, session)
            if not session.local:
                self._forget(session_id, session)

    def _forget(self, session_id: str, session: _Session) -> None:
        del self._sessions[session_id]
        if session.subscription is not None:
            session.subscription.close()

    def _heard(self, session_id: str, raw: bytes) -> None:
        session, said = self._sessions.get(session_id), self._decoder.decode(raw)
        if session is None:
            return
        if said.kind == "revoke":
            session.local = {key: one for key, one in session.local.items() if one.user != said.user}
            for node, (at, present) in session.others.items():
                session.others[node] = (at, [one for one in present if one.user != said.user])
            self._tell(session_id, session)
        elif said.node != self._node and said.kind == "ask":
            self._tell(session_id, session)
        elif said.node != self._node:
            session.others[said.node] = (self._now_s(), said.present)
            self._show(session_id, session)

    def _tell(self, session_id: str, session: _Session) -> None:
        session.told_at, session.dirty = self._now_s(), False
        self._say(session_id, _Announcement(self._node, "tell", self._own(session)))
        self._show(session_id, session)

    def _say(self, session_id: str, said: _Announcement) -> None:
        self._bus.publish(_channel(session_id), msgspec.json.encode(said))

    def _own(self, session: _Session) -> list[Present]:
        return [
            Present(user=one.user, role=one.role, connections=[Connection(connection_id=key, state=one.state)])
            for key, one in session.local.items()
        ]

    def _show(self, session_id: str, session: _Session) -> None:
        """Push what has changed since the last time."""
        merged: dict[str, Present] = {}
        for one in [*self._own(session), *(one for _, present in session.others.values() for one in present)]:
            before = merged.get(one.user)
            both = one.connections if before is None else [*before.connections, *one.connections]
            both = sorted(both, key=lambda connection: connection.connection_id)
            merged[one.user] = Present(user=one.user, role=one.role, connections=both)
        shown, session.shown = session.shown, merged
        joined = [one for user, one in merged.items() if user not in shown]
        updated = [one for user, one in merged.items() if user in shown and shown[user] != one]
        left = [user for user in shown if user not in merged]
        receivers = [key for key, one in session.local.items() if one.receives]
        if receivers and (joined or updated or left):
            change = Change(session_id=session_id, joined=joined, updated=updated, left=left)
            self._push(receivers, msgspec.json.encode(change))


def _channel(session_id: str) -> str:
    return f"presence:{session_id}"

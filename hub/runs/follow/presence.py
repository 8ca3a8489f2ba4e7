"""Who watches a session, on all nodes, told to each connection that does (design, section 3.3).

Each node says on the session's channel who watches there: changes as they come, and all of it from time to time, so
that a lost message is healed by a later one. All merge what they hear. Nothing is stored, and nothing waits for a
client: who has a backlog is told nothing, and gets the whole roster afterwards.

    expected ──its watch may be read──> watching ──its last watch ended──> gone
                                        watching ──connection lost──> grace ──same user again, or grace_s──> gone
"""

import asyncio
import heapq
import math
import secrets
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec

from hub.backplane.base import Bus
from hub.errors import BackplaneAway, CallError
from hub.runs.follow.attendance import Attendance, Local, OtherNode, PresenceLimits
from hub.runs.follow.roster import (
    Bye,
    Here,
    Member,
    Roster,
    Said,
    Some,
    Whole,
    by_user,
    change_between,
    decode_said,
    encode_said,
)

SILENT_INTERVALS = 3
"""After so many without a word, a node's watchers have left."""
ALONE_INTERVALS = 12
"""How seldom a node repeats itself that knows of no other."""
TICKS = 4
"""In the shortest of the times below."""
MAX_EXPECTED = 10_000
"""Of all connections; over it the one that was first expected starts with an empty state."""


Push = Callable[[Sequence[str], bytes], Collection[str]]
"""Invoke `Presence` at connections of this node with one argument in JSON. Returns those that have a backlog, which
got nothing."""


@dataclass(frozen=True)
class Attending:
    """The connection behind a watch, and whether its client has ended the watch (else the connection was lost)."""

    connection_id: str
    has_cancelled: Callable[[], bool]


class Presences:
    """Of one node. Run `run` in a task; the rest is called on the loop and returns at once."""

    def __init__(self, bus: Bus, limits: PresenceLimits, now_s: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self._bus = bus
        self._now_s = now_s
        self._node = secrets.token_hex(8)
        self._push: Push | None = None  # set by `push_by`
        self._group: asyncio.TaskGroup | None = None  # set while running
        self._sessions: dict[str, Attendance] = {}
        self._expected: dict[tuple[str, str], bytes] = {}  # states of watches that are about to begin
        self._due: list[tuple[float, str]] = []  # a heap; what is not a session's `due_at` counts no more
        self._changed: set[str] = set()
        self._flushing: asyncio.TimerHandle | None = None  # set while something has changed

    def push_by(self, push: Push) -> None:
        self._push = push

    async def run(self, group: asyncio.TaskGroup) -> None:
        """Until cancelled; `group` owns what subscribes."""
        self._group = group
        shortest_s = min(self.limits.interval_s, self.limits.grace_s or self.limits.interval_s)
        try:
            while True:
                self.tick()
                await asyncio.sleep(shortest_s / TICKS)
        finally:
            self._group = None
            self._close()

    # ---------------------------------------------------------------------------------------- those who watch here

    def expect(self, session_id: str, connection_id: str) -> None:
        """A watch is about to begin: states that are set meanwhile hold from its begin. `join` or `forgo` follows."""
        if len(self._expected) >= MAX_EXPECTED:
            del self._expected[next(iter(self._expected))]
        self._expected.setdefault((session_id, connection_id), b"{}")

    def forgo(self, session_id: str, connection_id: str) -> None:
        self._expected.pop((session_id, connection_id), None)

    def forget(self, connection_id: str) -> None:
        """The connection has ended, and with it what was expected of it."""
        for key in [key for key in self._expected if key[1] == connection_id]:
            del self._expected[key]

    @contextmanager
    def attended(self, session_id: str, attending: Attending, user: str, role: str) -> Iterator[None]:
        """A watch, for as long as the context lasts."""
        self.join(session_id, attending.connection_id, user, role)
        is_lost = False
        try:
            yield
        except asyncio.CancelledError:
            is_lost = not attending.has_cancelled()
            raise
        finally:
            self.leave(session_id, attending.connection_id, is_lost=is_lost)

    def join(self, session_id: str, connection_id: str, user: str, role: str) -> None:
        """A connection watches, perhaps once more; `leave` is due for each."""
        state = self._expected.pop((session_id, connection_id), b"{}")
        session = self._sessions.get(session_id)
        if session is None:
            session = self._sessions[session_id] = Attendance()
        for other, one in list(session.local.items()):
            if one.here.user == user and one.leaves_at is not None:
                del session.local[other]  # who comes back has never left
        known = session.local.get(connection_id)
        if known is None:
            state = state if session.has_room_for(self.limits, state) else b"{}"
            here = Here(connection_id, user, role, state)
            session.local[connection_id] = Local(here, session.has_room(self.limits, user))
        else:
            known.watches += 1
            known.told_whole = False
        if session.subscription is None:
            self._open(session_id, session)
        self._has_changed(session_id)

    def set_state(self, session_id: str, connection_id: str, state: bytes) -> None:
        """Raises `CallError`: `conflict` if the connection does not watch the session, `too_large`."""
        if (session_id, connection_id) in self._expected:
            self._expected[session_id, connection_id] = state
        session = self._sessions.get(session_id)
        one = None if session is None else session.local.get(connection_id)
        if session is None or one is None or one.leaves_at is not None:
            if (session_id, connection_id) in self._expected:
                return
            raise CallError("conflict", "This connection does not watch the session. Call Watch first.")
        limits = self.limits
        if not one.is_shown:
            text = f"{limits.max_connections} connections, {limits.max_user_connections} of one user"
            raise CallError("too_large", f"The session has as many watchers as it shows ({text}). Close other ones.")
        if not session.has_room_for(limits, state, one.here.state):
            text = f"over the limit of {limits.max_session_bytes} bytes"
            raise CallError("too_large", f"The states of all who watch the session are {text}. Send a smaller one.")
        one.here = msgspec.structs.replace(one.here, state=state)
        self._has_changed(session_id)

    def leave(self, session_id: str, connection_id: str, *, is_lost: bool) -> None:
        """One of its watches has ended. `is_lost`: with its connection, which may come back."""
        session = self._sessions.get(session_id)
        one = None if session is None else session.local.get(connection_id)
        if session is None or one is None:
            return
        one.watches -= 1
        if one.watches > 0:
            return
        if is_lost and self.limits.grace_s > 0 and one.is_shown:
            one.leaves_at = self._now_s() + self.limits.grace_s
            self._wake(session_id, session, one.leaves_at)
            return
        del session.local[connection_id]
        self._has_changed(session_id)

    def set_role(self, session_id: str, user: str, role: str | None) -> None:
        """On every node. None: who is shown in their grace is gone at once; those who watch leave with their watches,
        which `Follows` ends."""
        self._say(session_id, Member(self._node, user, role or ""))
        session = self._sessions.get(session_id)
        if session is not None:
            session.set_role(user, role or "")
            self._has_changed(session_id)

    def revise(self, session_id: str, members: Mapping[str, str]) -> None:
        """Make it fit to the participants as they are stored, with their roles: what told of a change may be lost."""
        session = self._sessions.get(session_id)
        if session is not None:
            for here in list(session.everybody()):
                if members.get(here.user) != here.role:
                    session.set_role(here.user, members.get(here.user, ""))
                    self._has_changed(session_id)

    def ask_again(self, session_id: str) -> None:
        """The bus was away: say again who is here, and have the others say it."""
        session = self._sessions.get(session_id)
        if session is not None and session.subscription is not None:
            self._say_whole(session_id, session, asks=True)

    @property
    def sessions(self) -> int:
        return len(self._sessions)

    # -------------------------------------------------------------------------------------------------- by the clock

    def tick(self) -> None:
        """End what has waited long enough, and repeat what others may have missed. Looks at no session before it is
        due, so that those in which nothing happens cost nothing."""
        now = self._now_s()
        while self._due and self._due[0][0] <= now:
            at, session_id = heapq.heappop(self._due)
            session = self._sessions.get(session_id)
            if session is not None and session.due_at == at:
                session.due_at = math.inf
                self._turn(session_id, session, now)

    def _turn(self, session_id: str, session: Attendance, now: float) -> None:
        over = [key for key, one in session.local.items() if one.leaves_at is not None and one.leaves_at <= now]
        silent = [node for node, other in session.others.items() if other.until <= now]
        for key in over:
            del session.local[key]
        for node in silent:
            del session.others[node]
        if over or silent or any(not one.told_whole and one.leaves_at is None for one in session.local.values()):
            self._has_changed(session_id)
        if session.subscription is None:
            self._open(session_id, session)
        elif session.repeat_at <= now:
            self._say_whole(session_id, session)
        leaving = [one.leaves_at for one in session.local.values() if one.leaves_at is not None]
        self._wake(
            session_id, session, min([session.repeat_at, *leaving, *(one.until for one in session.others.values())])
        )

    def _wake(self, session_id: str, session: Attendance, at: float) -> None:
        """Have its turn at this time, if it is not due before."""
        if at < session.due_at:
            session.due_at = at
            heapq.heappush(self._due, (at, session_id))

    def _has_changed(self, session_id: str) -> None:
        self._changed.add(session_id)
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_later(self.limits.gather_s, self._flush)

    def _flush(self) -> None:
        self._flushing = None
        changed, self._changed = self._changed, set()
        for session_id in changed:
            session = self._sessions.get(session_id)
            if session is None:
                continue
            self._tell_nodes(session_id, session)
            if session.local:
                self._tell_clients(session_id, session)
            else:
                self._forget(session_id, session)

    def _tell_nodes(self, session_id: str, session: Attendance) -> None:
        here = session.here()
        if session.subscription is None or here == session.told:
            return
        new = [one for key, one in here.items() if session.told.get(key) != one]
        gone = [key for key in session.told if key not in here]
        session.told = here
        self._say(session_id, Some(self._node, new, gone))

    def _tell_clients(self, session_id: str, session: Attendance) -> None:
        if session.subscription is None or self._push is None:
            return  # nothing has been heard of the others yet
        after = by_user(session.everybody())
        change = change_between(session_id, session.shown, after)
        session.shown = after
        watching = {key: one for key, one in session.local.items() if one.leaves_at is None}
        if change is not None:
            told = [key for key, one in watching.items() if one.told_whole]
            for key in self._push(told, msgspec.json.encode(change)) if told else ():
                watching[key].told_whole = False
        behind = [key for key, one in watching.items() if not one.told_whole]
        if behind:
            roster = Roster(session_id=session_id, roster=list(after.values()))
            waiting = self._push(behind, msgspec.json.encode(roster))
            for key in behind:
                watching[key].told_whole = key not in waiting
            if waiting:
                self._wake(session_id, session, self._now_s())

    # ------------------------------------------------------------------------------------------------ between nodes

    def _open(self, session_id: str, session: Attendance) -> None:
        if self._group is not None and session.opening is None:
            opening = self._subscribe(session_id, session)
            session.opening = self._group.create_task(opening, name=f"presence {session_id}")

    async def _subscribe(self, session_id: str, session: Attendance) -> None:
        try:
            subscription = await self._bus.subscribe(_channel(session_id), lambda raw: self._hear(session_id, raw))
        except BackplaneAway:
            self._wake(session_id, session, self._now_s())  # tried again at the next tick
            return
        finally:
            session.opening = None
        session.subscription = subscription
        self._say_whole(session_id, session, asks=True)
        self._has_changed(session_id)

    def _hear(self, session_id: str, raw: bytes) -> None:
        session, said = self._sessions.get(session_id), decode_said(raw)
        if session is None or said is None or said.node == self._node:
            return
        is_new = said.node not in session.others
        until = self._now_s() + SILENT_INTERVALS * self.limits.interval_s
        match said:
            case Whole(node, here, asks):
                session.others[node] = OtherNode(until, {one.connection_id: one for one in here})
                if not here:
                    del session.others[node]
                if asks or (is_new and here):
                    self._say_whole(session_id, session)
            case Some(node, here, gone):
                other = session.others.setdefault(node, OtherNode(until, {}))
                other.until = until
                other.here.update((one.connection_id, one) for one in here)
                for connection_id in gone:
                    other.here.pop(connection_id, None)
                if not other.here:
                    del session.others[node]
                elif is_new:
                    self._say_whole(session_id, session)
            case Member(_, user, role):
                session.set_role(user, role)
            case Bye(node) if node in session.others:
                other = session.others[node]
                until = other.until = min(other.until, self._now_s() + self.limits.grace_s)
        self._wake(session_id, session, until)
        self._has_changed(session_id)

    def _say_whole(self, session_id: str, session: Attendance, *, asks: bool = False) -> None:
        session.told = session.here()
        intervals = 1 if session.others else ALONE_INTERVALS
        session.repeat_at = self._now_s() + intervals * self.limits.interval_s
        self._wake(session_id, session, session.repeat_at)
        self._say(session_id, Whole(self._node, list(session.told.values()), asks))

    def _say(self, session_id: str, said: Said) -> None:
        self._bus.publish(_channel(session_id), encode_said(said))

    def _forget(self, session_id: str, session: Attendance) -> None:
        del self._sessions[session_id]
        if session.subscription is not None:
            session.subscription.close()
        if session.opening is not None:
            session.opening.cancel()

    def _close(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
        for session_id, session in list(self._sessions.items()):
            if session.others:
                self._say(session_id, Bye(self._node))
            self._forget(session_id, session)


def _channel(session_id: str) -> str:
    return f"presence:{session_id}"

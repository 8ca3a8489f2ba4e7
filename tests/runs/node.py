"""One node of a hub, from the backplane up to `Chats`: what `app.py` puts together, without server and settings."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from hub.backplane.base import Backplane, Entry, Position
from hub.chat.events import Done, Event, Stored, decode, with_offset
from hub.chat.parts import Session, TextPart
from hub.hooks.registry import Hooks
from hub.protocol.messages import Encoded
from hub.runs.asking import Asked, Providers, StopAnswer, Wish
from hub.runs.chats import Chats, SettingsWish
from hub.runs.drive.driver import DriverEnvironment
from hub.runs.drive.supervisor import Supervisor
from hub.runs.environment import RunEnvironment
from hub.runs.follow.follows import Follows
from hub.runs.limits import RunLimits
from hub.runs.sessions import Sessions
from hub.tools.toolset import Toolset
from tests.runs.client_fold import ClientFold
from tests.runs.scripted import ScriptedProvider

E = TypeVar("E", bound=Event)

USER = "ann"
TIMEOUT_S = 60.0


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until the condition holds.

    After some turns it gives way to the writer thread of SQLite, which a loop that never rests would starve.
    """
    async with asyncio.timeout(TIMEOUT_S):
        turns = 0
        while not condition():  # conditions are of many parts; none of them has an event
            turns += 1
            await asyncio.sleep(0 if turns < 50 else 0.001)


class Clock:
    """Times that never repeat, so that order shows; `ahead_ms` moves them on."""

    def __init__(self) -> None:
        self._ticks = itertools.count(1_000_000)
        self.ahead_ms = 0

    def now_ms(self) -> int:
        return next(self._ticks) + self.ahead_ms


@dataclass
class ListSink:
    """A watch's sink. `shut` stands for a connection with a backlog."""

    items: list[bytes] = field(default_factory=list)
    writable: bool = True
    _waiting: list[Callable[[], None]] = field(default_factory=list)

    def send(self, item: Encoded) -> None:
        self.items.append(item.json)

    def send_many(self, items: Sequence[Encoded]) -> None:
        self.items.extend(item.json for item in items)

    def on_writable(self, callback: Callable[[], None]) -> None:
        if self.writable:
            callback()
        else:
            self._waiting.append(callback)

    @property
    def is_waited_for(self) -> bool:
        return bool(self._waiting)

    def shut(self) -> None:
        self.writable = False

    def open(self) -> None:
        self.writable = True
        waiting, self._waiting = self._waiting, []
        for callback in waiting:
            callback()

    def fold(self) -> ClientFold:
        return ClientFold().feed(self.items)

    @property
    def offset(self) -> int:
        """Of the newest item; -1 before the first."""
        return int(self.items[-1].rpartition(b":")[2][:-1]) if self.items else -1

    def types(self) -> list[str]:
        return [str(msgspec.json.decode(item)["type"]) for item in self.items]


class Recorder:
    """All that was ever stored in a session's journal, in order, whatever is compacted."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def receive(self, entries: Sequence[Entry]) -> None:
        self.entries.extend(entries)

    @property
    def wires(self) -> list[bytes]:
        return [with_offset(entry.payload, entry.offset) for entry in self.entries]

    @property
    def events(self) -> list[Stored]:
        decoded = [decode(entry.payload) for entry in self.entries]
        return [event for event in decoded if event is not None]

    def of(self, kind: type[E], run_id: str | None = None) -> list[E]:
        return [
            event
            for event in self.events
            if isinstance(event, kind) and (run_id is None or getattr(event, "run_id", None) == run_id)
        ]

    def done(self, run_id: str | None = None) -> list[Done]:
        return self.of(Done, run_id)

    def types(self, run_id: str | None = None) -> list[str]:
        return [
            str(event.__struct_config__.tag)
            for event in self.events
            if run_id is None or getattr(event, "run_id", None) == run_id
        ]

    def fold(self) -> ClientFold:
        return ClientFold().feed(self.wires)


class Node:
    """Use as `async with node.running():`."""

    def __init__(
        self,
        backplane: Backplane,
        *,
        provider: ScriptedProvider | None = None,
        limits: RunLimits | None = None,
        clock: Clock | None = None,
        owner: str = "node_1",
        tools: Toolset | None = None,
        hooks: Hooks | None = None,
    ) -> None:
        self.backplane = backplane
        self.provider = provider or ScriptedProvider()
        self.tools = tools or Toolset()
        self.clock = clock or Clock()
        self.limits = limits or RunLimits(linger_s=0.0, retry_read_s=0.001, retry_base_s=0.0)
        ids = itertools.count(1)
        runs = RunEnvironment(
            limits=self.limits,
            tools=self.tools,
            now_ms=self.clock.now_ms,
            new_id=lambda prefix: f"{prefix}_{owner}_{next(ids)}",
            hooks=hooks or Hooks(),
        )
        self.sessions = Sessions(backplane.directory, backplane.bus)
        self.follows = Follows(backplane, self.limits)
        providers = Providers({self.provider.name: self.provider}, self.provider.name, without_key={"paid": "PAID_KEY"})
        self.supervisor = Supervisor(
            DriverEnvironment(
                owner=owner,
                backplane=backplane,
                sessions=self.sessions,
                providers=providers.offered,
                runs=runs,
                is_watched=self.follows.is_watched,
            )
        )
        self.chats = Chats(runs, backplane, self.sessions, self.supervisor, self.follows, providers)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Node"]:
        async with self.follows.running(), self.supervisor.running():
            yield self

    # ------------------------------------------------------------------------------------------ as one user does

    async def open(self, session_id: str = "ses", *, wish: SettingsWish | None = None, user: str = USER) -> Session:
        session, _ = await self.chats.open(user, session_id, wish or SettingsWish(autonomy="agent-yolo"))
        return session

    async def record(self, session_id: str = "ses") -> Recorder:
        recorder = Recorder()
        await self.backplane.journal.follow(session_id, recorder.receive)
        return recorder

    async def send(
        self,
        text: str,
        message_id: str | None = None,
        *,
        session_id: str = "ses",
        replaces: str | None = None,
        wish: Wish | None = None,
        user: str = USER,
    ) -> Asked:
        parts = [TextPart(text)] if text else []
        message_id = f"m-{text}" if message_id is None else message_id
        return await self.chats.asking.send(user, session_id, message_id, parts, replaces=replaces, wish=wish or Wish())

    async def stop(
        self,
        run_id: str | None = None,
        *,
        message_id: str | None = None,
        queued: bool = False,
        session_id: str = "ses",
        user: str = USER,
    ) -> StopAnswer:
        return await self.chats.asking.stop(user, session_id, run_id=run_id, message_id=message_id, queued=queued)

    async def idle(self) -> None:
        """Until nothing is driven here any more."""
        await until(lambda: self.supervisor.driven == 0)

    def watch(
        self,
        position: Position | None = None,
        *,
        sink: ListSink | None = None,
        session_id: str = "ses",
        run_id: str | None = None,
        user: str = USER,
    ) -> "Watching":
        return Watching(self, position, sink or ListSink(), session_id, run_id, user)


class Watching:
    """A watch in a task of its own: `async with node.watch() as watching`. `task` is done when the watch is over."""

    def __init__(
        self, node: Node, position: Position | None, sink: ListSink, session_id: str, run_id: str | None, user: str
    ) -> None:
        self.sink = sink
        self._watch = node.chats.watch(user, session_id, position, sink, run_id=run_id)
        self.task: asyncio.Task[None] | None = None  # set by `start`

    def start(self) -> "Watching":
        self.task = asyncio.create_task(self._watch)
        return self

    async def leave(self) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait([self.task])

    async def ended(self) -> list[bytes]:
        """All that came, once the watch has ended by itself."""
        assert self.task is not None
        async with asyncio.timeout(TIMEOUT_S):
            await self.task
        return self.sink.items

    async def __aenter__(self) -> "Watching":
        return self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.leave()

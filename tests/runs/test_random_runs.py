"""Random scripts, asked and stopped at random: whatever happens, section 3.4 holds."""

import asyncio
import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.backplane.base import Backplane
from hub.backplane.memory import MemoryBackplane
from hub.chat import events
from hub.chat.parts import Json
from hub.errors import CallError, ProviderError
from hub.providers.base import Request, StepEnd, TextDelta, ThinkingDelta, ThinkingEnd, ToolCallStart, UsageSoFar
from hub.runs.approving import ApprovalWish
from hub.runs.asking import Wish
from hub.runs.chats import SettingsWish
from hub.runs.limits import RunLimits
from tests.runs import invariants
from tests.runs.approving import Workbook, writes
from tests.runs.node import Node, Recorder, until
from tests.runs.scripted import USAGE, Act, ScriptedProvider, call, end
from tests.runs.tools import counting_tools

LIMITS = RunLimits(
    max_steps=4,
    max_queued_runs=4,
    retry_base_s=0.0,
    linger_s=0.0,
    ring_entries=16,
    notice_wait_s=60.0,
)


class Play:
    """One random play. Everything that chance decides comes from one generator, so a seed tells it all."""

    def __init__(self, backplane: Backplane, seed: int) -> None:
        self.chance = random.Random(seed)
        self.workbook = Workbook()
        for tool in counting_tools():
            self.workbook.tools.add(tool)
        self.node = Node(backplane, provider=ScriptedProvider(self.plan), limits=LIMITS, tools=self.workbook.tools)
        self.recorder = Recorder()
        self.asked_about: set[str] = set()
        self.looked_at = 0  # how many of the recorder's entries
        self.sent: list[str] = []
        self.runs: set[str] = set()
        self.calls = 0

    def plan(self, request: Request) -> Sequence[Act]:
        """A step as a provider might do it, well or badly."""
        chance = self.chance
        acts: list[Act] = []
        if chance.random() < 0.5:
            acts += [UsageSoFar(USAGE), None]
        if chance.random() < 0.15:
            return [*acts, ProviderError("provider_overloaded", "Too many ask.", retryable=chance.random() < 0.7)]
        for block in range(chance.randrange(4)):
            acts += self.block(block)
        match chance.randrange(10):
            case 0:
                return acts  # breaks off
            case 1:
                return [*acts, RuntimeError("a bug")]
            case 2 | 3 | 4:
                for _ in range(chance.randrange(1, 4)):
                    self.calls += 1
                    call_id = f"call_{self.calls % 7}"  # as of a provider that begins to count anew
                    name = chance.choice(["count", "count", "nothing", "write_range", "write_range"])
                    if name == "write_range":
                        acts += [*writes(call_id, chance.choice(["1", "=IMAGE(A1)"])), None]
                    else:
                        acts += [*call(call_id, name, to=chance.randrange(5)), None]
                if chance.random() < 0.2:
                    self.calls += 1
                    acts.append(ToolCallStart(f"call_{self.calls}", "count"))
                return [*acts, end("tool_calls")]
            case 5:
                reason = chance.choice(["max_output", "refused", "pause", "context_full"])
                return [*acts, StepEnd(reason, USAGE)]  # type: ignore[arg-type]  # one of the reasons
        return [*acts, end()]

    def block(self, number: int) -> list[Act]:
        acts: list[Act] = []
        thinks = self.chance.random() < 0.3
        for _ in range(self.chance.randrange(1, 6)):
            piece = self.chance.choice(["a", "bc", "é", "📈", "\ud83d", "\udcc8", ""])
            acts.append(ThinkingDelta(number, piece) if thinks else TextDelta(number, piece))
            if self.chance.random() < 0.5:
                acts.append(None)
        if thinks:
            acts.append(ThinkingEnd(number, signature="sig"))
        return acts

    async def step(self) -> None:
        try:
            await self.do()
        except CallError as error:
            assert error.code in ("busy", "conflict", "message_not_found", "run_not_found", "call_closed"), error

    async def do(self) -> None:
        chance, node = self.chance, self.node
        wish = Wish(
            when_busy=chance.choice(["queue", "queue", "replace", "reject"]), max_steps=chance.choice([None, 1])
        )
        old = chance.choice(self.sent) if self.sent else "m-none"
        run_id = chance.choice(sorted(self.runs)) if self.runs else "run_none"
        match chance.randrange(16):
            case 0 | 1 | 2:
                await self.ask(f"message {len(self.sent)}", wish=wish)
            case 3:
                await self.ask(f"edit {len(self.sent)}", replaces=old, wish=wish)
            case 4:
                asked = await node.chats.asking.regenerate("ann", "ses", f"again-{chance.randrange(10)}", None)
                self.runs.add(asked.run_id)
            case 5:
                await self.ask("go on", wish=Wish(continues=run_id))
            case 6:
                await node.stop(run_id)
            case 7:
                await node.stop(message_id=chance.choice([old, f"m-message {len(self.sent)}"]))
            case 8:
                await node.stop(queued=chance.random() < 0.5)
            case 10 | 11 | 12:
                await self.resolve()
            case 9 if self.sent:
                text = old.removeprefix("m-")
                if text.startswith("message"):
                    assert (await node.send(text)).run_id in self.runs
            case _:
                for _ in range(chance.randrange(25)):
                    await asyncio.sleep(0)

    async def resolve(self) -> None:
        """Answer what waits, or has waited, in any way."""
        asked = self.recorder.of(events.ApprovalNeeded)
        if asked:
            values: list[Json] = [2, "=NOW(1", None]
            edited = {"range": "B1", "values": [[self.chance.choice(values)]]}
            wish = ApprovalWish(
                approve=self.chance.random() < 0.7,
                arguments=self.chance.choice([None, edited]),
                scope=self.chance.choice(["call", "run", "session"]),
            )
            call_id = self.chance.choice(asked[-3:]).call_id
            await self.node.chats.approving.resolve("ann", "ses", call_id, wish)

    async def settle(self) -> None:
        """Until nothing is driven any more; what waits for an approval gets one."""
        node = self.node
        while node.supervisor.driven:
            await until(lambda: node.supervisor.driven == 0 or bool(self.waiting()))
            for call_id in self.waiting():
                try:
                    await node.chats.approving.resolve("ann", "ses", call_id, ApprovalWish(approve=True))
                except CallError as error:
                    assert error.code == "call_closed", error  # it has just ended
            await asyncio.sleep(0)

    def waiting(self) -> set[str]:
        """The calls that wait for an approval."""
        entries = self.recorder.entries
        for entry in entries[self.looked_at :]:
            match events.decode(entry.payload):
                case events.ApprovalNeeded(call_id=call_id):
                    self.asked_about.add(call_id)
                case events.ApprovalResolved(call_id=call_id) | events.ToolComplete(call_id=call_id):
                    self.asked_about.discard(call_id)
        self.looked_at = len(entries)
        return set(self.asked_about)

    async def ask(self, text: str, *, replaces: str | None = None, wish: Wish) -> None:
        message_id = f"m-{text}" if text != "go on" else f"m-go-{len(self.sent)}"
        asked = await self.node.send(text, message_id, replaces=replaces, wish=wish)
        self.runs.add(asked.run_id)
        self.sent.append(message_id)


async def play(backplane: Backplane, seed: int, steps: int) -> Recorder:
    one = Play(backplane, seed)
    node = one.node
    async with node.running():
        await node.open(wish=SettingsWish(autonomy=one.chance.choice(["agent-default", "agent-yolo"])))
        recorder = one.recorder = await node.record()
        async with node.watch() as watching:
            for _ in range(steps):
                await one.step()
            await one.settle()
            top = recorder.entries[-1].offset if recorder.entries else 0
            await until(lambda: watching.sink.offset == top)
            assert watching.sink.fold().view() == recorder.fold().view() or watching.sink.fold().has_more
        page = await node.chats.history("ann", "ses", before=None, limit=200)
        invariants.check(recorder.entries, page.messages)
        assert {event.run_id for event in recorder.of(events.RunStarted)} == one.runs
        assert node.provider.open_streams == 0
        session = await node.chats.get("ann", "ses")
        assert not session.running
        spent = [done.usage for done in recorder.done()]
        assert session.usage.input_tokens == sum(usage.input_tokens for usage in spent)
        # The session takes the next message, whatever happened to those before.
        asked = await node.send("the next one", "m-next")
        await one.settle()
        assert len(recorder.done(asked.run_id)) == 1
    return recorder


@given(st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_every_play_keeps_the_contract(seed: int) -> None:
    async def run() -> None:
        await play(MemoryBackplane(), seed, steps=25)

    asyncio.run(run())


@pytest.mark.parametrize("seed", range(10))
async def test_every_play_keeps_the_contract_on_each_store(backplane: Backplane, seed: int) -> None:
    await play(backplane, seed, steps=60)


async def test_plays_reach_every_outcome(backplane: Backplane) -> None:
    """Lest the tests above should test nothing."""
    outcomes: set[str] = set()
    tools: set[str] = set()
    recorder = await play(backplane, seed=3, steps=300)
    outcomes |= {done.outcome for done in recorder.done()}
    tools |= {event.outcome for event in recorder.of(events.ToolComplete)}
    assert outcomes == {"completed", "stopped", "failed", "limit"}
    assert tools >= {"success", "failed", "interrupted"}


async def test_plays_reach_approvals() -> None:
    recorders = [await play(MemoryBackplane(), seed, steps=100) for seed in range(10)]
    answers = {event.approve for recorder in recorders for event in recorder.of(events.ApprovalResolved)}
    attempts = {event.attempt for recorder in recorders for event in recorder.of(events.ApprovalNeeded)}
    assert (answers, attempts) == ({True, False}, {1, 2})

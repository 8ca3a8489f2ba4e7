"""The official npm client in a Node process. It runs scenarios one at a time; `run.mjs` says how it is spoken to."""

import asyncio
import json
import os
import re
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

HERE = Path(__file__).parent
MAX_LINE_BYTES = 64 * 1024 * 1024

Ask = Callable[[str, Sequence[object]], Awaitable[object]]
"""Answers what a scenario asks of the stage."""

_SCENARIO = re.compile(r"^export async function (\w+)", re.MULTILINE)


def scenarios(folder: str) -> list[tuple[str, str]]:
    """Module and name of each scenario in a folder: its exported functions."""
    return [
        (f"./{folder}/{path.name}", name)
        for path in sorted((HERE / folder).glob("*.mjs"))
        for name in _SCENARIO.findall(path.read_text())
    ]


class ScenarioFailed(AssertionError):
    """What the scenario said."""


class Node:
    """Runs scenarios; `answers` are the stage's, which may take their time."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._answering: set[asyncio.Task[None]] = set()

    async def run(
        self, module: str, scenario: str, *, encoding: str, url: str, ask: Ask, seed: int = 1, options: object = None
    ) -> object:
        """What the scenario returned. Raises `ScenarioFailed`."""
        wanted = {"module": module, "scenario": scenario, "encoding": encoding, "url": url}
        self._write({"run": {**wanted, "seed": seed, "options": options}})
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            message = json.loads(line)
            if result := message.get("result"):
                for task in self._answering:
                    task.cancel()
                if not result["ok"]:
                    raise ScenarioFailed(f"{module} {scenario} ({encoding}, seed {seed}): {result['error']}")
                return result["value"]
            task = asyncio.create_task(self._answer(message, ask))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
        raise ScenarioFailed(f"{module} {scenario} ({encoding}): Node ended with {await self._process.wait()}")

    async def _answer(self, message: dict[str, object], ask: Ask) -> None:
        try:
            method, arguments = message["method"], message["args"]
            assert isinstance(method, str)
            assert isinstance(arguments, list)
            self._write({"answer": message["ask"], "value": await ask(method, arguments)})
        except Exception as error:
            # It fails the scenario, which says where it asked.
            self._write({"answer": message["ask"], "error": repr(error)})

    def _write(self, message: dict[str, object]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")


@asynccontextmanager
async def start_node(*, trusts: Path | None = None) -> AsyncIterator[Node]:
    """`trusts`: a certificate."""
    environment = dict(os.environ) if trusts is None else {**os.environ, "NODE_EXTRA_CA_CERTS": str(trusts)}
    process = await asyncio.create_subprocess_exec(
        "node", "run.mjs", cwd=HERE, env=environment, stdin=PIPE, stdout=PIPE, limit=MAX_LINE_BYTES
    )
    try:
        yield Node(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()

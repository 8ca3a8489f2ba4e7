"""Pages with a workbook: Node processes with the official npm client, which a test may kill."""

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

HERE = Path(__file__).parent
TIMEOUT_S = 60.0


class Page:
    """What it has said so far is in `said`."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.said: list[dict[str, object]] = []

    async def until(self, kind: str) -> dict[str, object]:
        """The first that it says of this kind."""
        found = self.all(kind)
        assert self._process.stdout is not None
        async with asyncio.timeout(TIMEOUT_S):
            while not found:
                line = await self._process.stdout.readline()
                assert line, f"the page has ended without {kind}: {self.said}"
                self.said.append(json.loads(line))
                found = self.all(kind)
        return found[0]

    def all(self, kind: str) -> list[dict[str, object]]:
        return [one for one in self.said if one["kind"] == kind]

    def go_on(self) -> None:
        """Calls that are held go on."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")

    async def shows(self) -> dict[str, object]:
        """What is in its workbook now. To be asked once."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"show\n")
        return await self.until("shows")

    async def close(self) -> None:
        """As when its tab is closed; all that it has said is there."""
        if self._process.returncode is None:
            self._process.kill()
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            self.said.append(json.loads(line))
        await self._process.wait()


@asynccontextmanager
async def page(url: str, session_id: str, **wanted: object) -> AsyncIterator[Page]:
    """It has registered its tools. See `page.mjs` for what may be wanted."""
    argument = json.dumps({"url": url, "sessionId": session_id, **wanted})
    process = await asyncio.create_subprocess_exec("node", "page.mjs", argument, cwd=HERE, stdin=PIPE, stdout=PIPE)
    found = Page(process)
    try:
        await found.until("registered")
        yield found
    finally:
        await found.close()

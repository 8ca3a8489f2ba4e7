"""A process that writes to a file until it is killed: `python -m tests.backplane.sqlite.writing_process PATH`.

It prints a line for each thing that was acknowledged to it, and nothing else.
"""

import asyncio
import os
import sys

from hub.backplane.sqlite import SqliteBackplane
from tests.backplane.steps import accept, take

SESSIONS = 5


def say(text: str) -> None:
    os.write(1, text.encode() + b"\n")


async def write(backplane: SqliteBackplane, session_id: str) -> None:
    fence = (await take(backplane, f"pid{os.getpid()}", session_id=session_id, now=10**12)).fence
    number = 0
    offset = (await backplane.journal.top(session_id)).offset
    while True:
        number += 1
        size = 1 + number % 3
        payloads = [f"{session_id}:{offset + index}".encode() for index in range(1, size + 1)]
        appended = await backplane.journal.append(session_id, fence, number, payloads)
        offset = appended.last
        say(f"entry {session_id} {appended.epoch} {appended.last}")
        if number % 5 == 0:
            name = f"{os.getpid()}-{number}"
            await accept(backplane, name, session_id=session_id, max_queued=10**6)
            say(f"ask {session_id} {name}")


async def main(path: str) -> None:
    backplane = SqliteBackplane(path)
    await backplane.start()
    say("started")
    await asyncio.gather(*(write(backplane, f"s{number}") for number in range(SESSIONS)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

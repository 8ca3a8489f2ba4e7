"""One end of python-socketio's AsyncRedisManager: `… publish|receive URL COUNT BATCH`, as nodes/ends.py has it."""

import asyncio
import sys
import time

import socketio  # type: ignore[import-not-found]  # installed in the peers' own environment only
import uvloop

PAYLOAD = "x" * 100
GROUPS = 16


async def publish(url: str, count: int, batch: int) -> float:
    manager = socketio.AsyncRedisManager(url, write_only=True)
    await manager.emit("Event", PAYLOAD, room="nobody")  # connects
    begin = time.process_time()
    for sent in range(0, count, batch):
        await asyncio.gather(
            *(manager.emit("Event", PAYLOAD, room=f"group{(sent + number) % GROUPS}") for number in range(batch))
        )
    return time.process_time() - begin


async def receive(url: str, _count: int, _batch: int) -> float:
    manager = socketio.AsyncRedisManager(url)
    server = socketio.AsyncServer(async_mode="asgi", client_manager=manager)
    server.manager.initialize()
    await asyncio.sleep(1)  # it does not say when it listens
    begin = time.process_time()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    return time.process_time() - begin


def main() -> None:
    role, url, count, batch = sys.argv[1:5]
    act = publish if role == "publish" else receive
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(f"{runner.run(act(url, int(count), int(batch))):.6f}", flush=True)


if __name__ == "__main__":
    main()

"""How long from a client's Stop to the provider's closed connection, as the provider sees it."""

import asyncio
import random
import time
from collections.abc import Mapping
from typing import Any

from tests.bench import machine, servers, sockets
from tests.bench.options import Options
from tests.bench.sockets import Socket
from tests.bench.table import Table, ms, percentile
from tests.provider_server.script import Answer, Pace, Say, Script
from tests.provider_server.server import ProviderServer

OTHERS = 100
MAX_WAIT_S = 0.1
_SEED = 1
FAST = "one that is stopped"


def run(options: Options) -> list[Table]:
    machine.pin(machine.LOAD_CORE)
    stops = 20 if options.quick else 250
    table = Table(
        "stop_latency: from the client's Stop to the provider's closed connection (aim: p99 under 10 ms)",
        ("backplane", "other runs", "stops", "median ms", "p90 ms", "p99 ms", "longest ms"),
        notes=[
            f"Each stop comes at a random moment of the first {MAX_WAIT_S * 1000:g} ms of an answer at 200 deltas/s. "
            f"The others stream at 10 deltas/s each. The provider is a local server of Anthropic's format, asked "
            "through Anthropic's SDK; it shares its core and its event loop with the client."
        ],
    )
    for backplane in ("memory", "sqlite"):
        for others in (0, OTHERS):
            latencies = asyncio.run(_measure(backplane, others, stops))
            table.add(
                backplane,
                str(others),
                str(len(latencies)),
                *(ms(percentile(latencies, percent)) for percent in (50, 90, 99, 100)),
            )
    return [table]


def _answer(body: Mapping[str, Any]) -> Answer:
    is_fast = body["messages"][-1]["content"][0]["text"] == FAST
    return Script(Pace(0.005 if is_fast else 0.1), Say(*[" and so on"] * 20_000))


async def _measure(backplane: str, others: int, stops: int) -> list[float]:
    async with ProviderServer(default=_answer) as provider:
        environment = {"ANTHROPIC_API_KEY": provider.api_key, "ANTHROPIC_BASE_URL": provider.base_url}
        with servers.hub(backplane, "--provider", "anthropic", environment=environment) as server:
            client = await sockets.connect_hub(server.port)
            await _stop_one(provider, client, "warm-up", 0.5)
            for number in range(others):
                await _begin(provider, client, f"other-{number}", "another")
            waits = random.Random(_SEED)
            latencies = [
                await _stop_one(provider, client, f"s{number}", waits.uniform(0, MAX_WAIT_S)) for number in range(stops)
            ]
            client.close()
            return latencies


async def _begin(provider: ProviderServer, client: Socket, session_id: str, text: str) -> Any:
    await client.invoke("OpenSession", {"sessionId": session_id})
    await client.invoke("SendMessage", session_id, {"messageId": "m", "content": text})
    return await provider.next_request()


async def _stop_one(provider: ProviderServer, client: Socket, session_id: str, wait_s: float) -> float:
    """Seconds."""
    request = await _begin(provider, client, session_id, FAST)
    await asyncio.sleep(wait_s)
    at = time.monotonic()
    client.call("Stop", session_id)
    closed_at: float = await request.closed_by_client.wait()
    return closed_at - at

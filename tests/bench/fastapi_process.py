"""The loop that one writes with FastAPI: an endpoint whose answer is a stream of server-sent events, from the source.

A run is asked for by POST with its plan. `/runs/NAME` is a `StreamingResponse` over an async generator, `/events/NAME`
the same by FastAPI's own `EventSourceResponse`; `/alone/NAME` asks the same of the source and sends nothing.
"""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse

from tests.bench import machine
from tests.bench.source import Plan, read_plan, texts
from tests.bench.starlette_process import serve, text_event

app = FastAPI()


async def events(plan: Plan) -> AsyncIterator[Mapping[str, object]]:
    offset = 0
    async for text in texts(plan):
        offset += 1
        yield text_event(text, offset)
    yield {"type": "done"}


async def asked(request: Request) -> Plan:
    return read_plan((await request.body()).decode())


Asked = Annotated[Plan, Depends(asked)]


@app.post("/runs/{name}")
async def run(plan: Asked) -> StreamingResponse:
    async def lines() -> AsyncIterator[str]:
        async for event in events(plan):
            yield f"data: {json.dumps(event)}\n\n"

    return StreamingResponse(lines(), media_type="text/event-stream")


@app.post("/events/{name}", response_class=EventSourceResponse)
async def run_by_event_source(plan: Asked) -> AsyncIterator[Mapping[str, object]]:
    async for event in events(plan):
        yield event


@app.post("/alone/{name}")
async def alone(plan: Asked) -> StreamingResponse:
    async def last_line() -> AsyncIterator[str]:
        async for _ in texts(plan):
            pass
        yield 'data: {"type": "done"}\n\n'

    return StreamingResponse(last_line(), media_type="text/event-stream")


def main() -> None:
    machine.pin(machine.SERVER_CORE)
    serve(app)


if __name__ == "__main__":
    main()

"""How long a message of an MCP server may be that comes over HTTP. Those of a command cannot be bounded from here."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import httpx2


def event_hooks(max_bytes: int) -> Mapping[str, list[Callable[..., Awaitable[None]]]]:
    """For a client: what reads more than `max_bytes` of an answer in one piece gets StreamError. Streams of events are
    left alone, for they go on for ever; who reads them bounds each event. No answer may be packed: a small one could
    become large."""

    async def bound(response: httpx2.Response) -> None:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise httpx2.StreamError("the answer is packed, and none such was asked for")
        if not response.headers.get("content-type", "").lower().startswith("text/event-stream"):
            assert isinstance(response.stream, httpx2.AsyncByteStream)
            response.stream = _Bounded(response.stream, max_bytes)

    async def ask_unpacked(request: httpx2.Request) -> None:
        request.headers["Accept-Encoding"] = "identity"

    return {"request": [ask_unpacked], "response": [bound]}


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, max_bytes: int) -> None:
        self._stream = stream
        self._left = self._max_bytes = max_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            self._left -= len(piece)
            if self._left < 0:
                raise httpx2.StreamError(f"the answer is longer than {self._max_bytes} bytes")
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()

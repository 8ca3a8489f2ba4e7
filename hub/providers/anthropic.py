"""Anthropic's models, on their own SDK.

The SDK does HTTP, authentication and the framing of server-sent events. Their JSON is read here (`anthropic_stream`):
the SDK's typed events cost more per delta, and hide pings, which are signs of life. The SDK is imported late, and in a
thread, since it takes a second and 74 MB.

Whatever goes wrong is a `ProviderError` (`anthropic_errors`); nothing is tried again here, the runner does that.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING

from hub.chat.parts import Json
from hub.errors import ProviderError
from hub.providers.anthropic_errors import WHO, from_status, refused, truncated
from hub.providers.anthropic_request import to_body
from hub.providers.anthropic_stream import StreamReader, decode_error
from hub.providers.base import Delta, Request, StepEnd
from hub.providers.failures import (
    EVENT_STREAM,
    Sanitiser,
    checked_key,
    checked_url,
    from_connection,
    inactive,
    media_type,
    not_an_answer,
)
from hub.providers.history import sent_names

if TYPE_CHECKING:
    import httpx2
    from anthropic import AsyncAnthropic, AsyncStream
    from anthropic._streaming import ServerSentEvent
    from anthropic.types import RawMessageStreamEvent

BASE_URL = "https://api.anthropic.com"
MAX_EVENT_BYTES = 8 << 20
"""The most that may come as one event."""
DRAIN_S = 0.1
"""How long the HTTP answer's end is waited for after the last event, so that its connection can be used again."""


class AnthropicProvider:
    """Asks Anthropic's Messages API, or what speaks like it at `base_url`.

    `timeout_s` bounds connecting and sending; `inactivity_s` bounds the wait for the answer's beginning, and for each
    next event of it (pings count). `thinking` asks for it, and for its summary; else the model's own default holds.
    `citations`: answers say which passages of users' documents they rest on.
    Raises `SettingsError` for a key or an address that cannot be right.
    """

    name = "anthropic"

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str | None = None,
        default_model: str = "claude-sonnet-5-5",
        max_tokens: int = 16_384,
        thinking: bool = False,
        citations: bool = True,
        timeout_s: float = 10.0,
        inactivity_s: float = 60.0,
    ) -> None:
        self.default_model = default_model
        self._api_key = checked_key(api_key, "ANTHROPIC_API_KEY")
        self._base_url = checked_url(base_url or BASE_URL, WHO)
        self._max_tokens = max_tokens
        self._thinking = thinking
        self._citations = citations
        self._timeout_s = timeout_s
        self._inactivity_s = inactivity_s
        self._clean = Sanitiser(api_key)
        self._loading = asyncio.Lock()
        self._client: AsyncAnthropic | None = None  # made for the first request

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """See `Provider.stream`."""
        client = await self._ready()
        documents: list[str] = []
        body = to_body(
            request,
            max_tokens=self._max_tokens,
            thinking=self._thinking,
            documents=documents if self._citations else None,
        )
        reader = StreamReader(sent_names(request.tools), documents)
        stream = await self._open(client, body)
        try:
            received = _Bounded(stream.response)
            events = stream.raw_events(received)  # type: ignore[arg-type]  # asks for its bytes alone
            while not reader.ended:
                event = await self._next(events, reader)
                received.held = 0
                deltas = reader.read(event.event or "", event.data)
                if deltas and isinstance(deltas[-1], StepEnd):
                    # Before the end is told: whoever gets it asks for nothing more, and closes the connection.
                    await self._drain(events)
                for delta in deltas:
                    yield delta
        finally:
            await stream.close()

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def _ready(self) -> "AsyncAnthropic":
        async with self._loading:
            if self._client is None:
                self._client = await asyncio.to_thread(self._load)
            return self._client

    def _load(self) -> "AsyncAnthropic":
        import anthropic
        import httpx2

        client = anthropic.AsyncAnthropic(
            api_key=self._api_key,
            base_url=self._base_url,
            # No read timeout: the inactivity is watched here, over the wait for headers too.
            timeout=httpx2.Timeout(self._timeout_s, read=None),
            max_retries=0,
            # Or what was said would go wherever the answer points.
            http_client=anthropic.DefaultAsyncHttpxClient(follow_redirects=False),
            # Neither spans nor trace headers of the SDK's own.
            open_telemetry=False,
        )
        client._custom_headers = {}  # those of ANTHROPIC_CUSTOM_HEADERS, which may be meant for another server
        _ = client.messages  # imports the rest of the SDK
        return client

    async def _open(self, client: "AsyncAnthropic", body: dict[str, Json]) -> "AsyncStream[RawMessageStreamEvent]":
        """Send the request; returns once the headers of its answer have come."""
        import anthropic

        try:
            async with asyncio.timeout(self._inactivity_s):
                stream: AsyncStream[RawMessageStreamEvent] = await client.messages.create(**body, stream=True)
        except TimeoutError:
            raise inactive(WHO, self._inactivity_s) from None
        # Foreign errors are not chained: their texts would reach a log as they are.
        except anthropic.APIStatusError as error:
            raise from_status(error, self._clean) from None
        except anthropic.APIConnectionError as error:
            raise from_connection(WHO, error, began=False) from None
        except anthropic.AnthropicError as error:
            raise ProviderError("internal", f"Anthropic's SDK failed: {self._clean(str(error))}") from None
        content_type = media_type(stream.response.headers.get("content-type"))
        if content_type != EVENT_STREAM:
            await stream.close()
            raise not_an_answer(WHO, self._clean(content_type))
        return stream

    async def _next(self, events: "AsyncIterator[ServerSentEvent]", reader: StreamReader) -> "ServerSentEvent":
        """The next event that is not an error."""
        import httpx2

        try:
            async with asyncio.timeout(self._inactivity_s):
                event = await anext(events, None)
        except TimeoutError:
            raise inactive(WHO, self._inactivity_s) from None
        except (httpx2.RequestError, httpx2.StreamError) as error:
            raise from_connection(WHO, error, began=reader.began) from None
        except UnicodeDecodeError:
            raise truncated("something came that is not UTF-8") from None
        if event is None:
            raise truncated("it has no end")
        if event.event == "error":
            said = decode_error(event.data)
            raise refused(200, said.type or "api_error", said.message or "", self._clean)
        return event

    async def _drain(self, events: AsyncIterator[object]) -> None:
        """Read the HTTP answer's end, which mostly has come already. If it does not come, the connection is closed."""
        import httpx2

        try:
            async with asyncio.timeout(DRAIN_S):
                async for _ in events:
                    pass
        except (TimeoutError, httpx2.RequestError, httpx2.StreamError, UnicodeDecodeError, ProviderError):
            return  # the answer is whole; only the connection is not


class _Bounded:
    """The bytes of an answer, for the SDK's decoder, which holds an event until it is whole, however long it is."""

    def __init__(self, response: "httpx2.Response") -> None:
        self._response = response
        self.held = 0  # since the last event

    async def aiter_bytes(self) -> AsyncIterator[bytes]:
        async for data in self._response.aiter_bytes():
            self.held += len(data)
            if self.held > MAX_EVENT_BYTES:
                raise truncated("it is larger than is taken")
            yield data

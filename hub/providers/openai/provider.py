"""Chat Completions, or Responses, on the `openai` SDK.

The SDK does HTTP and authentication. The bytes of the answer are cut (`frames`) and read (`dialects`) here: the SDK's
typed chunks cost more per delta, and hide the comments that are signs of life. The SDK is imported late, and in a
thread, since it takes half a second and 48 MB.

Whatever goes wrong is a `ProviderError` (`errors`); nothing is tried again here, the runner does that. But a request
that a server refuses because it does not know one of its fields is sent again at once without that field, which is then
left out for that model.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING

from hub.chat.parts import Json, ToolCallPart
from hub.providers.base import Delta, Request
from hub.providers.failures import EVENT_STREAM, Sanitiser, checked_key, checked_url, media_type
from hub.providers.history import sent_names
from hub.providers.openai.calls import Calls
from hub.providers.openai.dialects import DIALECTS, NOT_KEPT, Reader
from hub.providers.openai.errors import Failures, read_body
from hub.providers.openai.frames import Cutter, EventCutter, FrameTooLarge, WholeCutter
from hub.providers.openai.history import MAX_NAME
from hub.providers.openai.presets import Api, Preset
from hub.providers.text import json_text

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

NO_KEY = "no-key-needed"
"""Sent where no key is needed; the SDK wants one."""
TAIL_S = 2.0
"""How long the usage is waited for once the model has ended."""
DRAIN_S = 0.1
"""How long the HTTP answer's end is waited for after the last event, so that its connection can be used again."""
MAX_MODELS = 1_000
"""Of how many models it is remembered what their requests may not have."""


class OpenAIProvider:
    """Asks one of the presets, or what speaks like it at `base_url`.

    `timeout_s` bounds connecting and sending; `inactivity_s` bounds the wait for the answer's beginning, and for each
    next piece of it (comments count). `max_tokens` bounds an answer; else the server's own bound holds. `api` is spoken
    there, by default what the preset says. Raises `SettingsError` for a key or an address that cannot be right.
    """

    def __init__(
        self,
        preset: Preset,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        default_model: str | None = None,
        api: Api | None = None,
        max_tokens: int | None = None,
        timeout_s: float = 10.0,
        inactivity_s: float = 60.0,
    ) -> None:
        self._preset = preset.at(base_url)
        self.name = preset.name
        self._dialect = DIALECTS[api or self._preset.api]
        self.default_model = default_model or preset.default_model
        self._base_url = checked_url(self._preset.base_url, preset.label)
        self._api_key = NO_KEY
        if api_key is not None or self._preset.needs_key:
            self._api_key = checked_key(api_key or "", preset.key_setting)
        self._max_tokens = max_tokens
        self._timeout_s = timeout_s
        self._inactivity_s = inactivity_s
        self._failures = Failures(self._preset.label, Sanitiser(self._api_key))
        self._left_out: dict[str, frozenset[str]] = {}  # by model: fields that the server does not know
        self._loading = asyncio.Lock()
        self._client: AsyncOpenAI | None = None  # made for the first request

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """See `Provider.stream`."""
        client = await self._ready()
        async with AsyncExitStack() as stack:
            response, body = await self._answer(stack, client, request)
            reader = self._dialect.reader(_calls_of(request), self._failures, sent_characters=len(json_text(body)))
            cutter = self._cutter(response)
            chunks = await stack.enter_async_context(aclosing(response.aiter_bytes()))
            while not reader.is_done:
                data = await self._next(chunks, reader)
                for frame in self._cut(cutter, data):
                    for delta in reader.read(frame):
                        yield delta
                if data is None:
                    break
            end = reader.finish()
            # Before the end is told: whoever gets it asks for nothing more, and closes the connection.
            await self._drain(chunks)
            for delta in end:
                yield delta

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def _ready(self) -> "AsyncOpenAI":
        async with self._loading:
            if self._client is None:
                self._client = await asyncio.to_thread(self._load)
            return self._client

    def _load(self) -> "AsyncOpenAI":
        import httpx2
        import openai

        client = openai.AsyncOpenAI(
            api_key=self._api_key,
            base_url=self._base_url,
            # No read timeout: the inactivity is watched here, over the wait for headers too.
            timeout=httpx2.Timeout(self._timeout_s, read=None),
            max_retries=0,
            # Or what was said would go wherever the answer points.
            http_client=openai.DefaultAsyncHttpxClient(follow_redirects=False),
            # Given, so that the environment is not asked; it may be meant for another server than this one.
            admin_api_key="",
            organization="",
            project="",
            webhook_secret="",
        )
        client.organization = client.project = client.admin_api_key = None
        client._custom_headers = {}  # those of OPENAI_CUSTOM_HEADERS
        _ = client.chat.completions, client.responses  # imports the rest of the SDK
        return client

    async def _answer(
        self, stack: AsyncExitStack, client: "AsyncOpenAI", request: Request
    ) -> tuple["httpx2.Response", dict[str, Json]]:
        """Send the request; returns once the headers of its answer have come. `stack` closes the answer."""
        import openai

        left_out = self._left_out.get(request.model, frozenset())
        while True:
            body = self._dialect.to_body(request, self._preset, max_tokens=self._max_tokens, left_out=left_out)
            try:
                response = await self._send(stack, client, body)
            # Foreign errors are not chained: their texts would reach a log as they are.
            except openai.APIStatusError as error:
                said = read_body(error.response.content)
                field = self._dialect.refused_field(error.status_code, said, body)
                if field is None or field in left_out:
                    raise self._failures.refused(error.status_code, said, error.response.headers) from None
                left_out |= {field}
                continue
            kept = left_out - NOT_KEPT
            if kept and (request.model in self._left_out or len(self._left_out) < MAX_MODELS):
                self._left_out[request.model] = kept
            return response, body

    async def _send(self, stack: AsyncExitStack, client: "AsyncOpenAI", body: dict[str, Json]) -> "httpx2.Response":
        import openai

        try:
            async with asyncio.timeout(self._inactivity_s):
                return (await stack.enter_async_context(self._dialect.send(client, body))).http_response
        except TimeoutError:
            raise self._failures.inactive(self._inactivity_s) from None
        except openai.APIConnectionError as error:
            raise self._failures.broken(error, began=False) from None
        except openai.APIStatusError:
            raise
        except openai.OpenAIError as error:
            raise self._failures.internal(error) from None

    def _cutter(self, response: "httpx2.Response") -> Cutter:
        """By what the server sends, whatever was asked for: some never stream."""
        content_type = media_type(response.headers.get("content-type"))
        if content_type == EVENT_STREAM:
            return EventCutter()
        if content_type == "application/json":
            return WholeCutter()
        raise self._failures.not_an_answer(content_type)

    async def _next(self, chunks: AsyncIterator[bytes], reader: Reader) -> bytes | None:
        """What comes next; None once all has come."""
        import httpx2

        try:
            async with asyncio.timeout(min(TAIL_S, self._inactivity_s) if reader.has_ended else self._inactivity_s):
                return await anext(chunks, None)
        except TimeoutError:
            failure = self._failures.inactive(self._inactivity_s)
        except (httpx2.RequestError, httpx2.StreamError) as error:
            failure = self._failures.broken(error, began=reader.began)
        if reader.has_ended:
            return None  # the answer is whole; only the usage is not
        raise failure

    def _cut(self, cutter: Cutter, data: bytes | None) -> list[bytes]:
        try:
            return cutter.rest() if data is None else cutter.feed(data)
        except FrameTooLarge:
            raise self._failures.truncated("it is larger than is taken") from None

    async def _drain(self, chunks: AsyncIterator[bytes]) -> None:
        """Read the HTTP answer's end, which mostly has come already. If it does not come, the connection is closed."""
        import httpx2

        with contextlib.suppress(TimeoutError, httpx2.RequestError, httpx2.StreamError):
            async with asyncio.timeout(DRAIN_S):
                async for _ in chunks:
                    pass


def _calls_of(request: Request) -> Calls:
    taken = (part.call_id for message in request.messages for part in message.parts if isinstance(part, ToolCallPart))
    return Calls(sent_names(request.tools, MAX_NAME), taken, f"call_{request.run_id}_{request.step}")

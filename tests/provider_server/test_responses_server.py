"""What the provider server says as the Responses API is what OpenAI's own SDK takes it for."""

from collections.abc import AsyncIterator

import pytest
from openai import AsyncOpenAI
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseReasoningItem

from tests.provider_server.script import CallTool, End, Say, Script, Think
from tests.provider_server.server import ProviderServer


@pytest.fixture
async def server() -> AsyncIterator[ProviderServer]:
    async with ProviderServer() as server:
        yield server


@pytest.fixture
async def client(server: ProviderServer) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(api_key=server.api_key, base_url=server.openai_url, max_retries=0) as client:
        yield client


async def test_the_sdk_puts_its_events_together(server: ProviderServer, client: AsyncOpenAI) -> None:
    cite = {"type": "url_citation", "url": "https://example.org", "title": "A", "start_index": 0, "end_index": 2}
    server.add(Script(Think("Let me ", "see."), Say("It is ", "7.", cites=[cite]), CallTool("sum", {"column": "B"})))
    async with client.responses.stream(
        model="gpt-5.5",
        input=[{"type": "message", "role": "user", "content": "How much?"}],
        store=False,
        include=["reasoning.encrypted_content"],
        reasoning={"summary": "auto"},
    ) as stream:
        numbers = [event.sequence_number async for event in stream]
        response = await stream.get_final_response()
    assert numbers == list(range(len(numbers)))
    assert response.status == "completed"
    reasoning, message, call = response.output
    assert isinstance(reasoning, ResponseReasoningItem)
    assert (reasoning.summary[0].text, bool(reasoning.encrypted_content)) == ("Let me see.", True)
    assert isinstance(message, ResponseOutputMessage) and response.output_text == "It is 7."
    assert isinstance(call, ResponseFunctionToolCall)
    assert (call.name, call.arguments, call.status) == ("sum", '{"column": "B"}', "completed")
    assert response.usage is not None and response.usage.total_tokens > response.usage.output_tokens


async def test_the_sdk_reads_an_answer_in_one_piece(server: ProviderServer, client: AsyncOpenAI) -> None:
    server.add(Script(Say("Half"), End("max_tokens")))
    response = await client.responses.create(
        model="gpt-5.5", input=[{"type": "message", "role": "user", "content": "How much?"}], store=False
    )
    assert (response.status, response.output_text) == ("incomplete", "Half")
    assert response.incomplete_details is not None and response.incomplete_details.reason == "max_output_tokens"

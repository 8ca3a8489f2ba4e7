"""What goes through OpenAI's SDK unlooked at is on the wire what the SDK itself would send."""

import json

import msgspec
import pytest
from openai import AsyncOpenAI

from hub.chat.parts import TextPart, ToolCallPart
from hub.providers import openai
from hub.providers.openai.dialects import DIALECTS, as_written
from tests.provider_server.server import ProviderServer
from tests.providers.anthropic_setup import answer, ask, collect, user
from tests.providers.speakers import OPENAI, RESPONSES, Speaker

CALL = ToolCallPart(
    call_id="c1",
    name="sum",
    arguments={"column": "B", "rows": [1, {"a": None, "é": "😀"}]},
    state="success",
    result=[7, None],
    access="read",
    host="server",
)
ASKED = ask(user("How much?"), answer(TextPart("Let me see."), CALL, TextPart("7.")), user("And now?"))


@pytest.mark.parametrize(("speaker", "api"), [(OPENAI, "chat"), (RESPONSES, "responses")])
@pytest.mark.parametrize("has_tools", [True, False])
async def test_a_request_is_byte_for_byte_what_the_sdk_would_send(
    provider_server: ProviderServer, speaker: Speaker, api: openai.Api, has_tools: bool
) -> None:
    request = msgspec.structs.replace(ASKED, model=speaker.model)
    if not has_tools:
        request = msgspec.structs.replace(request, tools=())
    async with speaker.provider(provider_server) as provider:
        await collect(provider, request)
    dialect = DIALECTS[api]
    body = dialect.to_body(request, openai.OPENAI, max_tokens=None)
    url, key = provider_server.openai_url, provider_server.api_key
    async with AsyncOpenAI(api_key=key, base_url=url, max_retries=0) as client:
        if api == "responses":
            async with client.responses.with_streaming_response.create(**body) as response:
                await response.read()
        else:
            async with client.chat.completions.with_streaming_response.create(**body) as response:
                await response.read()
    ours, theirs = provider_server.requests
    assert (ours.refused, theirs.refused) == (None, None)
    assert json.dumps(ours.body) == json.dumps(theirs.body), "in the same order, too"
    assert ours.headers["content-length"] == theirs.headers["content-length"]


def test_what_grows_with_the_session_is_not_given_to_be_looked_through() -> None:
    history, tools = [{"role": "user"}], [{"type": "function"}]
    given = as_written({"model": "m", "messages": history, "stream": True, "tools": tools})
    assert given == {
        "model": "m",
        "messages": [],
        "stream": True,
        "tools": [],
        "extra_body": {"messages": history, "tools": tools},
    }
    assert given["extra_body"]["messages"] is history

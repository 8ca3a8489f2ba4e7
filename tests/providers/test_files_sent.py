"""Uploaded files as the models' servers get them."""

import base64
from collections.abc import Callable, Mapping, Sequence

import pytest

from hub.chat.parts import FilePart, Message, TextPart
from hub.providers.openai.history import to_messages
from hub.providers.openai.responses.history import to_items
from tests.files.uploading import PNG, encoded, pieces
from tests.provider_server.script import Say, Script
from tests.provider_server.server import ProviderServer
from tests.providers.hubs import Chatting, Event, anthropic_at, chatting, openai_at, responses_at

PDF = b"%PDF-1.4\n%%EOF\n"
CSV = b"a,b\r\n1,2\r\n"
FILES = (("dot.png", "image/png", PNG), ("paper.pdf", "application/pdf", PDF), ("sums.csv", "text/csv", CSV))

Settings = Callable[[ProviderServer], Mapping[str, object]]


async def ask_about(chat: Chatting, files: Sequence[tuple[str, str, bytes]], message_id: str = "m") -> Event:
    """The `done` of a question with these files."""
    content: list[Event] = []
    for name, media_type, data in files:
        wish = {"name": name, "mediaType": media_type, "size": len(data)}
        answer = await chat.client.invoke("Upload", chat.session_id, wish, pieces(encoded(data)))
        assert isinstance(answer, dict)
        content.append({"type": "file", "fileId": answer["fileId"]})
    message = {"messageId": message_id, "content": [*content, {"type": "text", "text": "What are these?"}]}
    events = [event async for event in chat.client.stream("Chat", chat.session_id, message)]
    assert isinstance(events[-1], dict)
    return events[-1]


async def test_anthropic_gets_images_documents_and_text(provider_server: ProviderServer) -> None:
    async with chatting(anthropic_at(provider_server)) as chat:
        done = await ask_about(chat, FILES)
        assert (done["type"], done["outcome"]) == ("done", "completed")
        again = await chat.ask("And now?")
        assert again[-1]["outcome"] == "completed"
    first, second = await provider_server.next_request(), await provider_server.next_request()
    assert first.refused is None and second.refused is None
    image, document, text, said = first.body["messages"][0]["content"]
    assert image["source"] == {"type": "base64", "media_type": "image/png", "data": base64.b64encode(PNG).decode()}
    assert (document["type"], document["title"]) == ("document", "paper.pdf")
    assert base64.b64decode(document["source"]["data"]) == PDF
    assert text["text"] == f"[file: sums.csv, text/csv, {len(CSV)} bytes]\n{CSV.decode()}\n[end of the file]"
    assert said["text"] == "What are these?"
    assert second.body["messages"][0]["content"][0] == image  # files stay in the history


async def test_openai_gets_data_urls(provider_server: ProviderServer) -> None:
    settings = openai_at(provider_server)
    provider_server.add(Script(Say("A dot.")))
    async with chatting(settings) as chat:
        done = await ask_about(chat, FILES)
        assert done["outcome"] == "completed", done
    request = await provider_server.next_request()
    assert request.refused is None
    (message,) = [message for message in request.body["messages"] if message["role"] == "user"]
    image, document, *texts = message["content"]
    assert image == {
        "type": "image_url",
        "image_url": {"url": f"data:image/png;base64,{base64.b64encode(PNG).decode()}"},
    }
    # A compatible server knows no documents: the model is told that there is one.
    assert document["type"] == "text" and "paper.pdf" in document["text"] and "cannot be shown" in document["text"]
    assert "1,2" in texts[0]["text"]


async def test_responses_get_data_urls_too(provider_server: ProviderServer) -> None:
    async with chatting(responses_at(provider_server)) as chat:
        done = await ask_about(chat, FILES)
        assert done["outcome"] == "completed", done
    request = await provider_server.next_request()
    assert request.refused is None
    image, document, text, said = request.body["input"][0]["content"]
    url = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    assert image == {"type": "input_image", "image_url": url, "detail": "auto"}
    assert document["type"] == "input_text" and "cannot be shown" in document["text"]
    assert "1,2" in text["text"] and said == {"type": "input_text", "text": "What are these?"}


@pytest.mark.parametrize("files", [{"f": PDF}, {}])
def test_openai_itself_takes_documents(files: Mapping[str, bytes]) -> None:
    message = Message(
        message_id="u",
        role="user",
        author="ann",
        parts=[FilePart("f", "paper.pdf", "application/pdf", len(PDF)), TextPart("Read it")],
        status="complete",
        created_at=0,
    )
    items = to_items([message], provider="openai", files=files)
    # Two questions without an answer between them become one message.
    (sent,) = to_messages([message, message], provider="openai", files=files)
    if files:
        data = f"data:application/pdf;base64,{base64.b64encode(PDF).decode()}"
        part = {"type": "file", "file": {"filename": "paper.pdf", "file_data": data}}
        assert sent["content"] == 2 * [part, {"type": "text", "text": "Read it"}]
        file = {"type": "input_file", "filename": "paper.pdf", "file_data": data}
        assert items[0]["content"] == [file, {"type": "input_text", "text": "Read it"}]
    else:
        note = f"[file: paper.pdf, application/pdf, {len(PDF)} bytes]"
        assert sent["content"] == "\n\n".join(2 * [note, "Read it"])
        assert items[0]["content"] == f"{note}\n\nRead it"

"""What passages of an answer rest on: as providers tell it, and as the hub gives it on."""

from collections.abc import Sequence
from typing import Any

import pytest

from hub.chat.parts import Citation, FilePart, Message, TextPart
from hub.hooks.joined import in_one_piece
from hub.providers import citing
from hub.providers.anthropic import AnthropicProvider
from hub.providers.base import Cited, Delta, Request, TextDelta
from tests.files.uploading import PNG, encoded, pieces
from tests.provider_server.openai_rules import Style
from tests.provider_server.responses_player import response_event
from tests.provider_server.script import CallTool, Redacted, Say, Script, Think
from tests.provider_server.server import ProviderServer
from tests.providers.anthropic_setup import ask, collect, text_of
from tests.providers.hubs import Chatting, Event, anthropic_at, chatting, one, openai_at, responses_at
from tests.providers.speakers import ANTHROPIC, OLLAMA, OPENAI, RESPONSES, Speaker

PDF = b"%PDF-1.4\n%%EOF\n"
NOTES = b"Total: 7. Mean: 3.5."
QUOTE = {"cited_text": "Total: 7.", "document_title": "x", "start_char_index": 0, "end_char_index": 9}
CHARS = {"type": "char_location", "document_index": 1, **QUOTE}
PAGES = {
    "type": "page_location",
    "document_index": 0,
    "document_title": "paper.pdf",
    "cited_text": "Mean: 3.5",
    "start_page_number": 2,
    "end_page_number": 4,
}


def cited(deltas: Sequence[Delta], block: int | None = None) -> list[Citation]:
    found = [delta for delta in deltas if isinstance(delta, Cited)]
    assert block is None or {delta.block for delta in found} <= {block}
    return [citation for delta in found for citation in delta.citations]


def passages(text: str, citations: Sequence[Citation]) -> list[str | None]:
    """What clients see as the passage of each, counting as JavaScript does."""
    units = text.encode("utf-16-le")
    return [
        None if each.start is None or each.end is None else units[2 * each.start : 2 * each.end].decode("utf-16-le")
        for each in citations
    ]


def asking(*files: tuple[str, str, bytes], provider: str = "anthropic") -> Request:
    """A question about these files."""
    parts = [FilePart(name, name, media_type, len(content)) for name, media_type, content in files]
    question = Message(
        message_id="u",
        role="user",
        author="ann",
        parts=[*parts, TextPart("How much?")],
        status="complete",
        created_at=0,
    )
    request = ask(question)
    return Request(
        session_id=request.session_id,
        run_id=request.run_id,
        model=request.model,
        system=request.system,
        messages=request.messages,
        tools=request.tools,
        files={name: content for name, _, content in files},
    )


FILES = (
    ("paper.pdf", "application/pdf", PDF),
    ("dot.png", "image/png", PNG),
    ("notes.txt", "text/plain", NOTES),
    ("sums.csv", "text/csv", b"a,b\n"),
)


async def test_documents_are_sent_to_be_cited(provider_server: ProviderServer) -> None:
    async with ANTHROPIC.provider(provider_server) as provider:
        await collect(provider, asking(*FILES, ("blank.txt", "text/plain", b"\xef\xbb\xbf \n")))
    assert provider_server.requests[0].refused is None
    pdf, image, notes, *texts = provider_server.requests[0].body["messages"][0]["content"]
    assert (pdf["type"], image["type"], notes["type"]) == ("document", "image", "document")
    assert pdf["citations"] == notes["citations"] == {"enabled": True}
    assert notes["source"] == {"type": "text", "media_type": "text/plain", "data": NOTES.decode()}
    assert (pdf["title"], notes["title"]) == ("paper.pdf", "notes.txt")
    assert [text["text"].partition("\n")[0] for text in texts] == [
        "[file: sums.csv, text/csv, 4 bytes]",
        "[file: blank.txt, text/plain, 5 bytes]",
        "How much?",
    ]


async def test_nothing_is_cited_where_that_is_not_wanted(provider_server: ProviderServer) -> None:
    provider = AnthropicProvider(provider_server.api_key, base_url=provider_server.base_url, citations=False)
    await collect(provider, asking(*FILES))
    await provider.close()
    pdf, _, notes, *_ = provider_server.requests[0].body["messages"][0]["content"]
    assert "citations" not in pdf
    assert notes["type"] == "text" and NOTES.decode() in notes["text"]


async def test_a_passage_is_told_with_its_document(provider_server: ProviderServer) -> None:
    """Anthropic makes each passage a block of its own; they are one text, of which citations name the places."""
    provider_server.add(
        Script(
            Think("hm"),
            Say("It is 📈 "),
            Say("seven", cites=[CHARS, PAGES]),
            Say(", or "),
            Say("3.\ud83d", "\ude00", cites=[PAGES]),
            Say("."),
        )
    )
    async with ANTHROPIC.provider(provider_server) as provider:
        deltas = await collect(provider, asking(*FILES))
    assert text_of(deltas) == "It is 📈 seven, or 3.😀."
    assert {delta.block for delta in deltas if isinstance(delta, TextDelta)} == {1}
    citations = cited(deltas, block=1)
    assert passages(text_of(deltas), citations) == ["seven", "seven", "3.😀"]
    assert [(each.source, each.title, each.file_id, each.quote) for each in citations[:2]] == [
        ("document", "x", "notes.txt", "Total: 7."),
        ("document", "paper.pdf", "paper.pdf", "Mean: 3.5"),
    ]
    # Where Anthropic tells the page after the last one, the hub tells the last.
    assert [(each.page, each.end_page) for each in citations] == [(None, None), (2, 3), (2, 3)]
    assert isinstance(deltas[[type(delta) for delta in deltas].index(Cited) - 1], TextDelta), "after its passage"


async def test_a_text_begins_anew_after_something_else(provider_server: ProviderServer) -> None:
    provider_server.add(Script(Say("I look", cites=[PAGES]), Redacted(), Say("7", cites=[PAGES]), CallTool("sum", {})))
    async with ANTHROPIC.provider(provider_server) as provider:
        deltas = await collect(provider, asking(*FILES))
    first, second = (delta for delta in deltas if isinstance(delta, Cited))
    assert (first.block, first.citations[0].start, first.citations[0].end) == (0, 0, 6)
    assert (second.block, second.citations[0].start, second.citations[0].end) == (2, 0, 1)


async def test_pages_of_the_web_and_what_is_unknown(provider_server: ProviderServer) -> None:
    cites: list[dict[str, Any]] = [
        {
            "type": "web_search_result_location",
            "url": "https://example.org/a",
            "title": "A",
            "cited_text": "a",
            "encrypted_index": "x",
        },
        {"type": "search_result_location", "source": "https://example.org/b", "title": None, "cited_text": "b"},
        {"type": "search_result_location", "source": "notes/7", "title": "Notes", "cited_text": "c"},
        {"type": "content_block_location", "document_index": 9, "document_title": None, "cited_text": " "},
        {"type": "location_of_tomorrow", "cited_text": "d"},
    ]
    # Of a server in between, that knows documents which were not sent.
    cites[3].pop("document_index")
    provider_server.add(Script(Say("One"), Say("two", cites=cites)))
    async with ANTHROPIC.provider(provider_server) as provider:
        deltas = await collect(provider, ask())
    assert [delta.block for delta in deltas if isinstance(delta, TextDelta)] == [0, 1]
    assert cited(deltas, block=1) == [
        Citation(source="web", title="A", url="https://example.org/a", quote="a", start=0, end=3),
        Citation(source="web", title="https://example.org/b", url="https://example.org/b", quote="b", start=0, end=3),
        Citation(source="web", title="Notes", quote="c", start=0, end=3),
        Citation(source="document", start=0, end=3),
    ]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "https://a\nb", f"https://{2_000 * 'x'}", ""]
)
def test_an_address_that_is_none_of_the_web_s_is_left_out(url: str) -> None:
    assert citing.web(url=url, title="T") == Citation(source="web", title="T")


def test_what_is_told_is_bounded() -> None:
    made = citing.document(title="t" * 999, quote="q" * 9_999 + "\ud83d")
    assert (len(made.title or ""), len(made.quote or "")) == (citing.MAX_TITLE, citing.MAX_QUOTE)
    assert citing.document(quote="\ud83d").quote == "\N{REPLACEMENT CHARACTER}"
    bound = citing.Bound()
    assert len(bound.take([made] * 400)) + len(bound.take([made] * 400)) == citing.MAX_CITATIONS


@pytest.mark.parametrize(("start", "end"), [(None, 3), (3, 3), (-1, 2), (9, 12), ("0", "3")])
def test_a_passage_that_is_none(start: object, end: object) -> None:
    assert citing.within("a text", start, end) is None


SITE = {"url": "https://example.org/a", "title": "A", "start_index": 2, "end_index": 7}


@pytest.mark.parametrize("speaker", [OPENAI, RESPONSES], ids=lambda speaker: speaker.name)
@pytest.mark.parametrize("streams", ["yes", "ignores"])
async def test_servers_like_openai_s_cite_pages_of_the_web(speaker: Speaker, streams: Any) -> None:
    kind = {"type": "url_citation"} if speaker is RESPONSES else {}
    cites: list[dict[str, Any]] = [
        {**SITE, **kind},
        {**SITE, **kind, "start_index": 99, "end_index": 120},
        {"type": "of_tomorrow"},
    ]
    async with ProviderServer(style=Style(streams=streams)) as server, speaker.provider(server) as provider:
        server.add(Script(Say("📈 ", "It is 7.", cites=cites)))
        deltas = await collect(provider, ask(model=speaker.model))
    citations = cited(deltas, block=0)
    assert [(each.url, each.title) for each in citations] == [("https://example.org/a", "A")] * 2
    assert passages(text_of(deltas), citations) == ["It is", None]


async def test_annotations_count_from_the_beginning_of_the_content() -> None:
    """Thinking in between makes two texts of it."""
    cite = {"url": "https://example.org/a", "title": "A", "start_index": 9, "end_index": 15}
    before = {**cite, "start_index": 0, "end_index": 2}
    async with ProviderServer(style=OLLAMA.style) as server, OLLAMA.provider(server) as provider:
        server.add(Script(Say("I look. "), Think("hm"), Say("It is 7.", cites=[cite, before])))
        deltas = await collect(provider, ask(model=OLLAMA.model))
    said = [delta for delta in deltas if isinstance(delta, TextDelta)]
    assert [delta.text for delta in said] == ["I look. ", "It is 7."]
    assert passages("It is 7.", cited(deltas, block=said[1].block)) == ["t is 7", None]


async def test_responses_cite_files_and_say_so_once(provider_server: ProviderServer) -> None:
    """What an item has at its end was told before, if it was told at all."""
    cite = {"type": "file_citation", "file_id": "file-1", "filename": "paper.pdf", "index": 3}
    content = {"type": "output_text", "text": "It is.", "annotations": [cite]}
    whole = {"type": "message", "id": "m", "content": [content]}
    provider_server.add(
        Script(Say("It is.", cites=[cite])),
        Script(response_event("response.output_item.done", output_index=0, item=whole)),
    )
    async with RESPONSES.provider(provider_server) as provider:
        for _ in range(2):
            deltas = await collect(provider, ask(model=RESPONSES.model))
            assert cited(deltas) == [Citation(source="document", title="paper.pdf")]


async def test_citations_stay_with_their_text_in_one_piece(provider_server: ProviderServer) -> None:
    provider_server.add(Script(Say("It is ", "7"), Say(", so.", cites=[PAGES])))
    async with ANTHROPIC.provider(provider_server) as provider:
        whole = [delta async for delta in in_one_piece(provider.stream(asking(*FILES)))]
    said = [delta for delta in whole if isinstance(delta, TextDelta | Cited)]
    assert [type(delta) for delta in said] == [TextDelta, Cited]
    assert passages(text_of(said), cited(said)) == [", so."]


async def ask_about_files(chat: Chatting) -> tuple[dict[str, str], list[Event]]:
    """The ids of the files, by name, and the events of the answer."""
    ids: dict[str, str] = {}
    for name, media_type, data in FILES:
        wish = {"name": name, "mediaType": media_type, "size": len(data)}
        answer = await chat.client.invoke("Upload", chat.session_id, wish, pieces(encoded(data)))
        assert isinstance(answer, dict)
        ids[name] = answer["fileId"]
    content = [*({"type": "file", "fileId": file_id} for file_id in ids.values()), {"type": "text", "text": "Sum?"}]
    message = {"messageId": "files", "content": content}
    events: list[Event] = []
    async for event in chat.client.stream("Chat", chat.session_id, message):
        assert isinstance(event, dict)
        events.append(event)
    return ids, events


async def test_clients_get_them_live_and_from_the_history(provider_server: ProviderServer) -> None:
    provider_server.add(Script(Say("It is "), Say("seven", cites=[CHARS, PAGES]), Say(".")), Script(Say("Fine.")))
    async with chatting(anthropic_at(provider_server)) as chat:
        ids, events = await ask_about_files(chat)
        live = [each for event in events if event["type"] == "text" for each in event.get("citations", ())]
        followed = await chat.ask("Thanks.")
        history = await chat.client.invoke("History", chat.session_id)
    assert isinstance(history, dict)
    assert one(followed, "done")["outcome"] == "completed"
    assert [request.refused for request in provider_server.requests] == [None, None]
    (part,) = history["messages"][1]["parts"]
    assert (part["text"], part["citations"]) == ("It is seven.", live)
    assert live == [
        {
            "source": "document",
            "title": "x",
            "fileId": ids["notes.txt"],
            "quote": "Total: 7.",
            "start": 6,
            "end": 11,
        },
        {
            "source": "document",
            "title": "paper.pdf",
            "fileId": ids["paper.pdf"],
            "quote": "Mean: 3.5",
            "page": 2,
            "endPage": 3,
            "start": 6,
            "end": 11,
        },
    ]


@pytest.mark.parametrize("at", [openai_at, responses_at])
async def test_servers_like_openai_s_through_the_hub(provider_server: ProviderServer, at: Any) -> None:
    provider_server.add(Script(Say("It is 7.", cites=[{"type": "url_citation", **SITE}])))
    async with chatting(at(provider_server)) as chat:
        await chat.ask("How much?")
        history = await chat.client.invoke("History", chat.session_id)
    assert isinstance(history, dict)
    (citation,) = history["messages"][1]["parts"][0]["citations"]
    assert citation == {"source": "web", "title": "A", "url": "https://example.org/a", "start": 2, "end": 7}

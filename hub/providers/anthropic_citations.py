"""Anthropic's citations as the hub's: of documents by their place in the request, and of pages of the web."""

from collections.abc import Sequence

import msgspec

from hub.chat.parts import Citation
from hub.providers import citing


class WireCitation(msgspec.Struct):
    """All that is read of one: by characters, pages or blocks of a document, a page of the web, a search result."""

    type: str = ""
    cited_text: str | None = None
    document_index: int = -1
    document_title: str | None = None
    title: str | None = None
    url: str | None = None
    source: str | None = None
    start_page_number: int | None = None
    end_page_number: int | None = None


def citation_of(said: WireCitation, documents: Sequence[str], passage: tuple[int, int]) -> Citation | None:
    """`documents` are the ids of those of the request, `passage` is what rests on it. None for an unknown kind."""
    match said.type:
        case "web_search_result_location":
            return citing.web(url=said.url, title=said.title, quote=said.cited_text, passage=passage)
        case "search_result_location":
            title = said.title or said.source
            return citing.web(url=said.source, title=title, quote=said.cited_text, passage=passage)
        case "char_location" | "page_location" | "content_block_location":
            return _of_document(said, documents, passage)
        case _:
            return None


def _of_document(said: WireCitation, documents: Sequence[str], passage: tuple[int, int]) -> Citation:
    first = said.start_page_number
    return citing.document(
        file_id=documents[said.document_index] if 0 <= said.document_index < len(documents) else None,
        title=said.document_title,
        quote=said.cited_text,
        # The end that is told is the page after the last one.
        pages=None if first is None else (first, max(first, (said.end_page_number or 0) - 1)),
        passage=passage,
    )

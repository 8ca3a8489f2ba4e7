"""Annotations of OpenAI's two APIs as citations. Chat Completions has what Responses has one level deeper."""

from collections.abc import Mapping

from hub.chat.parts import Citation, Json
from hub.providers import citing


def citation_of(annotation: Json, text: str, *, begins: int = 0) -> Citation | None:
    """None for a kind that is not known, or that says nothing. `text` is that of the block, which `begins` by so many
    characters after what annotations count from."""
    if not isinstance(annotation, Mapping):
        return None
    kind = annotation.get("type")
    inner = annotation.get(kind) if isinstance(kind, str) else None
    said = inner if isinstance(inner, Mapping) else annotation
    url, title, name, quote = (_text(said.get(field)) for field in ("url", "title", "filename", "content"))
    if kind == "url_citation" and (url or title):
        return citing.web(url=url, title=title, quote=quote, passage=_passage(said, text, begins))
    if kind in ("file_citation", "container_file_citation") and name:
        return citing.document(title=name, passage=_passage(said, text, begins))
    return None


def _passage(said: Mapping[str, Json], text: str, begins: int) -> tuple[int, int] | None:
    start, end = said.get("start_index"), said.get("end_index")
    if isinstance(start, int) and isinstance(end, int):
        return citing.within(text, start - begins, end - begins)
    return None


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None

"""What a session's history says to any model: pure functions, from the same input always the same output.

Nothing here looks at a clock or makes random ids, so that the history of one request is the beginning of the next
one's, which is what prompt caching lives on.
"""

import base64
import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from hub.chat.parts import FilePart, Json, Message, Part, TextPart, ToolCallPart
from hub.providers.base import ToolSpec
from hub.providers.text import json_text, whole_text

EMPTY_MESSAGE = "(empty message)"
LEFT_OUT = "(Earlier messages are left out.)"
NO_TOOL_NAME = "unnamed"
IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
PDF = "application/pdf"
ATTACHABLE = (*IMAGES, PDF)
PROSE = ("text/plain", "text/markdown")
"""Texts of which a passage can be cited; a table's rows are none."""
BOM = "\ufeff"
GO_ON = "Your last message was cut off. Go on exactly where it stopped; repeat nothing and do not mention the break."

_NOT_ALLOWED = re.compile(r"[^a-zA-Z0-9_-]")


def valid_name(name: str, max_length: int = 128) -> str:
    """`name` if providers take it; else one that they take, and that another name is not likely to become."""
    if name and len(name) <= max_length and not _NOT_ALLOWED.search(name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{_NOT_ALLOWED.sub('_', name)[: max_length - 9] or NO_TOOL_NAME}_{digest}"


def sent_names(tools: Sequence[ToolSpec], max_length: int = 128) -> Mapping[str, str]:
    """From the name that a tool is sent by to its own."""
    return {valid_name(tool.name, max_length): tool.name for tool in tools}


class CallIds:
    """Gives each tool call of a request an id that is valid and unique in it; by order, so always the same ones."""

    def __init__(self, max_length: int = 128) -> None:
        self._max_length = max_length
        self._taken: set[str] = set()

    def take(self, call_id: str) -> str:
        valid = unique = valid_name(call_id, self._max_length)
        number = 1
        while unique in self._taken:
            number += 1
            suffix = f"_{number}"
            unique = valid[: self._max_length - len(suffix)] + suffix
        self._taken.add(unique)
        return unique


def steps(parts: Sequence[Part]) -> Iterable[list[Part]]:
    """The parts of each model request; they come in order."""
    group: list[Part] = []
    for part in parts:
        if group and group[-1].step != part.step:
            yield group
            group = []
        group.append(part)
    if group:
        yield group


class Attached(msgspec.Struct, frozen=True):
    """A file that a model can look at: an image or a PDF, as base64, or a text."""

    file_id: str
    name: str
    media_type: str
    base64: str = ""
    text: str = ""


def user_content(
    message: Message, files: Mapping[str, bytes] = {}, *, takes: Collection[str] = ATTACHABLE
) -> list[str | Attached]:
    """What a user's message says, never nothing: what the client sent along, then the user's own words and files.

    Files are those of types in `takes` whose bytes are there; others of text are told as text, all others by name.
    """
    context = [] if message.context is None else [f"<context>\n{json_text(message.context)}\n</context>"]
    said = [found for part in message.parts if (found := _user_part(part, files, takes))]
    return [*context, *(said or [EMPTY_MESSAGE])]


def _user_part(part: Part, files: Mapping[str, bytes], takes: Collection[str]) -> str | Attached | None:
    match part:
        case TextPart():
            return whole_text(part.text) if part.text.strip() else None
        case FilePart():
            return _file(part, files.get(part.file_id), takes)
        case _:
            return None


def _file(part: FilePart, content: bytes | None, takes: Collection[str]) -> str | Attached:
    note = whole_text(f"[file: {part.name}, {part.media_type}, {part.size} bytes]")
    if content is None:
        return note
    name = whole_text(part.name)
    if part.media_type.startswith("text/"):
        text = content.decode("utf-8", "replace").removeprefix(BOM)
        if part.media_type in takes and text.strip():
            return Attached(part.file_id, name, part.media_type, text=text)
        return f"{note}\n{text}\n[end of the file]"
    if part.media_type not in takes:
        return f"{note} (Its contents cannot be shown to you.)"
    return Attached(part.file_id, name, part.media_type, base64.b64encode(content).decode())


def errors_text(client_errors: Sequence[str]) -> str:
    """The errors that the client reported, as the model is told of them."""
    told = "Errors that the user's client reported since the last request:\n"
    return whole_text(told + "\n".join(f"- {error}" for error in client_errors))


def result_text(part: ToolCallPart) -> tuple[str, bool]:
    """What the model is told of a call, and whether it is an error.

    A call that was stopped is not "denied", and one that may have run is not "failed": a model that is told so draws
    the wrong conclusion.
    """
    if part.state == "success":
        return _result_json(part.result), False
    why = f" {part.error}" if part.error and part.error.strip() else ""
    again = "" if part.access == "read" else " It may have taken effect: check before you call it again."
    match part.state:
        case "failed":
            text = f"The call failed.{why}"
        case "denied":
            text = f"The user did not allow this call; it did not run.{why}"
        case "timed_out":
            text = f"No result came in time.{again}{why}"
        case "pending" | "approval":
            text = f"The answer was stopped before this call ran.{why}"
        case _ if part.approval is not None and part.approval.approve is None:
            text = f"The answer was stopped before anybody allowed this call; it did not run.{why}"
        case _ if part.arguments is None:
            text = f"The answer ended while this call was being written; it did not run.{why}"
        case _:
            text = f"The answer was stopped before this call's result came.{again}{why}"
    if part.result is not None:
        text = f"{text}\nUntil then it had put out:\n{_result_json(part.result)}"
    return whole_text(text), True


def _result_json(result: Json) -> str:
    return whole_text(result) if isinstance(result, str) and result.strip() else json_text(result)

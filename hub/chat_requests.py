"""What clients write in calls of the chat hub and of the HTTP API, checked (design, sections 3.2 and 3.3).

Field names ignore case and underscores, null is absent, unknown fields are ignored (but refused in bodies of the HTTP
API); what does not fit is refused with `invalid_arguments` and a sentence that names the field.
"""

from collections.abc import Iterable
from typing import Annotated, Literal, TypeVar

import msgspec
from pydantic import BeforeValidator, ConfigDict, Field, StrictBool, ValidationError
from pydantic_core import PydanticCustomError

from hub.backplane.base import Position
from hub.chat.parts import Access as ToolAccess
from hub.chat.parts import ApprovalScope, Autonomy, FilePart, Json, Rating, TextPart
from hub.chat.titles import clean_title
from hub.errors import CallError
from hub.runs.approving import ApprovalWish
from hub.runs.asking import Wish
from hub.runs.chats import SettingsWish
from hub.runs.hosts.hosting import HostWish
from hub.runs.sharing import SharedRole
from hub.server.wire_model import WireModel
from hub.tools.client_side import ClientTool

MAX_TEXT_CHARS = 1_000_000
"""Of one message; what travels is bounded by the hub's `max_receive_bytes` before."""

MAX_INTEGER = 2**53 - 1
"""The largest that a JavaScript client can write."""

MAX_DEPTH = 100
"""Of a message's context."""

# The two at the end are spaces to some readers of patterns and none to others.
Id = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\s\x00-\x1f\x7f\x85\ufeff]+$")]
SessionId = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:~-]+$")]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Tag = Annotated[str, Field(min_length=1, max_length=50)]


def _alias(value: object) -> object:
    return "agent-yolo" if value == "auto" else value


def _bounded_depth(value: object) -> object:
    """Refuses what is nested too deep for those that read it after us; walks without recursion."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return value
    raise PydanticCustomError(
        "too_deep", "It is nested over {limit} levels deep, which is the limit", {"limit": MAX_DEPTH}
    )


def _inside(value: object) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


AutonomyWish = Annotated[Autonomy, BeforeValidator(_alias)]


class DescribedModel(WireModel):
    """The text below a field is its description in the OpenAPI document, in the words of the wire."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class SettingsRequest(DescribedModel):
    title: Annotated[str, Field(max_length=200)] | None = None
    """What lists show; left out, it is made of the first message."""
    provider: Name | None = None
    """Who answers: one of those that this hub has. Left out, the hub's default."""
    model: Name | None = None
    """By the provider's own name of it. Left out, the provider's default."""
    system: Annotated[str, Field(max_length=100_000)] | None = None
    """What the model is told before all messages."""
    autonomy: AutonomyWish | None = None
    """Which tool calls wait for an approval: all (`ask`), those that write (`agent-default`), none (`agent-yolo`, or
    `auto`). Only the owner raises it."""
    tags: Annotated[list[Tag], Field(max_length=20)] | None = None
    """Words of the application's own, kept with the session."""

    def wish(self) -> SettingsWish:
        return SettingsWish(
            title=None if self.title is None else clean_title(self.title),
            provider=self.provider,
            model=self.model,
            system=self.system,
            autonomy=self.autonomy,
            tags=self.tags,
        )


class OpenRequest(SettingsRequest):
    session_id: SessionId | None = None
    """Created if there is none, joined if there is (its settings stay then). Left out, a new id is made."""


class UnshareRequest(WireModel):
    user: Name


class ShareRequest(UnshareRequest):
    role: SharedRole


class FileRequest(WireModel):
    """The file that an upload brings."""

    name: Annotated[str, Field(max_length=1000)]
    media_type: Annotated[str, Field(max_length=200)]
    size: Annotated[int, Field(ge=1, le=MAX_INTEGER)]


class PositionRequest(WireModel):
    epoch: Annotated[str, Field(max_length=128)]
    offset: Annotated[int, Field(ge=0, le=MAX_INTEGER)]

    def position(self) -> Position:
        return Position(self.epoch, self.offset)


class TextRequest(DescribedModel):
    """Words in a user's message."""

    type: Literal["text"]
    text: Annotated[str, Field(max_length=MAX_TEXT_CHARS)]
    """Markdown, or whatever the user wrote."""

    def part(self) -> TextPart | None:
        """None where it says nothing."""
        return TextPart(self.text) if self.text.strip() else None


class FilePartRequest(DescribedModel):
    """A file in a user's message, by the id that `Upload` gave. An `image` is a file as well."""

    type: Literal["file", "image"]
    file_id: Id
    """As the upload gave it, of the same session."""

    def part(self) -> FilePart:
        """With the id only: what else there is to say of it is stored with the file."""
        return FilePart(self.file_id, "", "", 0)


PartRequest = Annotated[TextRequest | FilePartRequest, Field(discriminator="type")]


class ContentRequest(DescribedModel):
    """What is said, under whatever id."""

    content: Annotated[str, Field(max_length=MAX_TEXT_CHARS)] | Annotated[list[PartRequest], Field(max_length=100)] = ""
    """A text, or a list of parts. It may be empty only beside `continues`."""
    context: Annotated[Json, BeforeValidator(_bounded_depth)] = None
    """Anything that the model should know for this message, such as what is selected; kept with the message."""
    replaces: Id | None = None
    """The messageId of a user's message that this one edits: it and all after it become `superseded`."""

    def parts(self) -> list[TextPart | FilePart]:
        """The parts that say something."""
        if isinstance(self.content, str):
            return [TextPart(self.content)] if self.content.strip() else []
        return [part for asked in self.content if (part := asked.part()) is not None]


class MessageRequest(ContentRequest):
    message_id: Id
    """Made by the client. The same one again asks nothing new, and gives the same answer; with another content it is
    `conflict`."""


class RunRequest(DescribedModel):
    provider: Name | None = None
    """Who answers this message, if not the session's provider."""
    model: Name | None = None
    """Which model answers this message, if not the session's."""
    autonomy: AutonomyWish | None = None
    """For this answer; others than the owner may only lower the session's."""
    when_busy: Literal["queue", "reject", "replace"] = "queue"
    """While another answer is written: wait for it (`queue`), be refused as `busy` (`reject`), stop it (`replace`)."""
    max_steps: Annotated[int, Field(ge=1, le=1000)] | None = None
    """How many requests to the model this answer may take; at most the hub's own limit."""
    continues: Id | None = None
    """The runId (not the messageId) of an answer that was stopped or cut off: it is gone on with."""

    def wish(self) -> Wish:
        return Wish(
            provider=self.provider,
            model=self.model,
            autonomy=self.autonomy,
            when_busy=self.when_busy,
            max_steps=self.max_steps,
            continues=self.continues,
        )


class StopRequest(DescribedModel):
    run_id: Id | None = None
    """Which answer to stop. With neither id, the one under way."""
    message_id: Id | None = None
    """Of the user's message whose answer to stop, even before that message arrives."""
    queued: bool = False
    """Whether what waits is stopped as well."""


class ApprovalRequest(DescribedModel):
    approve: StrictBool
    """Whether the call may run."""
    arguments: Annotated[dict[str, Json], BeforeValidator(_bounded_depth)] | None = None
    """They replace the model's whole. Where they do not fit, the call is asked about again, with a higher `attempt`."""
    reason: Annotated[str, Field(max_length=2000)] | None = None
    """Of a denial; the model is told."""
    scope: ApprovalScope = "call"
    """What is allowed: this call, the tool until the answer ends (`run`), or for the life of the session."""
    attempt: Annotated[int, Field(ge=1, le=MAX_INTEGER)] | None = None
    """Which time of asking the user saw; left out, the newest."""

    def wish(self) -> ApprovalWish:
        return ApprovalWish(
            approve=self.approve,
            arguments=self.arguments,
            reason=self.reason,
            scope=self.scope,
            attempt=self.attempt,
        )


class ToolRequest(WireModel):
    """A tool that a client executes; the ready-made ones need their names only."""

    name: Annotated[str, Field(min_length=1, max_length=128)]
    title: str | None = None
    description: str | None = None
    input_schema: Annotated[dict[str, Json], BeforeValidator(_bounded_depth)] | None = None
    access: ToolAccess | None = None


class ToolsRequest(WireModel):
    name: Name
    document: Annotated[str, Field(max_length=2000)] | None = None
    host_key: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    tools: Annotated[list[ToolRequest], Field(max_length=1000)]

    def wish(self) -> HostWish:
        tools = [
            ClientTool(
                name=tool.name,
                title=tool.title,
                description=tool.description,
                input_schema=tool.input_schema,
                access=tool.access,
            )
            for tool in self.tools
        ]
        return HostWish(name=self.name, tools=tools, document=self.document, host_key=self.host_key)


class ProgressRequest(WireModel):
    fraction: Annotated[float, Field(ge=0, le=1)] | None = None
    note: Annotated[str, Field(max_length=500)] | None = None


class ResultRequest(WireModel):
    """Either of both; an empty one is the result null."""

    result: Annotated[Json, BeforeValidator(_bounded_depth)] = None
    error: Annotated[str, Field(max_length=10_000)] | None = None


class PresenceRequest(WireModel):
    state: Annotated[dict[str, Json], BeforeValidator(_bounded_depth)]

    def encoded(self, max_bytes: int) -> bytes:
        """Raises `invalid_arguments` for what JSON cannot say, `too_large`."""
        try:
            state = msgspec.json.encode(self.state)
        except (TypeError, ValueError, OverflowError) as error:
            raise CallError("invalid_arguments", f"state: It cannot be written as JSON ({error}).") from None
        if len(state) > max_bytes:
            text = f"The state has {len(state)} bytes as JSON, over the limit of {max_bytes} (max_presence_bytes)."
            raise CallError("too_large", f"{text} Send a smaller one.")
        return state


class AgainRequest(DescribedModel):
    """Which message is to be answered anew, and by whom."""

    message_id: Id | None = None
    """Of the user's message; left out, the last one."""
    provider: Name | None = None
    """Who answers, if not the session's provider."""
    model: Name | None = None
    """Which model answers, if not the session's."""


class RegenerateRequest(AgainRequest):
    regenerate_id: Id
    """Made by the client. The same one again asks nothing new, and gives the same answer."""


class ListRequest(DescribedModel):
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    """How many at most."""
    before: Annotated[int, Field(ge=0, le=MAX_INTEGER)] | None = None
    """Only those older than this `updatedAt`."""


class ReadRequest(WireModel):
    offset: Annotated[int, Field(ge=0, le=MAX_INTEGER)]


class HistoryRequest(WireModel):
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    before: Id | None = None


class RatingRequest(WireModel):
    score: Literal[-1, 0, 1]
    comment: Annotated[str, Field(max_length=2000)] | None = None

    def rating(self) -> Rating:
        return Rating(self.score, self.comment)


class ErrorRequest(WireModel):
    source: Annotated[str, Field(min_length=1, max_length=200)]
    text: Annotated[str, Field(min_length=1, max_length=4000)]
    message_id: Id | None = None
    call_id: Id | None = None

    def sentence(self) -> str:
        about = (
            f" (call {self.call_id})" if self.call_id else f" (message {self.message_id})" if self.message_id else ""
        )
        return f"{self.source}{about}: {self.text}"


Model = TypeVar("Model", bound=WireModel)


def parse(model: type[Model], value: object) -> Model:
    """Raises `invalid_arguments`. None is an empty object: an argument that was left out."""
    if not isinstance(value, dict | None):
        raise CallError("invalid_arguments", "The argument is no object. Send one with named fields.")
    try:
        return model.from_wire({} if value is None else value)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
        # What pydantic calls the branches of a union is nothing that a client wrote.
        named = [str(part) for part in problem["loc"] if isinstance(part, int) or part.isidentifier()]
        field = ".".join(named) or "the argument"
        raise CallError("invalid_arguments", f"{field}: {problem['msg'].rstrip('.')}.") from None

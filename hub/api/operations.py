"""What the HTTP API can do, once: method, path, what goes in and what comes out (design, section 3.5).

The routes and the OpenAPI document are both made of this table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from hub.api.requests import FileQuery, MessagePost, RegeneratePost
from hub.chat.parts import Message, Session, WireStruct
from hub.chat_requests import ApprovalRequest, ListRequest, OpenRequest, StopRequest
from hub.runs.approving import ApprovalAnswer
from hub.runs.asking import StopAnswer
from hub.runs.chats import RunState, SessionPage
from hub.runs.files.store import UploadedFile
from hub.server.wire_model import WireModel

Method = Literal["GET", "POST", "DELETE"]


class OpenedSession(WireStruct, frozen=True, kw_only=True):
    """A session, the caller's role in it, and its journal's top: follow its events from there, or from the begin.
    `limits` are those that hold here, in bytes or numbers."""

    session_id: str
    epoch: str
    offset: int
    role: str
    session: Session
    limits: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """`body` may be left out if `needs_body` is false. `answers`: the type of each good answer's JSON, by status.

    `streams`: "always", or "asked" (by `Accept: text/event-stream`); 200 is then events. `is_long`: it counts as a
    connection while it is answered. `is_immediate`: it counts apart from others, so that it gets through.
    `takes_file`, `gives_file`: the body, or the good answer, is a file as it is, of one of the types that are taken.
    """

    name: str
    method: Method
    path: str
    summary: str
    answers: Mapping[int, type[WireStruct]] = field(default_factory=dict)
    body: type[WireModel] | None = None
    needs_body: bool = False
    query: type[WireModel] | None = None
    streams: Literal["never", "asked", "always"] = "never"
    is_immediate: bool = False
    takes_file: bool = False
    gives_file: bool = False
    problems: Sequence[int] = ()

    @property
    def is_long(self) -> bool:
        return self.streams != "never" or self.takes_file or self.gives_file


API = "/api"
"""Below which the operations are."""

_SESSION = "/sessions/{sessionId}"
_OF_SESSION = (403, 404)

OPERATIONS: Sequence[Operation] = (
    Operation(
        name="openSession",
        method="POST",
        path="/sessions",
        summary="Create a session, or join the one that has this id.",
        body=OpenRequest,
        answers={200: OpenedSession, 201: OpenedSession},
        problems=(403,),
    ),
    Operation(
        name="listSessions",
        method="GET",
        path="/sessions",
        summary="The user's own sessions and those shared with them, newest first.",
        query=ListRequest,
        answers={200: SessionPage},
        problems=(403,),
    ),
    Operation(
        name="getSession",
        method="GET",
        path=_SESSION,
        summary="A session.",
        answers={200: Session},
        problems=_OF_SESSION,
    ),
    Operation(
        name="deleteSession",
        method="DELETE",
        path=_SESSION,
        summary="Delete a session with all that is in it.",
        answers={200: Session},
        problems=_OF_SESSION,
    ),
    Operation(
        name="sendMessage",
        method="POST",
        path=f"{_SESSION}/messages",
        summary="Ask for an answer: the finished one, or the run's address if that takes longer, or its events.",
        body=MessagePost,
        needs_body=True,
        answers={200: Message, 202: RunState},
        streams="asked",
        problems=(*_OF_SESSION, 409),
    ),
    Operation(
        name="regenerate",
        method="POST",
        path=f"{_SESSION}/regenerate",
        summary="Answer the last user message (or that one) anew.",
        body=RegeneratePost,
        answers={200: Message, 202: RunState},
        streams="asked",
        problems=(*_OF_SESSION, 409),
    ),
    Operation(
        name="getRun",
        method="GET",
        path=f"{_SESSION}/runs/{{runId}}",
        summary="A run, with its answer as far as it is written.",
        answers={200: RunState},
        problems=_OF_SESSION,
    ),
    Operation(
        name="watch",
        method="GET",
        path=f"{_SESSION}/events",
        summary="The session's events, from a snapshot or from the position of the last one seen, as they come.",
        streams="always",
        problems=_OF_SESSION,
    ),
    Operation(
        name="stop",
        method="POST",
        path=f"{_SESSION}/stop",
        summary="Stop the run under way, or that one.",
        body=StopRequest,
        answers={200: StopAnswer},
        is_immediate=True,
        problems=_OF_SESSION,
    ),
    Operation(
        name="resolveApproval",
        method="POST",
        path=f"{_SESSION}/approvals/{{callId}}",
        summary="Allow a tool call that waits for it, or do not. The first answer wins.",
        body=ApprovalRequest,
        needs_body=True,
        answers={200: ApprovalAnswer},
        is_immediate=True,
        problems=(*_OF_SESSION, 409),
    ),
    Operation(
        name="uploadFile",
        method="POST",
        path=f"{_SESSION}/files",
        summary="Add a file, which is the body, to a session: messages refer to it by its `fileId`.",
        query=FileQuery,
        takes_file=True,
        needs_body=True,
        answers={201: UploadedFile},
        problems=_OF_SESSION,
    ),
)

GET_FILE = Operation(
    name="getFile",
    method="GET",
    path="/files/{sessionId}/{fileId}",
    summary="A file of a session, as a download.",
    gives_file=True,
    problems=_OF_SESSION,
)
"""At the root, for people's browsers go there too; `hub/downloads.py` answers it."""

DESCRIBED: Sequence[tuple[str, Operation]] = (
    *((f"{API}{operation.path}", operation) for operation in OPERATIONS),
    (GET_FILE.path, GET_FILE),
)
"""All, with their paths from the root."""

"""What nodes of one hub tell each other over the bus.

Wire format: the sending node's id (16 ASCII characters), then one MessagePack array, by its first element:

    ["sent", [kind, [names…], [excluded connection ids…]], record]       send to an audience
    ["member", group, connection id, joins]                             a connection joins or leaves a group
    ["ask", question, connection id, record]                            whoever has the connection, ask its client
    ["heard", node, question]                                           to the asking node: it has been asked
    ["still", question]                                                 are you still waiting for its answer? (heard)
    ["answer", node, question, record]                                  to the asking node: what the client said
    ["unask", question]                                                 nobody waits for the answer any more

About a request over HTTP for a connection that another node has, between the two nodes alone (see `forwarding`):

    ["request", number, path of the hub, method, is for events, connection id, length, user, piece, more]
    ["piece", number, place, piece, more]   the next of its body
    ["going", number]                       to the owner: is it still being answered?
    ["goes", number, received, wants]       from the owner: so many pieces came; it wants the next one
    ["reply", number, status, headers, body]
    ["done", number]                        nobody waits any more, or all of the reply has left

`number` is given by the node that the request came to, `place` counts the pieces of its body from 1, which is in the
request itself; `length` is that of the whole body where it is known, the user a map of `User`'s fields.

`question` is a number that the asking node gives (see `asking_afar`). The record of an answer is a Completion, that of
the others an Invocation, framed, in MessagePack: what is sent goes to MessagePack clients as it is, and is decoded
and encoded once per node for the JSON ones. New elements come last, readers ignore elements and tags they do not know.
"""

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from hub.protocol.codec import CODECS
from hub.protocol.messages import HubMessage
from hub.server.auth import User
from hub.server.clients import Audience

NODE_ID_LENGTH = 16


class Sent(msgspec.Struct, frozen=True, array_like=True, tag="sent"):
    audience: Audience
    record: bytes


class Member(msgspec.Struct, frozen=True, array_like=True, tag="member"):
    group: str
    connection_id: str
    joins: bool


class Ask(msgspec.Struct, frozen=True, array_like=True, tag="ask"):
    question: int
    connection_id: str
    record: bytes


class Heard(msgspec.Struct, frozen=True, array_like=True, tag="heard"):
    node_id: str
    question: int


class Still(msgspec.Struct, frozen=True, array_like=True, tag="still"):
    question: int


class Answer(msgspec.Struct, frozen=True, array_like=True, tag="answer"):
    node_id: str
    question: int
    record: bytes


class Unask(msgspec.Struct, frozen=True, array_like=True, tag="unask"):
    question: int


class Request(msgspec.Struct, frozen=True, array_like=True, tag="request"):
    number: int
    path: str
    method: str
    for_events: bool
    connection_id: str
    length: int | None
    user: User
    piece: bytes
    more: bool


class Piece(msgspec.Struct, frozen=True, array_like=True, tag="piece"):
    number: int
    place: int
    piece: bytes
    more: bool


class Going(msgspec.Struct, frozen=True, array_like=True, tag="going"):
    number: int


class Goes(msgspec.Struct, frozen=True, array_like=True, tag="goes"):
    number: int
    received: int
    wants: bool


class Reply(msgspec.Struct, frozen=True, array_like=True, tag="reply"):
    number: int
    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


class Done(msgspec.Struct, frozen=True, array_like=True, tag="done"):
    number: int


Asking: TypeAlias = Ask | Heard | Still | Answer | Unask
ToOwner: TypeAlias = Request | Piece | Going | Done
FromOwner: TypeAlias = Goes | Reply
Body: TypeAlias = Sent | Member | Asking | ToOwner | FromOwner


def pack(node_id: str, body: Body) -> bytes:
    return node_id.encode("ascii") + _ENCODER.encode(body)


def sender(payload: bytes) -> str:
    return payload[:NODE_ID_LENGTH].decode("ascii", "replace")


def unpack(payload: bytes) -> Body | None:
    """None for what a newer node says and this one does not know."""
    try:
        return _DECODER.decode(memoryview(payload)[NODE_ID_LENGTH:])
    except msgspec.DecodeError:
        return None


def read_record(record: bytes) -> HubMessage | None:
    """The message of a framed MessagePack record. Raises ProtocolError."""
    codec = CODECS["messagepack"]
    splitter = codec.splitter(None)
    splitter.feed(record)
    body = splitter.next_record()
    return None if body is None else codec.decode(body)


_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[Body] = msgspec.msgpack.Decoder(Body)

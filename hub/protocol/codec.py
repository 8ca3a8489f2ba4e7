"""The two encodings behind one interface, by the name that a handshake says."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, Protocol

from hub.protocol.framing import Splitter
from hub.protocol.json_codec import JsonCodec
from hub.protocol.messages import Encoded, HubMessage
from hub.protocol.msgpack_codec import MessagePackCodec

CodecName = Literal["json", "messagepack"]
TransferFormat = Literal["Text", "Binary"]


class Codec(Protocol):
    """One encoding of hub messages. Holds no state; what belongs to one connection is its splitter."""

    @property
    def name(self) -> CodecName: ...

    @property
    def transfer_format(self) -> TransferFormat:
        """Text goes in text frames, Binary in binary ones (M12)."""

    def encode(self, message: HubMessage) -> bytes:
        """One framed record, to be sent as it is. Raises TypeError for a value that cannot be encoded."""

    def decode(self, record: bytes) -> HubMessage | None:
        """One record without its framing. None for an unknown type, to be ignored (X2). Raises ProtocolError."""

    def completion(self, invocation_id: str, result: object) -> bytes:
        """`encode` of the completion of a plain call that has this result. Raises TypeError as it does."""

    def splitter(self, max_receive_bytes: int | None) -> Splitter:
        """For one connection; None is no limit."""

    def stream_item_prefix(self, invocation_id: str) -> bytes:
        """What all items of one stream share, made once per stream."""

    def stream_item(self, prefix: bytes, item: Encoded) -> bytes:
        """`encode(StreamItem(…, item))` without looking at the item: the cheapest way to send to many."""


CODECS: Mapping[CodecName, Codec] = MappingProxyType({"json": JsonCodec(), "messagepack": MessagePackCodec()})

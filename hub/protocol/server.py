"""The server's end of one connection: bytes in, messages out.

Theory of operation. Bytes of the transport go into `receive_data`, in order, split or joined anywhere. Out come the
client's HandshakeRequest and then its messages. The machine never writes: it says what to send (`handshake_reply`,
`close_for`) and encodes nothing else; messages go out through `codec`, in any state that has one.

| state | gets | does | next |
|---|---|---|---|
| HANDSHAKE | a part of the first record | holds it | HANDSHAKE |
| | a good request | returns it, sets `handshake_reply`, `codec`, `version`; goes on with what follows | OPEN |
| | anything else, or over 32 KiB | HandshakeError; `handshake_reply` has the reason | CLOSED |
| OPEN | a part of a record | holds it | OPEN |
| | a message | returns it | OPEN |
| | a message of unknown type | ignores it | OPEN |
| | Close | returns it; what follows is dropped | CLOSED |
| | a broken or too large record | ProtocolError | CLOSED |
| CLOSED | anything | drops it; raises the error again, if there was one | CLOSED |

Errors come in order. Good messages before a broken record are returned, and `error` is set; the error is raised at
once only when nothing good precedes it, and by each later call. So a caller catches HandshakeError and ProtocolError
around `receive_data`, and looks at `error` after handling what was returned.

    try:
        for message in protocol.receive_data(data):
            …
        if protocol.error is not None:
            raise protocol.error
    except HandshakeError:
        send(protocol.handshake_reply)
    except ProtocolError as error:
        send(protocol.close_for(error))

The cost of a call is linear in its data, and the caller bounds that: one read, one frame or one request body.
"""

from collections.abc import Collection, Container

from hub.errors import HandshakeError, ProtocolError, RecordTooLarge
from hub.protocol import handshake
from hub.protocol.codec import Codec
from hub.protocol.framing import SeparatorSplitter, Splitter
from hub.protocol.handshake import HandshakeRequest
from hub.protocol.messages import Close, HubMessage

DEFAULT_MAX_RECEIVE_BYTES = 32768


class ServerProtocol:
    """See the module.

    `max_receive_bytes` is the longest record without its framing; None is no limit. `transfer_formats` is what the
    transport can carry (server-sent events: only "Text").
    """

    __slots__ = (
        *("_codec", "_detailed_errors", "_is_closed", "_max_receive_bytes", "_protocols", "_splitter"),
        *("_transfer_formats", "_version", "error", "handshake_reply"),
    )

    def __init__(
        self,
        *,
        max_receive_bytes: int | None = DEFAULT_MAX_RECEIVE_BYTES,
        transfer_formats: Container[str] = ("Text", "Binary"),
        protocols: Collection[str] = ("json", "messagepack"),
        detailed_errors: bool = False,
    ) -> None:
        self.handshake_reply = b""  # set when the handshake succeeded or failed
        self.error: ProtocolError | None = None  # set when the connection is lost by the peer's fault
        self._max_receive_bytes = max_receive_bytes
        self._transfer_formats = transfer_formats
        self._protocols = protocols
        self._detailed_errors = detailed_errors
        self._codec: Codec | None = None  # set by a good handshake
        self._version = 0  # set by a good handshake
        self._is_closed = False  # set by an error or the client's Close
        self._splitter: Splitter = SeparatorSplitter(
            handshake.MAX_HANDSHAKE_BYTES
            if max_receive_bytes is None
            else min(max_receive_bytes, handshake.MAX_HANDSHAKE_BYTES)
        )

    @property
    def codec(self) -> Codec:
        """Raises RuntimeError before a good handshake: a caller's mistake."""
        if self._codec is None:
            raise RuntimeError("There is no codec before the handshake.")
        return self._codec

    @property
    def version(self) -> int:
        """1 or 2; 0 before a good handshake."""
        return self._version

    @property
    def is_open(self) -> bool:
        """After a good handshake, until an error or the client's Close."""
        return self._codec is not None and not self._is_closed

    @property
    def has_partial(self) -> bool:
        """Whether input that ends now ends inside a record, which is a protocol error (X1)."""
        return not self._is_closed and self._splitter.has_partial

    def receive_data(self, data: bytes) -> list[HandshakeRequest | HubMessage]:
        """What `data` completes, in order. Raises HandshakeError or ProtocolError as the module says."""
        if self.error is not None:
            raise self.error
        if self._is_closed:
            return []
        received: list[HandshakeRequest | HubMessage] = []
        codec = self._codec
        records = None if codec is None else self._splitter.whole(data)
        if records is None:
            self._splitter.feed(data)
        try:
            if codec is not None and records is not None:
                for record in records:
                    message = codec.decode(record)
                    if message is not None:
                        received.append(message)
                        if type(message) is Close:
                            self._is_closed = True
                            break
                return received
            if self._codec is None and (request := self._receive_handshake()) is not None:
                received.append(request)
            if self._codec is not None:
                self._receive_messages(self._codec, received)
        except ProtocolError as error:
            self._is_closed = True
            self.error = error
            if not received:
                raise
        if self._is_closed:
            self._splitter.take_rest()
        return received

    def drop_partial(self) -> None:
        """Forgets a partial record: the socket that carried it is gone and another takes over (S4)."""
        self._splitter.take_rest()

    def close_for(self, error: ProtocolError, *, allow_reconnect: bool = True) -> bytes:
        """The Close to send for `error`, in the connection's encoding (X1, X3). Needs a handshake.

        A limit is named whether detailed errors are on or not: it is in nobody's interest to guess it.
        """
        is_told = self._detailed_errors or isinstance(error, RecordTooLarge)
        text = handshake.with_detail("Connection closed with an error.", error, is_told)
        return self.codec.encode(Close(text, allow_reconnect))

    def _receive_handshake(self) -> HandshakeRequest | None:
        try:
            record = self._splitter.next_record()
            if record is None:
                return None
            request = handshake.parse_request(record, detailed_errors=self._detailed_errors)
            codec = handshake.choose_codec(request, protocols=self._protocols, transfer_formats=self._transfer_formats)
        except RecordTooLarge as error:
            self.handshake_reply = handshake.reply(handshake.CANCELED)
            raise HandshakeError(handshake.CANCELED) from error
        except HandshakeError as error:
            self.handshake_reply = handshake.reply(str(error))
            raise
        self.handshake_reply = handshake.reply()
        self._codec, self._version = codec, request.version
        rest = self._splitter.take_rest()
        self._splitter = codec.splitter(self._max_receive_bytes)
        self._splitter.feed(rest)
        return request

    def _receive_messages(self, codec: Codec, received: list[HandshakeRequest | HubMessage]) -> None:
        while not self._is_closed and (record := self._splitter.next_record()) is not None:
            message = codec.decode(record)
            if message is not None:
                received.append(message)
                self._is_closed = type(message) is Close

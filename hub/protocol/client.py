"""The client's end of one connection, for the terminal client, tests and benchmarks: bytes in, messages out."""

from hub.errors import ProtocolError
from hub.protocol import handshake
from hub.protocol.codec import CODECS, Codec, CodecName
from hub.protocol.framing import SeparatorSplitter, Splitter
from hub.protocol.messages import HubMessage


class ClientProtocol:
    """Send `handshake_request` first; messages may follow at once, without waiting for the reply."""

    def __init__(self, codec_name: CodecName = "json", version: int = 1, max_receive_bytes: int | None = None) -> None:
        self.codec: Codec = CODECS[codec_name]
        self.handshake_request = handshake.request(codec_name, version)
        self.is_open = False  # set by the server's good reply
        self.error: ProtocolError | None = None  # set when the connection is lost by the server's fault
        self._max_receive_bytes = max_receive_bytes
        self._splitter: Splitter = SeparatorSplitter(max_receive_bytes)

    def receive_data(self, data: bytes) -> list[HubMessage]:
        """The messages that `data` completes, in order.

        Raises HandshakeError when the server refused, ProtocolError when it broke the wire. As on the server, good
        messages that precede a broken one are returned first and `error` is set; each later call raises it.
        """
        if self.error is not None:
            raise self.error
        self._splitter.feed(data)
        received: list[HubMessage] = []
        try:
            while (record := self._splitter.next_record()) is not None:
                if not self.is_open:
                    self._finish_handshake(record)
                elif (message := self.codec.decode(record)) is not None:
                    received.append(message)
        except ProtocolError as error:
            self.error = error
            if not received:
                raise
        return received

    def encode(self, message: HubMessage) -> bytes:
        """One framed record. Raises TypeError."""
        return self.codec.encode(message)

    def drop_partial(self) -> None:
        """Forgets a partial record: the socket that carried it is gone and another takes over (S4)."""
        self._splitter.take_rest()

    def _finish_handshake(self, record: bytes) -> None:
        handshake.parse_reply(record)
        self.is_open = True
        rest = self._splitter.take_rest()
        self._splitter = self.codec.splitter(self._max_receive_bytes)
        self._splitter.feed(rest)

"""The handshake (signalr.md 1.1): the first record in each direction, JSON and 0x1E whatever encoding follows.

The client sends `{"protocol": "json", "version": 1}`; the answer is `{}`, or `{"error": "…"}` and the end of the
connection. All refusals are HandshakeError with the text that goes out.
"""

from collections.abc import Collection, Container
from typing import NamedTuple

from hub.errors import HandshakeError, ProtocolError
from hub.protocol import fields
from hub.protocol.codec import CODECS, Codec
from hub.protocol.framing import RECORD_SEPARATOR
from hub.protocol.values import dump_json, load_json

SUPPORTED_VERSIONS = range(3)
"""0 is what some clients of others send for 1; only versions above the newest are refused (H5)."""
"""2 is asked for only with stateful reconnect (H5); the messages are the same."""

MAX_HANDSHAKE_BYTES = 32768
"""Whatever the limit of messages is: nobody has been let in yet."""

CANCELED = "Handshake was canceled."
"""Too slow, or too large (H7)."""

_FAILED = "An unexpected error occurred during connection handshake."


class HandshakeRequest(NamedTuple):
    """What the client asked for, as it wrote it."""

    protocol: str
    version: int


def request(protocol: str, version: int) -> bytes:
    return dump_json({"protocol": protocol, "version": version}) + RECORD_SEPARATOR


def reply(error: str | None = None) -> bytes:
    return dump_json({} if error is None else {"error": error}) + RECORD_SEPARATOR


def parse_request(record: bytes, *, detailed_errors: bool) -> HandshakeRequest:
    """One record without its 0x1E. Raises HandshakeError (H3)."""
    try:
        found = load_json(record)
        if type(found) is not dict:
            raise ProtocolError("Expected the handshake to be a JSON object.")
        if (protocol := found.get("protocol")) is None:
            raise fields.missing("protocol")
        if (version := found.get("version")) is None:
            raise fields.missing("version")
        return HandshakeRequest(fields.plain("protocol", protocol, str), fields.plain("version", version, int))
    except ProtocolError as error:
        raise HandshakeError(with_detail(_FAILED, error, detailed_errors)) from error


def choose_codec(asked: HandshakeRequest, *, protocols: Collection[str], transfer_formats: Container[str]) -> Codec:
    """The codec for a request, names matched without case. Raises HandshakeError (H4-H6)."""
    codec = next((codec for name, codec in CODECS.items() if name == asked.protocol.lower()), None)
    if codec is None or codec.name not in protocols:
        raise HandshakeError(f"The protocol '{asked.protocol}' is not supported.")
    if asked.version not in SUPPORTED_VERSIONS:
        raise HandshakeError(f"The server does not support version {asked.version} of the '{asked.protocol}' protocol.")
    if codec.transfer_format not in transfer_formats:
        raise HandshakeError(
            f"Cannot use the '{codec.name}' protocol on the current transport. "
            f"The transport does not support '{codec.transfer_format}' transfer format."
        )
    return codec


def parse_reply(record: bytes) -> None:
    """For clients. Raises HandshakeError with the server's reason, or if the record is no handshake reply."""
    try:
        found = load_json(record)
    except ProtocolError as error:
        raise HandshakeError(f"The server's handshake reply cannot be read: {error}") from error
    if type(found) is not dict or "type" in found:  # H2: a message instead of a reply
        raise HandshakeError("The server did not answer the handshake.")
    if reason := found.get("error"):  # an empty one is none, as to the JavaScript client
        raise HandshakeError(str(reason))


def with_detail(text: str, error: ProtocolError, detailed_errors: bool) -> str:
    """As the reference server words it: the cause is appended where detailed errors are on."""
    return f"{text} InvalidDataException: {error}" if detailed_errors else text

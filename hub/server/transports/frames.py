"""Reading a client's WebSocket frames (RFC 6455, the server's side): bytes in, events out.

Theory of operation. Everything that can be refused is refused by a frame's header, before its payload is waited for.
A whole small frame is the common case and takes the short way through `receive_data`; control frames and fragments
go through `_take`. What is held: the beginning of one frame and the fragments of one message, together at most
`max_message_bytes` and a read. No extensions: reserved bits must be zero.

| a frame that | gives |
|---|---|
| completes a message | its payload; text is valid UTF-8 |
| is a ping | Ping: answer with a pong of the same payload |
| is a pong | nothing: we send no pings |
| is a good close | Closed; all that follows is dropped |
| breaks a rule | Violation, with the close code to send; all that follows is dropped |

Codes: 1002 for a broken frame, 1007 for text (or a close reason) that is not UTF-8, 1009 for a message over the limit.
A fragment counts as 64 bytes at least, so that a million tiny ones cost no more than one big message.
"""

import codecs
from dataclasses import dataclass
from typing import Final

try:
    from websockets.speedups import apply_mask
except ImportError:  # a platform without the compiled part
    from websockets.utils import apply_mask

NORMAL_CLOSURE = 1000
PROTOCOL_ERROR = 1002
INVALID_TEXT = 1007
TOO_BIG = 1009

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN = 0x80
_RESERVED = 0x70
_MASKED = 0x80
_WHOLE_TEXT: Final = FIN | TEXT
_WHOLE_BINARY: Final = FIN | BINARY
_MAX_CONTROL_BYTES = 125
_MIN_FRAGMENT_BYTES = 64
_Utf8Decoder = codecs.getincrementaldecoder("utf-8")


@dataclass(frozen=True, slots=True)
class Ping:
    payload: bytes


@dataclass(frozen=True, slots=True)
class Closed:
    """The client's close frame. `code` is None if it gave none."""

    code: int | None
    reason: str

    @property
    def reply_code(self) -> int:
        """The same code goes back; a close without one is answered with 1000."""
        return NORMAL_CLOSURE if self.code is None else self.code


@dataclass(frozen=True, slots=True)
class Violation:
    """The client broke a rule. The reason is for a close frame: one sentence without what the client sent."""

    code: int
    reason: str


Event = bytes | Ping | Closed | Violation


class FrameReader:
    """See the module. `max_message_bytes` bounds one message, in one frame or in many."""

    __slots__ = ("_counted_bytes", "_decoder", "_held", "_is_ended", "_max_message_bytes", "_message", "_needed_bytes")

    def __init__(self, max_message_bytes: int) -> None:
        self._max_message_bytes = max_message_bytes
        self._held = bytearray()  # the beginning of a frame
        self._needed_bytes = 0  # of what is held, before it pays to look at it again
        self._message: bytearray | None = None  # the fragments so far of a message that is not complete
        self._counted_bytes = 0  # of that message, by the rule for fragments
        self._decoder: codecs.IncrementalDecoder | None = None  # of that message, if it is text
        self._is_ended = False  # after Closed or Violation

    def receive_data(self, data: bytes) -> list[Event]:
        """What `data` completes, in order. Closed and Violation are the last."""
        if self._is_ended:
            return []
        if self._held:
            self._held += data
            if len(self._held) < self._needed_bytes:
                return []
            data, self._held = bytes(self._held), bytearray()
        events: list[Event] = []
        at, end = 0, len(data)
        while True:
            needed = 2
            if end - at < needed:
                break
            first = data[at]
            length = data[at + 1] - _MASKED  # below zero: not masked
            header = 6
            if length > 125:
                header = 8 if length == 126 else 14
                needed = header - 4
                if end - at < needed:
                    break
                length = int.from_bytes(data[at + 2 : at + needed])
            is_whole = first == _WHOLE_TEXT or first == _WHOLE_BINARY
            if not (is_whole and 0 <= length <= self._max_message_bytes and self._message is None):
                objection = self._objection(first, length)
                if objection is not None:
                    return self._end(events, objection)
            needed = header + length
            if end - at < needed:
                break
            body = at + header
            at += needed
            payload = apply_mask(data[body:at], data[body - 4 : body])
            if not is_whole:
                event = self._take(first, payload)
                if isinstance(event, Closed | Violation):
                    return self._end(events, event)
                if event is not None:
                    events.append(event)
            elif first == _WHOLE_TEXT and not payload.isascii() and not _is_utf8(payload):
                return self._end(events, _NOT_UTF8)
            else:
                events.append(payload)
        if at < end:
            self._held = bytearray(data[at:])
            self._needed_bytes = needed
        return events

    def _end(self, events: list[Event], last: Closed | Violation) -> list[Event]:
        self._is_ended = True
        self._message = None
        events.append(last)
        return events

    def _objection(self, first: int, length: int) -> Violation | None:
        """What is wrong with a frame, by its header and by what came before it. May be asked again."""
        opcode = first & 0x0F
        if length < 0:
            return Violation(PROTOCOL_ERROR, "A client's frames must be masked.")
        if first & _RESERVED:
            return Violation(PROTOCOL_ERROR, "Reserved bits must be zero.")
        if opcode in (CLOSE, PING, PONG):
            if first < FIN:
                return Violation(PROTOCOL_ERROR, "A control frame must not be fragmented.")
            if length > _MAX_CONTROL_BYTES:
                return Violation(PROTOCOL_ERROR, "A control frame carries 125 bytes at most.")
            return None
        if opcode > BINARY:
            return Violation(PROTOCOL_ERROR, "There is no such opcode.")
        if opcode == CONTINUATION and self._message is None:
            return Violation(PROTOCOL_ERROR, "There is no message to continue.")
        if opcode != CONTINUATION and self._message is not None:
            return Violation(PROTOCOL_ERROR, "The message before must be completed first.")
        is_fragment = opcode == CONTINUATION or first < FIN
        counted = max(length, _MIN_FRAGMENT_BYTES) if is_fragment else length
        if self._counted_bytes + counted > self._max_message_bytes:
            return Violation(
                TOO_BIG, f"A message must not be over {self._max_message_bytes} bytes (max_receive_bytes sets it)."
            )
        return None

    def _take(self, first: int, payload: bytes) -> Event | None:
        """A control frame or a fragment that `_objection` let through."""
        opcode = first & 0x0F
        if opcode == PING:
            return Ping(payload)
        if opcode == PONG:
            return None
        if opcode == CLOSE:
            return _closed(payload)
        if opcode != CONTINUATION:
            self._message = bytearray()
            self._decoder = _Utf8Decoder() if opcode == TEXT else None
        assert self._message is not None  # by `_objection`
        is_last = first >= FIN
        if self._decoder is not None:
            try:
                self._decoder.decode(payload, is_last)
            except UnicodeDecodeError:
                return _NOT_UTF8
        self._message += payload
        self._counted_bytes += max(len(payload), _MIN_FRAGMENT_BYTES)
        if not is_last:
            return None
        message, self._message, self._counted_bytes = bytes(self._message), None, 0
        return message


_NOT_UTF8 = Violation(INVALID_TEXT, "Text must be valid UTF-8.")


def _is_utf8(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


def _closed(payload: bytes) -> Closed | Violation:
    if not payload:
        return Closed(None, "")
    code = int.from_bytes(payload[:2])
    # Of the codes below 3000 these may be sent (IANA's registry); 1004-1006 and 1015 never are.
    if len(payload) < 2 or not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
        return Violation(PROTOCOL_ERROR, "A close frame begins with a close code.")
    try:
        return Closed(code, payload[2:].decode())
    except UnicodeDecodeError:
        return Violation(INVALID_TEXT, "The reason of a close must be valid UTF-8.")


def frame(opcode: int, payload: bytes) -> bytes:
    """A whole frame as a server sends it."""
    length = len(payload)
    if length < 126:
        return bytes((FIN | opcode, length)) + payload
    if length < 65_536:
        return b"%c\x7e%b%b" % (FIN | opcode, length.to_bytes(2), payload)
    return b"%c\x7f%b%b" % (FIN | opcode, length.to_bytes(8), payload)


def close_frame(code: int, reason: str = "") -> bytes:
    """The reason must fit: 123 bytes."""
    return frame(CLOSE, code.to_bytes(2) + reason.encode())

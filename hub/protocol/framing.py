"""Records out of a byte stream: JSON ends each with 0x1E, MessagePack begins each with its length (M1, M2).

A splitter is fed what arrives, split or joined anywhere, and gives records one at a time, so that a peer who sends
millions of tiny records costs nothing beyond the first bad one. It never holds more than `max_receive_bytes` of an
unfinished record: too long a record is refused when the limit is passed (JSON) or announced (MessagePack). Each
byte is looked at once, however small the pieces.

VarInt: 7 bits per byte, least significant group first, the high bit says that more follow; 1 to 5 bytes, at most
0x7FFFFFFF.
"""

from typing import Protocol

from hub.errors import ProtocolError, RecordTooLarge

RECORD_SEPARATOR = b"\x1e"
MAX_VARINT = 0x7FFFFFFF
MAX_WHOLE_BYTES = 16_384
"""What is split at once, and not record by record."""
_MAX_VARINT_SHIFT = 28  # of the fifth byte


class Splitter(Protocol):
    """Of one connection and one direction."""

    def feed(self, data: bytes) -> None:
        """Takes what arrived. Keeps a reference to `data` until its records are taken by `next_record`."""

    def whole(self, data: bytes) -> list[bytes] | None:
        """The records of `data`, if it begins and ends with whole ones that may pass, and is of a usual size; None
        says that `feed` must have it."""

    def next_record(self) -> bytes | None:
        """The next whole record without its framing; None when more bytes are needed.

        Raises RecordTooLarge, or ProtocolError for a length that is none. After that the stream is lost.
        """

    def take_rest(self) -> bytes:
        """Forgets and returns what was fed and not taken as a record yet."""

    @property
    def has_partial(self) -> bool:
        """Whether bytes of an unfinished record (or records not taken yet) are held."""


class SeparatorSplitter:
    """Records that end with 0x1E."""

    __slots__ = ("_data", "_max", "_max_whole", "_partial", "_position")

    def __init__(self, max_receive_bytes: int | None = None) -> None:
        self._max = max_receive_bytes
        self._max_whole = MAX_WHOLE_BYTES if max_receive_bytes is None else min(max_receive_bytes, MAX_WHOLE_BYTES)
        self._data = b""  # what was fed last
        self._position = 0  # in _data: where the next record begins
        self._partial = bytearray()  # the beginning of that record, fed before _data

    def feed(self, data: bytes) -> None:
        if self._position < len(self._data):
            data = self._data[self._position :] + data
        self._data = data
        self._position = 0

    def whole(self, data: bytes) -> list[bytes] | None:
        if len(data) > self._max_whole or self._partial or self._position < len(self._data) or data[-1:] != b"\x1e":
            return None
        records = data.split(RECORD_SEPARATOR)
        records.pop()
        return records

    def next_record(self) -> bytes | None:
        data, start = self._data, self._position
        end = data.find(RECORD_SEPARATOR, start)
        length = len(self._partial) + (len(data) if end < 0 else end) - start
        if self._max is not None and length > self._max:
            raise RecordTooLarge(self._max)
        if end < 0:
            self._partial += data[start:]
            self._data, self._position = b"", 0
            return None
        self._position = end + 1
        if not self._partial:
            return data[start:end]
        record = bytes(self._partial) + data[start:end]
        self._partial.clear()
        return record

    def take_rest(self) -> bytes:
        rest = bytes(self._partial) + self._data[self._position :]
        self._partial.clear()
        self._data, self._position = b"", 0
        return rest

    @property
    def has_partial(self) -> bool:
        return bool(self._partial) or self._position < len(self._data)


class LengthSplitter:
    """Records that begin with their length as a VarInt."""

    __slots__ = ("_data", "_length", "_max", "_partial", "_position", "_prefix")

    def __init__(self, max_receive_bytes: int | None = None) -> None:
        self._max = max_receive_bytes
        self._data = b""  # what was fed last
        self._position = 0  # in _data: what is not consumed yet
        self._prefix = bytearray()  # the bytes of the length so far
        self._length: int | None = None  # of the record, once its prefix is whole
        self._partial = bytearray()  # the record's bytes that were fed before _data

    def feed(self, data: bytes) -> None:
        if self._position < len(self._data):
            data = self._data[self._position :] + data
        self._data = data
        self._position = 0

    def whole(self, data: bytes) -> list[bytes] | None:
        if len(data) > MAX_WHOLE_BYTES or self.has_partial:
            return None
        records: list[bytes] = []
        at, end = 0, len(data)
        while at < end:
            length = data[at]
            at += 1
            if length >= 0x80:  # of two bytes, or this is not the usual
                if at == end or data[at] >= 0x80:
                    return None
                length += (data[at] << 7) - 0x80
                at += 1
            if at + length > end or (self._max is not None and length > self._max):
                return None
            records.append(data[at : at + length])
            at += length
        return records

    def next_record(self) -> bytes | None:
        length = self._read_length() if self._length is None else self._length
        if length is None:
            return None
        start = self._position
        piece = self._data[start : start + length - len(self._partial)]
        self._position = start + len(piece)
        if len(piece) < length:
            self._partial += piece
            if len(self._partial) < length:
                return None
            piece = bytes(self._partial)
            self._partial.clear()
        self._length = None
        self._prefix.clear()
        return piece

    def take_rest(self) -> bytes:
        rest = bytes(self._prefix) + bytes(self._partial) + self._data[self._position :]
        self._prefix.clear()
        self._partial.clear()
        self._length = None
        self._data, self._position = b"", 0
        return rest

    @property
    def has_partial(self) -> bool:
        return bool(self._prefix) or self._position < len(self._data)

    def _read_length(self) -> int | None:
        while self._position < len(self._data):
            byte = self._data[self._position]
            self._position += 1
            self._prefix.append(byte)
            if byte < 0x80:
                length = read_varint(self._prefix)
                if self._max is not None and length > self._max:
                    raise RecordTooLarge(self._max)
                self._length = length
                return length
            if len(self._prefix) * 7 > _MAX_VARINT_SHIFT:
                raise ProtocolError("The length prefix of a message is longer than 5 bytes.")
        return None


def read_varint(prefix: bytes | bytearray) -> int:
    """Of a whole prefix of at most five bytes. Raises ProtocolError over 0x7FFFFFFF."""
    value = 0
    for index, byte in enumerate(prefix):
        value |= (byte & 0x7F) << 7 * index
    if value > MAX_VARINT:
        raise ProtocolError("The length prefix of a message is over 2 GB.")
    return value


def write_varint(length: int) -> bytes:
    """Raises TypeError for a record over 2 GiB, which no peer could take."""
    if length < 0x80:
        return _ONE_BYTE[length]
    if length > MAX_VARINT:
        raise TypeError("A message over 2 GB cannot be sent.")
    prefix = bytearray()
    while length >= 0x80:
        prefix.append(length & 0x7F | 0x80)
        length >>= 7
    prefix.append(length)
    return bytes(prefix)


_ONE_BYTE = [bytes((length,)) for length in range(0x80)]

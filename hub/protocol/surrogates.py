"""Lone surrogates (half an emoji) become U+FFFD; two halves that belong together become the character.

JavaScript strings may hold half a surrogate pair, out of a truncated cell for instance. Official clients put it on
the wire as the JSON escape `\\ud83d`, or as the three bytes ED A0 BD, which are not UTF-8, so orjson and msgspec
refuse the whole record. That must never close a connection (design, section 3.2). Nothing here runs unless a
decoder or an encoder has refused; other invalid UTF-8 stays as it is, and stays refused.
"""

import re

_RAW = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
"""A surrogate as bytes. ED never continues a UTF-8 sequence, so this cannot match across characters."""

_RAW_PAIR = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")
_MARK = "\ufffd".encode()

_ESCAPED = re.compile(
    # An escape counts only after an even number of backslashes: `\\ud83d` in JSON is a backslash and four letters.
    rb"(?<!\\)((?:\\\\)*+)"
    rb"(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
_PAIR_LENGTH = 12  # of `\ud83d\ude00`

# MessagePack values of fixed size, and short strings without the byte ED; between them are longer strings, binary and
# extensions. Containers are only heads here: their items follow as values of their own, so no nesting to track.
_SHORT_TEXTS = b"|".join(b"%c[^\xed]{%d}" % (0xA0 | length, length) for length in range(1, 32))
_FIXED = re.compile(
    rb"(?:[\x00-\xa0\xc0-\xc3\xe0-\xff]++|[\xcc\xd0].|[\xcd\xd1\xdc\xde]..|[\xca\xce\xd2\xdd\xdf].{4}"
    rb"|[\xcb\xcf\xd3].{8}|\xd4.{2}|\xd5.{3}|\xd6.{5}|\xd7.{9}|\xd8.{17}|" + _SHORT_TEXTS + rb")++",
    re.DOTALL,
)
_SIZED = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xC7: 1, 0xC8: 2, 0xC9: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
"""Bytes of the length that follows the head of bin 8-32, ext 8-32 and str 8-32."""
_EXTENSION_HEADS = range(0xC7, 0xCA)
_TEXT_HEADS = frozenset([*range(0xA0, 0xC0), *range(0xD9, 0xDC)])


def repair(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def repair_json(record: bytes) -> bytes | None:
    """The same JSON with its surrogates repaired, or None if it has none (so it was refused for another reason)."""
    repaired = _ESCAPED.sub(_repair_escape, _repair_raw(record))
    return None if repaired == record else repaired


def repair_msgpack(record: bytes) -> bytes | None:
    """The same MessagePack with the surrogates in its strings repaired, or None if it has none.

    Binary and extension values may hold any bytes and stay untouched. What is not whole MessagePack is copied from
    there on: the decoder will say what is wrong with it.
    """
    if _RAW.search(record) is None:
        return None
    pieces: list[bytes] = []
    position = 0
    while position < len(record):
        if (fixed := _FIXED.match(record, position)) is not None:
            pieces.append(fixed.group())
            position = fixed.end()
            continue
        body, end = _extent(record, position)
        if end > len(record):
            pieces.append(record[position:])
            break
        text = record[body:end]
        if record[position] in _TEXT_HEADS and (repaired := _repair_raw(text)) != text:
            pieces.append(b"\xdb" + len(repaired).to_bytes(4, "big") + repaired)
        else:
            pieces.append(record[position:end])
        position = end
    whole = b"".join(pieces)
    return None if whole == record else whole


def _extent(record: bytes, position: int) -> tuple[int, int]:
    """Where the body of the string, binary or extension at `position` begins and ends.

    The end of a fixed value that is cut off is beyond the record, as is any other that is.
    """
    head = record[position]
    if 0xA0 <= head <= 0xBF:
        return position + 1, position + 1 + (head & 0x1F)
    if head not in _SIZED:
        return position, len(record) + 1
    body = position + 1 + _SIZED[head]
    length = int.from_bytes(record[position + 1 : body], "big")
    return body, body + length + (head in _EXTENSION_HEADS)  # an extension's type is one byte more


def repair_tree(value: object) -> object:
    """The same of dicts, lists, tuples and plain values, with every string in it repaired."""
    if isinstance(value, str):
        return repair(value)
    if isinstance(value, dict):
        return {repair_tree(key): repair_tree(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [repair_tree(item) for item in value]
    return value


def _repair_raw(data: bytes) -> bytes:
    return _RAW.sub(_MARK, _RAW_PAIR.sub(_join_pair, data))


def _join_pair(match: re.Match[bytes]) -> bytes:
    return repair(match.group().decode("utf-8", "surrogatepass")).encode()


def _repair_escape(match: re.Match[bytes]) -> bytes:
    if len(match[2]) == _PAIR_LENGTH:
        return match.group()
    return match[1] + rb"\ufffd"

"""Mutations of good input: deterministic for a seed, so that a finding can be told by two numbers."""

import random
from collections.abc import Sequence

TOKENS = (
    b"\x1e",
    b"\x00",
    b"\xff\xff\xff\xff\x07",
    b"\xdd\x7f\xff\xff\xff",
    b"\xdf\x7f\xff\xff\xff",
    b"\xdb\x7f\xff\xff\xff",
    b"\xc6\x7f\xff\xff\xff",
    b"\xc9\x7f\xff\xff\xff",
    b"\xc7\x0c\xff",
    b"\xd6\xff",
    b"\xc1",
    b"\xc0",
    b"\x80",
    b"\x90",
    b"\xcf" + b"\xff" * 8,
    b"\xcb\x7f\xf0" + b"\x00" * 6,
    b"\xed\xa0\xbd",
    b"\xed\xb8\x80",
    b"\xa3\xed\xa0\xbd",
    rb"\ud83d",
    rb"\ude00",
    b"\\",
    b'"',
    b"null",
    b"true",
    b"NaN",
    b"1e999",
    b"-0",
    b"99999999999999999999",
    b"[" * 1100,
    b'{"a":' * 1100,
    b'"type":',
    b'"invocationId":',
    b'"result":null,',
    b'"error":"e",',
    b"\xef\xbb\xbf",
)


def mutated(source: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds after one to six random changes."""
    data = bytearray(source.choice(seeds))
    for _ in range(source.choice((1, 1, 1, 2, 3, 6))):
        at = source.randint(0, len(data))
        match source.randrange(7):
            case 0:
                data[at : at + 1] = bytes([source.randrange(256)])
            case 1:
                data[at:at] = source.choice(TOKENS)
            case 2:
                del data[at : at + source.randint(1, 8)]
            case 3:
                data[at:at] = data[at : at + source.randint(1, 40)]
            case 4:
                data[at:] = source.choice(seeds)[at:]
            case 5:
                data[at : at + 1] = bytes(byte ^ (1 << source.randrange(8)) for byte in data[at : at + 1])
            case _:
                data[at:at] = source.randbytes(source.randint(1, 12))
    return bytes(data)


def pieces(source: random.Random, data: bytes) -> list[bytes]:
    cuts = sorted(source.randint(0, len(data)) for _ in range(source.randint(0, 5)))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]

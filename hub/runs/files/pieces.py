"""Puts a file together from the pieces of an upload."""

import asyncio
import binascii
from collections.abc import AsyncIterator

from hub.errors import CallError


async def joined(pieces: AsyncIterator[str], size: int, *, stall_s: float, longest_s: float) -> bytes:
    """Exactly `size` bytes out of base64, however that is cut into pieces; none beyond them is kept.

    Raises `invalid_arguments` for what is no base64, for more or fewer bytes, when nothing comes for `stall_s`, and
    when not all has come after `longest_s`.
    """
    content = bytearray()
    rest = ""  # of a group of four characters that was cut
    now = asyncio.get_running_loop().time
    end = now() + longest_s
    while True:
        try:
            async with asyncio.timeout_at(min(now() + stall_s, end)):
                piece = await anext(pieces)
        except StopAsyncIteration:
            break
        except TimeoutError:
            text = f"No piece came for {stall_s:g} s." if now() < end else f"{size} bytes may take {longest_s:.0f} s."
            raise CallError("invalid_arguments", f"{text} Upload the file again, faster.") from None
        text = rest + piece
        if not piece.isascii():
            raise _no_base64()
        whole = len(text) // 4 * 4
        if len(content) + whole // 4 * 3 - 2 > size:  # at most two are padding
            raise _too_many(size)
        content += _decoded(text[:whole])
        rest = text[whole:]
        if len(content) > size:
            raise _too_many(size)
    if rest:
        raise CallError("invalid_arguments", "The base64 ends within a group of four characters. Pad it with =.")
    if len(content) != size:
        text = f"{len(content)} bytes came, and size says {size}. Send all of them, or say the right size."
        raise CallError("invalid_arguments", text)
    return bytes(content)


def _decoded(text: str) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        raise _no_base64() from None


def _no_base64() -> CallError:
    text = "A piece is no base64 (A-Z a-z 0-9 + / and = at the end). Encode the file's bytes, then cut that."
    return CallError("invalid_arguments", text)


def _too_many(size: int) -> CallError:
    return CallError("invalid_arguments", f"More bytes came than size says, which is {size}. Say the right size.")

"""Which files are taken, and what tells that one is what it says it is. Pure functions."""

import codecs
import unicodedata

from hub.normalised import normalised

IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
PDF = "application/pdf"
TEXTS = ("text/plain", "text/csv", "text/markdown")
MEDIA_TYPES = (*IMAGES, PDF, *TEXTS)

MAX_NAME_CHARS = 120

_BEGINNINGS = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    PDF: (b"%PDF-",),
}
_CONTROLS = bytes(sorted(frozenset(range(32)) - frozenset(b"\t\n\r\f") | {127}))
_PIECE_BYTES = 64 * 1024  # of a text: what is made to look at it is not as large as it is


def plain_type(media_type: str) -> str:
    """Without its parameters, in lower case."""
    return media_type.partition(";")[0].strip().lower()


def is_of_type(content: bytes, media_type: str) -> bool:
    """Whether the bytes are what the type says, by their beginning; a text by all of them."""
    if media_type in TEXTS:
        return _is_text(content)
    if media_type == "image/webp":
        return content[:4] == b"RIFF" and content[8:12] == b"WEBP"
    return content.startswith(_BEGINNINGS.get(media_type, ()))


def _is_text(content: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for begin in range(0, len(content), _PIECE_BYTES):
            piece = content[begin : begin + _PIECE_BYTES]
            if len(piece.translate(None, _CONTROLS)) != len(piece):
                return False
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def clean_name(name: str) -> str:
    """What is left of a name without its path, and without characters that nobody sees or that turn the writing;
    bounded, with its ending kept. "file" if that is nothing."""
    last = name.replace("\\", "/").rpartition("/")[2]
    composed = normalised("NFC", "".join(" " if char in "\t\r\n" else char for char in last))
    seen = "".join(char for char in composed if unicodedata.category(char)[0] != "C")
    clean = seen.strip(" .")
    if len(clean) > MAX_NAME_CHARS:
        stem, dot, ending = clean.rpartition(".")
        ending = dot + ending if stem and len(ending) <= 10 else ""
        clean = clean[: MAX_NAME_CHARS - len(ending)] + ending
    return clean or "file"

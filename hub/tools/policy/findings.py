"""What was found in a call's arguments that a user should see before it runs."""

from typing import Literal

import msgspec

Kind = Literal[
    "network",  # a function that fetches or sends
    "code",  # a function that runs code, or starts programs
    "link",  # a function that makes a link to click
    "external",  # a reference to another file or address
    "dde",  # a link to another program
    "unknown_function",  # an add-in's or a user's function: what it does cannot be seen
    "name",  # a name whose formula reaches out, or is not known here
    "indirect",  # a reference that is computed
    "hidden",  # characters that are not shown
    "unreadable",  # not a formula as we read them: a sheet may read it in another way
    "too_long",
]

MAX_EXCERPT_CHARACTERS = 80


class Finding(msgspec.Struct, frozen=True):
    """One thing that needs approval. `path` is a JSON path into the arguments, `found` a short excerpt."""

    path: str
    kind: Kind
    found: str
    reason: str


class Found(msgspec.Struct, frozen=True):
    """A finding within one text, before it has its place."""

    kind: Kind
    found: str
    reason: str

    def at(self, path: str) -> Finding:
        return Finding(path, self.kind, self.found, self.reason)


def excerpt(text: str) -> str:
    """The text as it may be shown: short, and with nothing in it that does not show."""
    shown = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text[:80])
    return shown if len(text) <= MAX_EXCERPT_CHARACTERS else f"{shown[: MAX_EXCERPT_CHARACTERS - 1]}…"

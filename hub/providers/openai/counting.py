"""What an answer costs: estimated by its characters while it comes, counted by the server once it has told."""

import msgspec

from hub.chat.parts import NO_USAGE, Usage
from hub.providers.base import Delta, UsageSoFar
from hub.providers.text import CHARACTERS_PER_TOKEN, USAGE_EVERY_CHARACTERS


class Details(msgspec.Struct):
    """What of the input was read from the cache, or written to it."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class Output:
    """Counts what comes. `sent_characters` is what the input is estimated by until the server tells it."""

    def __init__(self, sent_characters: int) -> None:
        self.characters = 0
        """Of the answer, so far; whoever reads it adds them."""
        self._sent = sent_characters
        self._told = 0  # of the characters, how many the last estimate counted

    def estimates(self) -> list[Delta]:
        """An estimate, if much has come since the last one."""
        if self.characters - self._told < USAGE_EVERY_CHARACTERS:
            return []
        self._told = self.characters
        return [UsageSoFar(self.so_far())]

    def so_far(self) -> Usage:
        return msgspec.structs.replace(
            NO_USAGE,
            input_tokens=self._sent // CHARACTERS_PER_TOKEN,
            output_tokens=self.characters // CHARACTERS_PER_TOKEN,
            estimated=True,
        )

    def total(self, input_tokens: int | None, output_tokens: int | None, details: Details | None) -> Usage:
        """As the server has counted, if it has. Its input is with what was read from the cache or written to it."""
        if input_tokens is None:
            return self.so_far()
        details = details or Details()
        read, written = details.cached_tokens or 0, details.cache_write_tokens or 0
        return msgspec.structs.replace(
            NO_USAGE,
            input_tokens=max(0, input_tokens - read - written),
            output_tokens=output_tokens or 0,
            cache_read_tokens=read,
            cache_write_tokens=written,
        )

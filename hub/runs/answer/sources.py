"""Who is asked for an answer: the provider that was chosen, and in its place others while it is down."""

from collections.abc import Sequence
from dataclasses import dataclass

from hub.errors import ProviderError, RunErrorCode
from hub.providers.base import Provider

DOWN: frozenset[RunErrorCode] = frozenset(
    ("provider_unreachable", "provider_overloaded", "provider_rate_limited", "provider_truncated", "inactive")
)
"""What another provider may do better. A refused key is not among them: it would go unnoticed."""


@dataclass(frozen=True)
class Source:
    """A provider, and the model that it is asked for."""

    provider: Provider
    model: str


class Sources:
    """Those of one run, in turn; each is asked once, and who was left is not come back to."""

    def __init__(self, chosen: Source, chain: Sequence[Source]) -> None:
        self.current = chosen
        self._left = [source for source in chain if _name(source) != _name(chosen)]

    def moves_on(self, error: ProviderError) -> bool:
        """After a failure before the first delta of the run: whether there is another to ask, who is then `current`."""
        if error.code not in DOWN or not self._left:
            return False
        self.current = self._left.pop(0)
        return True


def _name(source: Source) -> tuple[str, str]:
    return source.provider.name, source.model

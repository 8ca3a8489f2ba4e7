"""Features that part of the users have, the same ones always."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Rollout:
    """A feature that `percent` of the users have (0 to 100, in steps of 0.01).

    Who has it at a lower percentage still has it at a higher one; two features' users have nothing to do with each
    other. It needs no memory: every node says the same.
    """

    feature: str
    percent: float = 100.0

    def has(self, user: str) -> bool:
        digest = hashlib.sha256(f"{self.feature}\0{user}".encode(errors="surrogatepass")).digest()
        return int.from_bytes(digest[:8]) % 10_000 < round(self.percent * 100)

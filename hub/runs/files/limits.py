"""What bounds the files of sessions (design, section 5)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FileLimits:
    """`max_bytes` of one file, `max_session_bytes` of all of a session's. `stall_s`: the silence that ends an upload.
    `max_uploads`: how many of a user (of an address, where everybody is anonymous) may be under way on a node.
    `least_bytes_per_s`: who is slower over a whole file, either way, is cut off."""

    max_bytes: int = 10 * 1024 * 1024
    max_session_bytes: int = 50 * 1024 * 1024
    stall_s: float = 30.0
    max_uploads: int = 4
    least_bytes_per_s: int = 32 * 1024

    def longest_s(self, size: int, patience_s: float) -> float:
        """How long that many bytes may take, with some silence."""
        return patience_s + size / self.least_bytes_per_s

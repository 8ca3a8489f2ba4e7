"""What bounds the files of sessions (design, section 5)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FileLimits:
    """`max_bytes` of one file, `max_session_bytes` of all of a session's. `stall_s`: the silence that ends an upload.
    `max_uploads`: how many of a user may be under way on a node."""

    max_bytes: int = 10 * 1024 * 1024
    max_session_bytes: int = 50 * 1024 * 1024
    stall_s: float = 30.0
    max_uploads: int = 4

"""What bounds a run and those who watch it (design, section 5)."""

from dataclasses import dataclass, field

from hub.runs.files.limits import FileLimits
from hub.runs.follow.attendance import PresenceLimits
from hub.runs.hosts.limits import HostLimits


@dataclass(frozen=True)
class RunLimits:
    """Times in seconds or milliseconds, as the names say. `idle_stop_s`: a run that nobody watches is stopped after
    this long (None: never). `ring_entries`: how far a watcher may fall behind before it
    gets a snapshot; `linger_s`: how long a session stays followed after its last watcher left.
    `approval_s`: how long a call waits for somebody to approve it, which does not count as `wall_time_s`;
    `cancel_s`: how long a tool that was cancelled is waited for.
    What an answer may hold, beyond which its provider is cut off: `max_answer_chars` over all its steps, thinking,
    calls and signatures included; `max_argument_chars` of JSON in one call; `max_step_parts` and, among them,
    `max_step_calls` in what comes for one request."""

    max_queued_runs: int = 20
    max_steps: int = 50
    wall_time_s: float = 540.0
    retries: int = 2
    max_retry_after_s: float = 20.0
    retry_base_s: float = 0.5
    notice_wait_s: float = 5.0
    idle_stop_s: float | None = None
    lease_ms: int = 6_000
    scan_s: float = 2.0
    remember_stop_ms: int = 120_000
    ring_entries: int = 1_024
    linger_s: float = 30.0
    retry_read_s: float = 0.5
    check_position_s: float = 5.0
    drain_s: float = 5.0
    approval_s: float = 600.0
    cancel_s: float = 5.0
    max_answer_chars: int = 4_000_000
    max_argument_chars: int = 1_000_000
    max_step_parts: int = 1_000
    max_step_calls: int = 128
    presence: PresenceLimits = field(default_factory=PresenceLimits)
    hosts: HostLimits = field(default_factory=HostLimits)
    files: FileLimits = field(default_factory=FileLimits)

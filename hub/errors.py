"""The one tree of errors. Facts are attributes; every error that leaves the process has a stable code.

HublineError
├── SettingsError        a setting is wrong; `hubline` prints the sentence and exits with 2
├── ProtocolError        the peer broke the wire format; the connection closes
│   ├── HandshakeError   … before the connection was open; goes out in the handshake reply
│   └── RecordTooLarge   … by a record over the limit
├── HubError             raised by a hub method; its text goes to the client (SignalR's HubException)
│   └── CallError        … with one of the contract's codes, sent verbatim as `[code] text`
├── BackplaneError       what joins nodes cannot answer
│   ├── BackplaneAway    … for now; trying again may work
│   └── StaleFence       this node no longer drives the session; it must stop writing
└── ProviderError        a model's provider failed; becomes the run's `done.error`
"""

from typing import Literal

CallCode = Literal[
    "invalid_arguments",
    "session_not_found",
    "forbidden",
    "run_not_found",
    "message_not_found",
    "conflict",
    "busy",
    "too_large",
    "rate_limited",
    "quota_exceeded",
    "token_expired",
    "call_closed",
    "not_host",
    "provider_not_allowed",
    "provider_missing_key",
    "backplane_away",
    "unavailable",
]
"""Codes of errors that hub methods raise (design, section 3.2)."""

RunErrorCode = Literal[
    "provider_auth",
    "provider_rate_limited",
    "provider_overloaded",
    "provider_unreachable",
    "provider_truncated",
    "context_too_long",
    "refused",
    "max_output",
    "inactive",
    "wall_time",
    "max_steps",
    "backplane_lost",
    "internal",
]
"""Codes of `done.error` (design, section 3.4)."""


class HublineError(Exception):
    """The root; never raised itself."""


class SettingsError(HublineError):
    """A setting is missing or wrong. The text is one sentence that says what to do."""


class ProtocolError(HublineError):
    """The peer broke the hub protocol; the connection must be closed.

    The text may be shown to the peer only where detailed errors are on.
    """


class HandshakeError(ProtocolError):
    """The handshake was refused. The text goes to the client in the handshake reply (signalr.md 1.1)."""


class RecordTooLarge(ProtocolError):
    """A record, or the part of one that has arrived, is over the limit."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(
            f"The maximum message size of {max_bytes}B was exceeded. "
            "The message size can be configured by the setting max_receive_bytes."
        )
        self.max_bytes = max_bytes


class HubError(HublineError):
    """Raised by a hub method to tell the client why the call failed; the text goes out."""


class CallError(HubError):
    """A refused call, with a code of the contract. Goes out verbatim: `[code] text` (design, section 3.2)."""

    def __init__(self, code: CallCode, text: str, *, retry_after_s: float | None = None) -> None:
        after = "" if retry_after_s is None else f" (retry after {max(1, round(retry_after_s))} s)"
        super().__init__(f"[{code}] {text}{after}")
        self.code: CallCode = code
        self.retry_after_s = retry_after_s


class BackplaneError(HublineError):
    """The store or the bus did not do what was asked."""


class BackplaneAway(BackplaneError):
    """The store or the bus cannot be reached now. Nothing is known of what was under way."""


def away_to_clients() -> CallError:
    """What clients are told of a `BackplaneAway`: nobody's mistake, and it may be there again in a moment."""
    return CallError("backplane_away", "The server cannot reach its store now; try again in a moment.")


class StaleFence(BackplaneError):
    """Another node holds the session's lease, or it was never held. Whoever gets this must write no more."""


class ProviderError(HublineError):
    """A provider failed, in the terms of the contract.

    `retryable` says whether the same request may work later; `retry_after_s` is what the provider asked for.
    """

    def __init__(
        self,
        code: RunErrorCode,
        text: str,
        *,
        retryable: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(text)
        self.code: RunErrorCode = code
        self.text = text
        self.retryable = retryable
        self.retry_after_s = retry_after_s

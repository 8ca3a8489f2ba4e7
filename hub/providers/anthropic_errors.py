"""What goes wrong between here and Anthropic, in the contract's terms (design, section 3.4).

The text of an error reaches users and logs: it is ours, or Anthropic's cut to one line without anything that looks like
a key.

| what happened | code | retryable |
|---|---|---|
| 401, 402, 403; authentication, permission, billing; no credit | provider_auth | no |
| 429; rate_limit | provider_rate_limited, with Retry-After | yes |
| 5xx, 408, 409; overloaded, api, timeout, conflict | provider_overloaded, with Retry-After | yes |
| 413; 400 that says that the prompt is too long | context_too_long | no |
| other 4xx: the request was not understood, or the model is unknown | internal | no |
| no connection; it broke before anything came | provider_unreachable | yes (a bad certificate: no) |
| it broke, or ended without its end, after something came | provider_truncated | yes |
| nothing came for too long | inactive | yes |
"""

import re
import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hub.errors import ProviderError

if TYPE_CHECKING:
    import anthropic

MAX_TEXT = 300
MAX_RETRY_AFTER_S = 86_400.0

_KEY_LIKE = re.compile(r"sk-[A-Za-z0-9_-]{4,}|(?i:bearer)\s+\S+")
_TOO_LONG = re.compile(
    r"prompt is too long|context (window|length|limit)|too many (input )?tokens|request_too_large", re.I
)
_NO_CREDIT = re.compile(r"credit balance|billing", re.I)

_AUTH = ("authentication_error", "permission_error", "billing_error")
_BUSY = ("overloaded_error", "api_error", "timeout_error", "conflict_error")


class Sanitiser:
    """Makes foreign text fit to be shown: one line, bounded, and without the key."""

    def __init__(self, api_key: str) -> None:
        self._api_key = api_key

    def __call__(self, text: str) -> str:
        text = _KEY_LIKE.sub("***", text.replace(self._api_key, "***"))
        text = " ".join("".join(character if character.isprintable() else " " for character in text).split())
        return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def refused(
    status: int, kind: str | None, message: str, clean: Sanitiser, *, retry_after_s: float | None = None
) -> ProviderError:
    """For an error status, or an error event (status 200, where only `kind` tells)."""
    said = f": {cleaned}" if (cleaned := clean(message)) else "."
    if kind in _AUTH or status in (401, 402, 403) or (status == 400 and _NO_CREDIT.search(message)):
        return ProviderError("provider_auth", f"Anthropic refused the key or the account{said}")
    if kind == "rate_limit_error" or status == 429:
        text = f"Anthropic's rate limit is reached{said}"
        return ProviderError("provider_rate_limited", text, retryable=True, retry_after_s=retry_after_s)
    if kind == "request_too_large" or status == 413 or (_is_invalid(status, kind) and _TOO_LONG.search(message)):
        return ProviderError("context_too_long", f"The session is too long for the model{said}")
    if kind in _BUSY or status >= 500 or status in (408, 409):
        text = f"Anthropic is overloaded or has trouble ({kind or status}){said}"
        return ProviderError("provider_overloaded", text, retryable=True, retry_after_s=retry_after_s)
    return ProviderError("internal", f"Anthropic did not accept the request ({kind or status}){said}")


def from_status(error: "anthropic.APIStatusError", clean: Sanitiser) -> ProviderError:
    """For an answer with an error status."""
    message = error.api_message if isinstance(error.api_message, str) else ""
    kind = error.type if isinstance(error.type, str) else None
    return refused(
        error.status_code, kind, message, clean, retry_after_s=retry_after_s(error.response.headers.get("retry-after"))
    )


def from_connection(error: BaseException, *, began: bool) -> ProviderError:
    """For a connection that could not be made, or that broke. `began`: something of the answer had come."""
    if began:
        return truncated("the connection broke")
    causes = list(_causes(error))
    names = [type(cause).__name__ for cause in causes]
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        text = "Anthropic cannot be reached: its certificate is not trusted."
        return ProviderError("provider_unreachable", text)
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        reason = "TLS failed"
    elif "gaierror" in names:
        reason = "its name cannot be resolved"
    elif any(isinstance(cause, ConnectionRefusedError) for cause in causes) or "ConnectError" in names:
        reason = "no connection could be made"
    elif any("Timeout" in name for name in names):
        reason = "connecting took too long"
    else:
        reason = "the connection broke before an answer came"
    return ProviderError("provider_unreachable", f"Anthropic cannot be reached: {reason}.", retryable=True)


def truncated(how: str) -> ProviderError:
    return ProviderError("provider_truncated", f"Anthropic's answer was cut off: {how}.", retryable=True)


def inactive(inactivity_s: float) -> ProviderError:
    text = f"Anthropic sent nothing for {inactivity_s:g} s (setting inactivity_s)."
    return ProviderError("inactive", text, retryable=True)


def retry_after_s(header: str | None) -> float | None:
    """Seconds of a Retry-After header, bounded; None if it is absent or not a number (Anthropic sends no dates)."""
    try:
        seconds = float(header or "")
    except ValueError:
        return None
    return min(seconds, MAX_RETRY_AFTER_S) if seconds >= 0 else None


def _is_invalid(status: int, kind: str | None) -> bool:
    return kind == "invalid_request_error" or status == 400


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from, outermost first. Bounded, since causes may form a ring."""
    cause: BaseException | None = error
    for _ in range(16):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__ or cause.__context__

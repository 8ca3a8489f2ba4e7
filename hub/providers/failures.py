"""What goes wrong between here and any provider, in the contract's terms (design, section 3.4).

The text of an error reaches users and logs: it is ours, or the provider's cut to one line without anything that looks
like a key. `who` is what users know the provider by.
"""

import re
import ssl
from collections.abc import Iterator, Mapping
from typing import Literal
from urllib.parse import urlsplit

from hub.errors import ProviderError, RunErrorCode, SettingsError

MAX_TEXT = 300
MAX_RETRY_AFTER_S = 86_400.0
EVENT_STREAM = "text/event-stream"
REDIRECT = "a redirect"

_KEY_LIKE = re.compile(r"(?:sk-|AIza)[A-Za-z0-9_-]{4,}|(?i:bearer)\s+\S+")
TOO_LONG = re.compile(
    r"prompt is too long|context (window|length|limit)|too many (input )?tokens|request_too_large", re.I
)
"""What providers say of a request that does not fit the model's window."""

Refusal = Literal["auth", "rate_limited", "too_long", "overloaded", "declined", "not_accepted"]
"""Why a provider gives no answer."""

_REFUSALS: Mapping[Refusal, tuple[RunErrorCode, str, bool]] = {
    "auth": ("provider_auth", "{who} refused the key or the account", False),
    "rate_limited": ("provider_rate_limited", "{who}'s rate limit is reached", True),
    "too_long": ("context_too_long", "The session is too long for the model", False),
    "overloaded": ("provider_overloaded", "{who} is overloaded or has trouble ({kind})", True),
    "declined": ("refused", "{who} declined to answer", False),
    "not_accepted": ("internal", "{who} did not accept the request ({kind})", False),
}
"""Code, text and whether trying again may help."""


class Sanitiser:
    """Makes foreign text fit to be shown: one line, bounded, and without the key."""

    def __init__(self, api_key: str) -> None:
        self._api_key = api_key

    def __call__(self, text: str) -> str:
        text = _KEY_LIKE.sub("***", text.replace(self._api_key, "***"))
        text = " ".join("".join(character if character.isprintable() else " " for character in text).split())
        return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def refusal(
    who: str, why: Refusal, said: str, kind: str | int = "", *, retry_after_s: float | None = None
) -> ProviderError:
    """`said` is the provider's own text, cleaned; `kind` its name, or the status, of the error."""
    code, text, retryable = _REFUSALS[why]
    ending = f": {said}" if said else "."
    return ProviderError(
        code, text.format(who=who, kind=kind) + ending, retryable=retryable, retry_after_s=retry_after_s
    )


def from_connection(who: str, error: BaseException, *, began: bool) -> ProviderError:
    """For a connection that could not be made, or that broke. `began`: something of the answer had come."""
    if began:
        return truncated(who, "the connection broke")
    causes = list(_causes(error))
    names = [type(cause).__name__ for cause in causes]
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        text = f"{who} cannot be reached: its certificate is not trusted."
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
    return ProviderError("provider_unreachable", f"{who} cannot be reached: {reason}.", retryable=True)


def truncated(who: str, how: str) -> ProviderError:
    return ProviderError("provider_truncated", f"{who}'s answer was cut off: {how}.", retryable=True)


def inactive(who: str, inactivity_s: float) -> ProviderError:
    text = f"{who} sent nothing for {inactivity_s:g} s (setting inactivity_s)."
    return ProviderError("inactive", text, retryable=True)


def media_type(header: str | None) -> str:
    """The type that a Content-Type header tells, without its parameters; empty without the header."""
    return (header or "").partition(";")[0].strip().lower()


def not_an_answer(who: str, content_type: str) -> ProviderError:
    """For an answer of success that is something else, such as a page. `content_type` is cleaned."""
    return ProviderError("internal", f"{who} sent {content_type or 'something'}, not an answer: check its address.")


def retry_after_s(header: str | None) -> float | None:
    """Seconds of a Retry-After header, bounded; None if it is absent or not a number (providers send no dates)."""
    try:
        seconds = float(header or "")
    except ValueError:
        return None
    return min(seconds, MAX_RETRY_AFTER_S) if seconds >= 0 else None


def checked_key(api_key: str, setting: str) -> str:
    """The key, if it may be one. Raises SettingsError, which does not tell it."""
    if not api_key.strip():
        raise SettingsError(f"{setting} is empty: set it to your key, or unset it to use the demo provider.")
    if not all("!" <= character <= "~" for character in api_key):
        raise SettingsError(
            f"{setting} is malformed: it has white space or characters that no key has; copy the key again."
        )
    return api_key


def checked_url(url: str, who: str) -> str:
    """The address, if it can be one. Raises SettingsError."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid:
        raise SettingsError(f"The address of {who} must be an http or https URL, and {url!r} is not one.")
    return url


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from, outermost first. Bounded, since causes may form a ring."""
    cause: BaseException | None = error
    for _ in range(16):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__ or cause.__context__

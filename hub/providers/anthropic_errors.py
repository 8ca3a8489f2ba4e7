"""What goes wrong between here and Anthropic, in the contract's terms (design, section 3.4).

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
from typing import TYPE_CHECKING

from hub.errors import ProviderError
from hub.providers import failures
from hub.providers.failures import TOO_LONG, Refusal, Sanitiser

if TYPE_CHECKING:
    import anthropic

WHO = "Anthropic"

_NO_CREDIT = re.compile(r"credit balance|billing", re.I)
_AUTH = ("authentication_error", "permission_error", "billing_error")
_BUSY = ("overloaded_error", "api_error", "timeout_error", "conflict_error")


def refused(
    status: int, kind: str | None, message: str, clean: Sanitiser, *, retry_after_s: float | None = None
) -> ProviderError:
    """For an error status, or an error event (status 200, where only `kind` tells)."""
    why = _why(status, kind, message)
    if why not in ("rate_limited", "overloaded"):
        retry_after_s = None
    return failures.refusal(WHO, why, clean(message), kind or status, retry_after_s=retry_after_s)


def _why(status: int, kind: str | None, message: str) -> Refusal:
    if kind in _AUTH or status in (401, 402, 403) or (status == 400 and _NO_CREDIT.search(message)):
        return "auth"
    if kind == "rate_limit_error" or status == 429:
        return "rate_limited"
    is_invalid = kind == "invalid_request_error" or status == 400
    if kind == "request_too_large" or status == 413 or (is_invalid and TOO_LONG.search(message)):
        return "too_long"
    if kind in _BUSY or status >= 500 or status in (408, 409):
        return "overloaded"
    return "not_accepted"


def from_status(error: "anthropic.APIStatusError", clean: Sanitiser) -> ProviderError:
    """For an answer with an error status, or one that points elsewhere."""
    if error.status_code < 400:
        return failures.not_an_answer(WHO, failures.REDIRECT)
    message = error.api_message if isinstance(error.api_message, str) else ""
    kind = error.type if isinstance(error.type, str) else None
    after_s = failures.retry_after_s(error.response.headers.get("retry-after"))
    return refused(error.status_code, kind, message, clean, retry_after_s=after_s)


def truncated(how: str) -> ProviderError:
    return failures.truncated(WHO, how)

"""What goes wrong between here and a server that speaks Chat Completions, in the contract's terms (design, 3.4).

| what happened | code | retryable |
|---|---|---|
| 401, 402, 403; a key that is not valid; a quota that is used up; billing | provider_auth | no |
| 429; rate_limit_exceeded; RESOURCE_EXHAUSTED | provider_rate_limited, with what it asks to wait | yes |
| 5xx, 408, 409; server_error, UNAVAILABLE; any other error in the middle of an answer | provider_overloaded | yes |
| 413; context_length_exceeded, or a text that says so | context_too_long | no |
| content_filter, content_policy_violation: the prompt itself was declined | refused | no |
| other 4xx: the request was not understood, or the model is unknown | internal | no |
| no connection; it broke before anything came | provider_unreachable | yes (a bad certificate: no) |
| it broke after something came; it ended without a finish reason | provider_truncated | yes |
| nothing came for too long | inactive | yes |

Errors come as `{"error": {…}}`, as `{"error": "…"}`, as the inner object alone, and as a list with one of them; codes
are words or numbers.
"""

import json
import re
from collections.abc import Mapping

import msgspec

from hub.chat.parts import Json
from hub.errors import ProviderError
from hub.providers import failures
from hub.providers.failures import MAX_RETRY_AFTER_S, TOO_LONG, Refusal, Sanitiser

MAX_READ = 8_000
"""How much of an error's text is looked at, in characters."""

_AUTH = frozenset(
    "invalid_api_key insufficient_quota billing_not_active billing_hard_limit_reached account_deactivated "
    "authentication_error permission_error permission_denied unauthenticated payment_required".split()
)
_DECLINED = frozenset(
    "content_policy_violation content_filter invalid_prompt prohibited_content bio_policy "
    "misalignment_policy_violation image_content_policy_violation".split()
)
_LONG = frozenset("context_length_exceeded exceed_context_size_error request_too_large".split())
_LIMITED = frozenset("rate_limit_exceeded rate_limit_error resource_exhausted too_many_requests".split())
_INVALID = frozenset(
    "invalid_request_error invalid_argument badrequesterror bad_request not_found_error invalid_image "
    "invalid_image_format invalid_base64_image invalid_image_url image_too_large image_too_small image_parse_error "
    "invalid_image_mode image_file_too_large unsupported_image_media_type empty_image_file".split()
)
_BAD_KEY = re.compile(
    r"api[ _-]?key (is )?(not valid|invalid|expired)|(invalid|incorrect) api[ _-]?key|API_KEY_INVALID", re.I
)
_ALSO_LONG = re.compile(r"context size|maximum number of tokens|(input|prompt|request) is too (long|large)", re.I)
_WAIT = re.compile(r"(?:try again|retry) in ((?:\d+h)?(?:\d+m(?!s))?(?:[\d.]+m?s)?)", re.I)
_DELAY = re.compile(r"\"retryDelay\": \"([\d.]+)s\"")
_SPAN = re.compile(r"([\d.]+)(ms|s|m|h)")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Said(msgspec.Struct, frozen=True):
    """What an error says. `text` is all of it, as far as it is read."""

    message: str = ""
    words: tuple[str, ...] = ()
    """Its type, code and status, in lower case."""
    status: int | None = None
    """A code that is a number."""
    param: str = ""
    text: str = ""

    @property
    def kind(self) -> str:
        return self.words[0] if self.words else ""


def read_error(value: Json) -> Said:
    """What an error says that came as this JSON; nothing, if that cannot be told."""
    text = json.dumps(value, ensure_ascii=False)[:MAX_READ]
    inner = value[0] if isinstance(value, list) and value else value
    if isinstance(inner, Mapping) and inner.get("error"):
        inner = inner["error"]
    if not isinstance(inner, Mapping):
        return Said(inner if isinstance(inner, str) else "", text=text)
    codes = [inner.get(name) for name in ("code", "type", "status")]
    message = inner.get("message") or inner.get("detail")
    param = inner.get("param")
    return Said(
        message=message if isinstance(message, str) else "",
        words=tuple(code.lower() for code in codes if isinstance(code, str) and code and not code.isdigit()),
        status=next((int(code) for code in codes if isinstance(code, int | str) and str(code).isdigit()), None),
        param=param if isinstance(param, str) else "",
        text=text,
    )


def read_body(content: bytes) -> Said:
    """What the body of an error says; nothing, if it is no JSON (such as the page of a proxy)."""
    try:
        return read_error(json.loads(content))
    except (ValueError, RecursionError):
        return Said()


def is_too_long(status: int, said: Said) -> bool:
    if status == 413 or _LONG & set(said.words):
        return True
    about = TOO_LONG.search(said.message) or _ALSO_LONG.search(said.message)
    return about is not None and status in (200, 400, 422)


class Failures:
    """Names what goes wrong with one server."""

    def __init__(self, who: str, clean: Sanitiser) -> None:
        self.who = who
        self._clean = clean

    def refused(self, status: int, said: Said, headers: Mapping[str, str] | None = None) -> ProviderError:
        """For an error status, an error in the middle of an answer (status 200), or an answer that points elsewhere."""
        if 300 <= status < 400:
            return failures.not_an_answer(self.who, failures.REDIRECT)
        why = _why(status, said)
        wait_s = _wait_s(said, headers or {}) if why in ("rate_limited", "overloaded") else None
        kind = said.kind or said.status or status
        return failures.refusal(self.who, why, self._clean(said.message), kind, retry_after_s=wait_s)

    def declined(self, reason: str) -> ProviderError:
        return failures.refusal(self.who, "declined", self._clean(reason))

    def broken(self, error: BaseException, *, began: bool) -> ProviderError:
        return failures.from_connection(self.who, error, began=began)

    def truncated(self, how: str) -> ProviderError:
        return failures.truncated(self.who, how)

    def inactive(self, inactivity_s: float) -> ProviderError:
        return failures.inactive(self.who, inactivity_s)

    def not_an_answer(self, content_type: str) -> ProviderError:
        return failures.not_an_answer(self.who, self._clean(content_type))

    def internal(self, error: Exception) -> ProviderError:
        return ProviderError("internal", f"{self.who} could not be asked: {self._clean(str(error))}")


def _why(http_status: int, said: Said) -> Refusal:
    words = set(said.words)
    status = said.status if http_status == 200 and said.status is not None else http_status
    if words & _DECLINED:
        return "declined"
    if words & _AUTH or status in (401, 402, 403) or (status == 400 and _BAD_KEY.search(said.text)):
        return "auth"
    if is_too_long(status, said):
        return "too_long"
    if status == 429 or words & _LIMITED:
        return "rate_limited"
    if status >= 500 or status in (408, 409):
        return "overloaded"
    # In the middle of an answer any error is the server's trouble, unless it says that the request was wrong.
    return "overloaded" if status == 200 and not words & _INVALID else "not_accepted"


def _wait_s(said: Said, headers: Mapping[str, str]) -> float | None:
    """How long to wait, as headers or the text say it; bounded."""
    if (millis := failures.retry_after_s(headers.get("retry-after-ms"))) is not None:
        return millis / 1000
    if (seconds := failures.retry_after_s(headers.get("retry-after"))) is not None:
        return seconds
    if (delay := _DELAY.search(said.text)) is not None:
        return failures.retry_after_s(delay[1])
    if (wait := _WAIT.search(said.message)) is not None and (spans := _SPAN.findall(wait[1])):
        try:
            return min(sum(float(number) * _UNIT_S[unit] for number, unit in spans), MAX_RETRY_AFTER_S)
        except ValueError:  # "1.2.3s"
            return None
    return None

"""What the rooms below refuse, as HTTP answers: status and code of each error, and its advice in routes."""

import re
from collections.abc import Mapping

from hub.api.operations import API, OPERATIONS
from hub.api.problems import HttpCode, Problem
from hub.errors import BackplaneAway, CallCode, CallError, away_to_clients
from hub.server.auth import Refused

STATUS_OF_CODE: Mapping[CallCode, int] = {
    "invalid_arguments": 400,
    "session_not_found": 404,
    "forbidden": 403,
    "run_not_found": 404,
    "message_not_found": 404,
    "conflict": 409,
    "busy": 409,
    "too_large": 413,
    "rate_limited": 429,
    "quota_exceeded": 429,
    "token_expired": 401,
    "call_closed": 409,
    "not_host": 403,
    "provider_not_allowed": 400,
    "provider_missing_key": 400,
    "backplane_away": 503,
    "unavailable": 503,
}

_CODE_OF_REFUSAL: Mapping[int, CallCode | HttpCode] = {
    401: "unauthorized",
    403: "forbidden",
    413: "too_large",
    429: "rate_limited",
    503: "unavailable",
}

_ROUTES = {f"{each.name[0].upper()}{each.name[1:]}": f"{each.method} {API}{each.path}" for each in OPERATIONS}
"""What an error's advice means here, by the hub method that it names."""
# Names of one word are words too: "Stop it first."
_HUB_METHOD = re.compile(rf"\b({'|'.join(name for name in _ROUTES if re.search('[a-z][A-Z]', name))})\b")


def problem_of(error: CallError | Refused | BackplaneAway) -> Problem:
    match error:
        case CallError():
            text = _HUB_METHOD.sub(lambda match: _ROUTES[match[0]], str(error).removeprefix(f"[{error.code}] "))
            return Problem(STATUS_OF_CODE[error.code], error.code, text, retry_after_s=error.retry_after_s)
        case BackplaneAway():
            return problem_of(away_to_clients())
        case Refused():
            after = error.headers.get("retry-after")
            return Problem(
                error.status,
                _CODE_OF_REFUSAL.get(error.status, "internal_error"),
                error.reason,
                headers=error.headers,
                retry_after_s=None if after is None else float(after),
            )

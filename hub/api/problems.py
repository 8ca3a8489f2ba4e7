"""Errors as HTTP answers: `application/problem+json` (RFC 9457), with the contract's codes (design, section 3.2)."""

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Literal

import msgspec
from starlette.responses import Response

from hub.chat.parts import WireStruct
from hub.errors import CallCode, HublineError

HttpCode = Literal[
    "unauthorized", "not_found", "method_not_allowed", "too_slow", "unsupported_media_type", "internal_error"
]
"""Codes of what can go wrong over HTTP only."""

SOON_S = 1.0
"""When to try again, where nobody knows better."""


class ProblemDetails(WireStruct, frozen=True, kw_only=True):
    """What went wrong. `code` is stable, `detail` is one sentence for people that says what to do."""

    type: str
    title: str
    status: int
    detail: str
    code: CallCode | HttpCode
    retry_after_s: float | None = None


class Problem(HublineError):
    """A request that is answered with an error. Names of `headers` are in lower case."""

    def __init__(
        self,
        status: int,
        code: CallCode | HttpCode,
        text: str,
        *,
        headers: Mapping[str, str] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text
        self.retry_after_s = SOON_S if retry_after_s is None and status in (429, 503) else retry_after_s
        self.headers = dict(headers or {})
        if self.retry_after_s is not None:
            self.headers["retry-after"] = str(max(1, math.ceil(self.retry_after_s)))

    def answer(self) -> Response:
        details = ProblemDetails(
            type="about:blank",  # the title is the status's own
            title=HTTPStatus(self.status).phrase,
            status=self.status,
            detail=self.text,
            code=self.code,
            retry_after_s=self.retry_after_s,
        )
        headers = {"cache-control": "no-store", **self.headers}
        return Response(
            msgspec.json.encode(details), self.status, headers=headers, media_type="application/problem+json"
        )

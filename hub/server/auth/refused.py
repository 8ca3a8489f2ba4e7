"""Refusals of an HTTP request."""

from collections.abc import Mapping

from hub.errors import HublineError


class Refused(HublineError):
    """The connection is refused before it begins; the text goes out as the body of the HTTP answer."""

    def __init__(
        self, status: int, text: str, headers: Mapping[str, str] | None = None, *, reason: str | None = None
    ) -> None:
        super().__init__(text)
        self.status = status
        self.reason = reason or text
        """One sentence, where the text is a fixed one."""
        self.headers = dict(headers or {})
        """To be sent with the answer; names in lower case."""


def unauthorized(text: str, *, invalid: str | None = None) -> Refused:
    """401 with the challenge of RFC 6750. `invalid` says what is wrong with the token that was sent, if one was.

    The body is the one word that official clients show (T1).
    """
    challenge = "Bearer" if invalid is None else f'Bearer error="invalid_token", error_description="{invalid}"'
    return Refused(401, "Unauthorized", {"www-authenticate": challenge}, reason=text)

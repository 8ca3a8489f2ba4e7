"""The user behind a connection."""

from dataclasses import dataclass, field
from urllib.parse import quote

ANONYMOUS_ID = "anonymous"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """The authenticated party behind a connection. `id` is unique within its organisation."""

    id: str
    organisation: str | None = None
    roles: frozenset[str] = field(default_factory=frozenset)
    name: str | None = None
    anonymous: bool = False
    expires_at: int | None = None
    """Until when the user was let in, in milliseconds since 1970; None is for ever."""

    @property
    def key(self) -> str:
        """What the user is known by where organisations meet: no two users share one.

        It is the plain id where there is no organisation, else `organisation/id`. A slash within an organisation is
        escaped, and a plain id that holds one gets an empty organisation before it, so that the two never mix. So does
        the anonymous user's id where it is somebody's name: whoever chose that is not everybody.
        """
        if self.organisation is not None:
            return f"{quote(self.organisation, safe=' @:+')}/{self.id}"
        is_taken = "/" in self.id or (self.id == ANONYMOUS_ID and not self.anonymous)
        return f"/{self.id}" if is_taken else self.id


ANONYMOUS = User(id=ANONYMOUS_ID, name="Anonymous", anonymous=True)
"""All who connect without authentication are this one user."""

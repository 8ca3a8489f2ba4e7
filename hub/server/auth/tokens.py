"""JSON web tokens: from what a client sent to the user that its issuer vouches for.

    authenticate = JwtAuthenticator(TokenIssuer(OneKey(secret_key(secret)), TokenRules(audience=("hub",))))

What is checked: size, header (a known algorithm, a plain key id, no `crit`; addresses and keys in it are never looked
at), signature by a key of the issuer for that algorithm, `exp` (must be there), `nbf`, `iat`, `aud`, `iss`, and that
the claims of the user are what they should be. A token that is meant for somebody (`aud`) where no audience is set is
not for us. What is wrong is told in few words, which hold nothing of the token.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jwt
from starlette.requests import HTTPConnection

from hub.server.auth.gate import MAX_TOKEN_CHARS, token_of
from hub.server.auth.keys import Keys, KeysAway, KeyUnknown
from hub.server.auth.refused import Refused, unauthorized
from hub.server.auth.user import User

MAX_KEY_ID_CHARS = 256
MAX_NAME_CHARS = 256
MAX_ROLES = 200
_ALGORITHMS = frozenset({"HS256", "RS256", "ES256"})
_LAST_EXPIRY_S = 1 << 40  # what is later is no time any more

FIREBASE_JWKS = "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRules:
    """What the tokens of an issuer must say, and which claims say who the user is.

    A claim is named as it is, or by a path with dots: `realm_access.roles`. Roles are a list, or words with spaces.
    """

    issuer: str | None = None
    audience: tuple[str, ...] = ()
    """A token must be for one of these; with none set, for nobody in particular."""
    leeway_s: float = 30.0
    """How far the issuer's clock may be from ours."""
    user_claim: str = "sub"
    organisation_claim: str = "org"
    roles_claim: str = "roles"
    name_claim: str = "name"
    is_firebase: bool = False
    """Also what Firebase asks for: a key id, and a sign-in (`auth_time`) that is in the past."""


def firebase_rules(project: str) -> TokenRules:
    """Those of a Firebase project's ID tokens; its keys are at `FIREBASE_JWKS`."""
    return TokenRules(
        issuer=f"https://securetoken.google.com/{project}",
        audience=(project,),
        organisation_claim="firebase.tenant",
        is_firebase=True,
    )


class TokenIssuer:
    """One issuer: its keys, and the rules of its tokens."""

    def __init__(self, keys: Keys, rules: TokenRules | None = None) -> None:
        self.rules = rules or TokenRules()
        self._keys = keys

    async def user(self, token: str) -> User:
        """Whom the token is for. Raises Refused: 401, or 503 while the keys cannot be fetched."""
        try:
            algorithm, key_id = _read_header(token)
            if key_id is None and self.rules.is_firebase:
                raise _Wrong("The token names no key")
            key = await self._keys.find(algorithm, key_id)
            claims = jwt.decode(
                token,
                key.material,
                algorithms=[key.algorithm],
                audience=self.rules.audience or None,
                issuer=self.rules.issuer,
                leeway=self.rules.leeway_s,
                options={"require": ["exp"], "verify_sub": False, "verify_jti": False},
            )
            return self._user(claims)
        except KeysAway as error:
            raise Refused(503, "The keys of the token's issuer cannot be fetched now; try again later.") from error
        except KeyUnknown as error:
            raise _refusal("The token is signed by a key that is not known here") from error
        except _Wrong as error:
            raise _refusal(str(error)) from error
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise _refusal(_reason(error)) from error

    def _user(self, claims: Mapping[str, object]) -> User:
        rules = self.rules
        if rules.is_firebase and not _seconds(claims, "auth_time") <= _seconds(claims, "iat"):
            raise _Wrong("The sign-in of the token is in the future")
        user_id = _text(claims, rules.user_claim)
        if user_id is None:
            raise _Wrong("The token names no user")
        return User(
            id=user_id,
            organisation=_text(claims, rules.organisation_claim),
            roles=_roles(claims, rules.roles_claim),
            name=_name(claims, rules.name_claim),
            # As long as it is taken, which the leeway is a part of: whoever is let in is not at once put out.
            expires_at=math.floor((_seconds(claims, "exp") + rules.leeway_s) * 1000),
        )


class JwtAuthenticator:
    """An `authenticate` that takes the tokens of one issuer, or of several that are told apart by their `iss`.

    `cookie` names a cookie to look into where there is no bearer token (see `Gate.token_cookie`).
    """

    def __init__(self, *issuers: TokenIssuer, cookie: str | None = None) -> None:
        names = [issuer.rules.issuer for issuer in issuers]
        if not issuers or (len(issuers) > 1 and (None in names or len(set(names)) < len(names))):
            raise ValueError("Of several issuers each needs its own name (TokenRules.issuer).")
        self._only = issuers[0] if len(issuers) == 1 else None
        self._issuers = {issuer.rules.issuer: issuer for issuer in issuers}
        self._cookie = cookie

    async def __call__(self, request: HTTPConnection) -> User | None:
        token = token_of(request, self._cookie)
        return None if token is None else await self.user(token)

    async def user(self, token: str) -> User:
        """Raises Refused."""
        if len(token) > MAX_TOKEN_CHARS:
            raise _refusal(f"The token has more than {MAX_TOKEN_CHARS} characters")
        return await (self._only or self._claimed_issuer(token)).user(token)

    def _claimed_issuer(self, token: str) -> TokenIssuer:
        """Whose token it says it is: chooses among those that are known, and its keys prove it."""
        try:
            name = jwt.decode(token, options={"verify_signature": False}).get("iss")
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise _refusal(_reason(error)) from error
        issuer = self._issuers.get(name) if isinstance(name, str) else None
        if issuer is None:
            raise _refusal("The token's issuer is not known here")
        return issuer


class _Wrong(Exception):
    """What is wrong with a token, without its full stop."""


def _refusal(reason: str) -> Refused:
    return unauthorized(f"{reason}.", invalid=reason)


def _reason(error: Exception) -> str:
    match error:
        case jwt.ExpiredSignatureError():
            return "The token has expired"
        case jwt.ImmatureSignatureError():
            return "The token is not valid yet"
        case jwt.InvalidAudienceError():
            return "The token is not for this server (aud)"
        case jwt.InvalidIssuerError():
            return "The token is of another issuer (iss)"
        case jwt.MissingRequiredClaimError():
            return f"The token lacks the claim {error.claim}"
        case jwt.InvalidSignatureError():
            return "The token's signature is wrong"
        case _:
            return "This is no token that is taken here"


def _read_header(token: str) -> tuple[str, str | None]:
    """Algorithm and key id. They choose among the keys that settings gave, and do nothing else."""
    header = jwt.get_unverified_header(token)
    algorithm, key_id = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in _ALGORITHMS:
        raise _Wrong("The token's algorithm is not taken here")
    if "crit" in header or "b64" in header:
        raise _Wrong("The token asks for extensions that are not known here")
    if key_id is not None and not (isinstance(key_id, str) and 0 < len(key_id) <= MAX_KEY_ID_CHARS):
        raise _Wrong("The token's key id is none")
    return algorithm, key_id


def _claim(claims: Mapping[str, object], name: str) -> object:
    if name in claims:
        return claims[name]
    found: object = claims
    for step in name.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _text(claims: Mapping[str, object], name: str) -> str | None:
    """A name that users are told apart by; None if there is none. One that could be misread is refused."""
    value = _claim(claims, name)
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME_CHARS or not value.isprintable():
        raise _Wrong(f"The token's claim {name} is no name")
    return value


def _name(claims: Mapping[str, object], name: str) -> str | None:
    """For people's eyes only, so that nothing is refused for it."""
    value = _claim(claims, name)
    return value[:MAX_NAME_CHARS] if isinstance(value, str) else None


def _roles(claims: Mapping[str, object], name: str) -> frozenset[str]:
    value = _claim(claims, name)
    words: Sequence[object] = value.split() if isinstance(value, str) else value if isinstance(value, list) else ()
    if len(words) > MAX_ROLES:
        raise _Wrong(f"The token has more than {MAX_ROLES} roles")
    return frozenset(word for word in words if isinstance(word, str))


def _seconds(claims: Mapping[str, object], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LAST_EXPIRY_S:
        raise _Wrong(f"The token's claim {name} is no time")
    return value

"""Tokens by settings: the `authenticate` that the settings ask for, and tokens for trying it."""

import time
from pathlib import Path

import jwt

from hub.config import Settings, flag_of
from hub.errors import SettingsError
from hub.server.auth.jwks import JwksKeys
from hub.server.auth.keys import Keys, OneKey, pem_key, secret_key
from hub.server.auth.origins import is_safe_address
from hub.server.auth.tokens import FIREBASE_JWKS, JwtAuthenticator, TokenIssuer, TokenRules, firebase_rules

NO_SECRET = (
    "`hubline token` signs with HUBLINE_JWT_SECRET: set it, for the server too, to a secret of 32 bytes or more, "
    "such as `openssl rand -hex 32` prints."
)


def from_settings(settings: Settings) -> JwtAuthenticator | None:
    """None where no setting says what proves a user. Raises SettingsError."""
    keys = _keys(settings)
    return None if keys is None else JwtAuthenticator(TokenIssuer(keys, _rules(settings)), cookie=settings.jwt_cookie)


def sign_token(
    settings: Settings, user: str, *, roles: list[str], organisation: str | None, name: str | None, ttl_s: float
) -> str:
    """A token that a server with these settings takes. Raises SettingsError without HUBLINE_JWT_SECRET."""
    if settings.jwt_secret is None:
        raise SettingsError(NO_SECRET)
    _secret(settings)  # a weak one is refused here as there
    rules, now = _rules(settings), int(time.time())
    claims: dict[str, object] = {"iat": now, "exp": now + round(ttl_s)}
    if rules.issuer is not None:
        claims["iss"] = rules.issuer
    if rules.audience:
        claims["aud"] = rules.audience[0]
    named = {rules.user_claim: user, rules.organisation_claim: organisation, rules.name_claim: name}
    claims |= {claim: value for claim, value in named.items() if value is not None}
    if roles:
        claims[rules.roles_claim] = roles
    return jwt.encode(claims, settings.jwt_secret.get_secret_value(), algorithm="HS256")


def _keys(settings: Settings) -> Keys | None:
    if settings.jwt_secret is not None:
        return _secret(settings)
    if settings.jwt_public_key is not None:
        return _public(settings.jwt_public_key)
    if settings.jwt_jwks_url is not None:
        if not is_safe_address(settings.jwt_jwks_url):
            raise SettingsError(
                f"{flag_of('jwt_jwks_url')} (HUBLINE_JWT_JWKS_URL) must be an https:// address, "
                "or an http:// address of this machine: keys that came over an open line prove nothing."
            )
        return JwksKeys(settings.jwt_jwks_url)
    return None if settings.firebase_project is None else JwksKeys(FIREBASE_JWKS)


def _secret(settings: Settings) -> Keys:
    assert settings.jwt_secret is not None
    try:
        return OneKey(secret_key(settings.jwt_secret.get_secret_value()))
    except ValueError as error:
        raise SettingsError(f"HUBLINE_JWT_SECRET {error}.") from None  # unchained: it may hold the secret


def _public(file: Path) -> Keys:
    flag = f"{flag_of('jwt_public_key')} (HUBLINE_JWT_PUBLIC_KEY)"
    try:
        return OneKey(pem_key(file.read_bytes()))
    except OSError as error:
        raise SettingsError(f"{flag} names {file}, which cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise SettingsError(f"{flag} names {file}, which {error}.") from error


def _rules(settings: Settings) -> TokenRules:
    firebase = None if settings.firebase_project is None else firebase_rules(settings.firebase_project)
    return TokenRules(
        issuer=settings.jwt_issuer if firebase is None else firebase.issuer,
        audience=settings.jwt_audience if firebase is None else firebase.audience,
        leeway_s=settings.jwt_leeway_s,
        user_claim=settings.jwt_user_claim,
        organisation_claim=settings.jwt_organisation_claim
        or ("org" if firebase is None else firebase.organisation_claim),
        roles_claim=settings.jwt_roles_claim,
        name_claim=settings.jwt_name_claim,
        is_firebase=firebase is not None,
    )

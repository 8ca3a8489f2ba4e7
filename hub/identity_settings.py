"""The settings that say what proves a user: tokens, who signs them, and which of their claims are read."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from hub.provider_settings import sentence


class IdentitySettings(BaseSettings):
    """What `Settings` has of users."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)

    # Who may connect. One of the first four says what proves a user; without, everybody on this machine may.
    jwt_secret: SecretStr | None = Field(
        default=None, description="a secret of 32 bytes or more that tokens are signed with (HS256)"
    )
    jwt_public_key: Path | None = Field(
        default=None, description="a file with the public key (PEM) of who signs tokens (RS256 or ES256)"
    )
    jwt_jwks_url: str | None = Field(
        default=None, min_length=1, description="the https:// address of the public keys (JWKS) of who signs tokens"
    )
    firebase_project: str | None = Field(
        default=None,
        pattern=r"^[a-z][a-z0-9:.-]{3,62}[a-z0-9]$",
        description="the id of a Firebase project whose users may connect",
    )
    jwt_issuer: str | None = Field(default=None, min_length=1, description="the issuer that tokens must name (iss)")
    jwt_audience: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="a list of audiences of which tokens must name one (aud)"
    )
    jwt_leeway_s: Annotated[float, Field(ge=0, le=600)] = Field(
        default=30.0, description="a number of seconds up to 600: how far the issuer's clock may be from ours"
    )
    jwt_cookie: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$",
        description="the name of a cookie to take the token from",
    )
    jwt_user_claim: str = Field(default="sub", min_length=1, description="the claim with the user's id")
    jwt_organisation_claim: str | None = Field(
        default=None, min_length=1, description="the claim with the user's organisation (default: org)"
    )
    jwt_roles_claim: str = Field(default="roles", min_length=1, description="the claim with the user's roles")
    jwt_name_claim: str = Field(default="name", min_length=1, description="the claim with the user's name")
    token_warning_s: Annotated[float, Field(ge=0, le=366 * 86_400)] = Field(
        default=60.0, description="a number of seconds: how long before its token ends a client is told"
    )
    close_on_expiry: bool = Field(
        default=True, description="true (a connection ends with its token) or false (it stays)"
    )

    @property
    def has_authentication(self) -> bool:
        """Whether a setting says what proves a user."""
        return any((self.jwt_secret, self.jwt_public_key, self.jwt_jwks_url, self.firebase_project))

    @field_validator("jwt_audience", mode="before")
    @classmethod
    def _split_audience(cls, words: object) -> object:
        return tuple(filter(None, re.split(r"[,\s]+", words))) if isinstance(words, str) else words

    @model_validator(mode="after")
    def _check_tokens(self) -> "IdentitySettings":
        proofs = {
            "HUBLINE_JWT_SECRET": self.jwt_secret,
            "--jwt-public-key": self.jwt_public_key,
            "--jwt-jwks-url": self.jwt_jwks_url,
            "--firebase-project": self.firebase_project,
        }
        given = [name for name, value in proofs.items() if value is not None]
        if len(given) > 1:
            raise sentence(f"{given[0]} and {given[1]} each say what proves a user: leave one out.")
        if self.firebase_project is not None and (self.jwt_issuer or self.jwt_audience):
            raise sentence("--firebase-project sets issuer and audience: leave --jwt-issuer and --jwt-audience out.")
        asked = next((name for name in ("jwt_issuer", "jwt_audience", "jwt_cookie") if getattr(self, name)), None)
        if asked is not None and not given:
            raise sentence(
                f"--{asked.replace('_', '-')} (HUBLINE_{asked.upper()}) needs what proves a user: "
                f"set one of {', '.join(proofs)} too."
            )
        return self

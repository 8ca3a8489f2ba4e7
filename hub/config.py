"""The settings, and the only place that reads the environment.

Each setting is a field below: `--name-with-dashes` on the command line, `HUBLINE_NAME` in the environment, the flag
winning. Those of the providers stand in `provider_settings`, those of hooks in `hook_settings`. A description completes
the sentence "… must be <description>": it is the flag's help and the error's advice.
"""

import ipaddress
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from hub.errors import SettingsError
from hub.hook_settings import HookSettings
from hub.log import LogLevel
from hub.provider_settings import ProviderSettings, sentence
from hub.tool_settings import ToolSettings

PREFIX = "HUBLINE_"
MEMORY_URL = "memory://"
SQLITE_PREFIX = "sqlite:///"
_REDIS = re.compile(r"rediss?(\+(unix|sentinel|cluster))?://.")
_YEAR_S = 366 * 86_400

Seconds = Annotated[float, Field(gt=0, le=_YEAR_S)]
NoSeconds = Annotated[float, Field(ge=0, le=_YEAR_S)]
Bytes = Annotated[int, Field(ge=1024, le=1 << 30)]
Rate = Annotated[float, Field(ge=0, le=1_000_000)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
FileBytes = Annotated[int, Field(ge=1, le=100 << 20)]


class Settings(HookSettings, ProviderSettings, ToolSettings):
    """All settings, checked. Use `load`, which says what is wrong in one sentence."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True
    )

    host: str = Field(default="127.0.0.1", min_length=1, description="the address or name to listen on")
    port: int = Field(default=8000, ge=0, le=65_535, description="a port from 1 to 65535, or 0 for any free one")
    workers: int = Field(default=1, ge=1, le=256, description="the number of processes, 1 or more")
    backplane: str = Field(
        default=f"{SQLITE_PREFIX}hubline.db",
        description="sqlite:///FILE, where sessions are kept, memory:// (forgotten when the server ends), "
        "or what several nodes share: redis://HOST:PORT, rediss://…, redis+sentinel://… or redis+cluster://…",
    )
    certfile: Path | None = Field(default=None, description="a file with the certificate chain (PEM), for https")
    keyfile: Path | None = Field(default=None, description="a file with the certificate's private key (PEM)")
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="a list of the other origins whose pages may connect (https://HOST[:PORT] or https://*.HOST), or *",
    )

    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="a list of addresses or networks (10.0.0.0/8) of proxies whose X-Forwarded-For is believed",
    )

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
    token_warning_s: Annotated[float, Field(ge=0, le=_YEAR_S)] = Field(
        default=60.0, description="a number of seconds: how long before its token ends a client is told"
    )
    close_on_expiry: bool = Field(
        default=True, description="true (a connection ends with its token) or false (it stays)"
    )
    log_level: LogLevel = Field(default="info", description="debug, info, warning or error")
    detailed_errors: bool = Field(default=False, description="true (clients see details of unexpected errors) or false")
    demo_pace: float = Field(
        default=40.0,
        ge=0,
        le=100_000,
        description="a number of deltas per second at which the demo writes, or 0 for no wait",
    )

    # What nodes that share Redis need.
    token_secret: SecretStr | None = Field(
        default=None,
        description="a secret of 32 bytes or more, the same on all nodes, which they sign connections' tokens with",
    )
    retention_s: Seconds = Field(
        default=30 * 86_400.0,
        description="a number of seconds: how long Redis keeps a session in which nothing happens",
    )
    away_hold_s: NoSeconds = Field(
        default=15.0, description="a number of seconds: how long Redis may be away before /readyz says so"
    )

    # Limits of a connection.
    max_receive_bytes: Bytes = Field(
        default=1 << 20, description="a number of bytes from 1024: the size of one incoming message"
    )
    outbox_max_bytes: Bytes = Field(
        default=1 << 20, description="a number of bytes from 1024: what may wait for one connection"
    )
    handshake_timeout_s: Seconds = Field(default=15.0, description="a number of seconds: how long a handshake may take")
    keep_alive_s: Seconds = Field(
        default=15.0, description="a number of seconds: the silence after which the server pings"
    )
    client_timeout_s: Seconds = Field(
        default=30.0, description="a number of seconds: the silence that ends a connection"
    )
    max_connections: int = Field(default=0, ge=0, description="the most connections at once, or 0 for no limit")
    max_connections_per_user: int = Field(
        default=0, ge=0, description="the most connections of one user, or 0 for no limit"
    )
    max_connections_per_address: int = Field(
        default=0, ge=0, description="the most connections from one address, or 0 for no limit"
    )
    max_new_connections_per_s: Rate = Field(
        default=0.0, description="the most new connections a second from one address in the long run, or 0 for no limit"
    )
    max_invocations_per_s: Rate = Field(
        default=1000.0, description="the most calls a second of one connection in the long run, or 0 for no limit"
    )
    max_user_invocations_per_s: Rate = Field(
        default=5000.0, description="the most calls a second of one user in the long run, or 0 for no limit"
    )
    max_presence_bytes: Annotated[int, Field(ge=2, le=65_536)] = Field(
        default=4096, description="a number of bytes up to 65536: the longest state of SetPresence, as JSON"
    )
    max_presence_per_s: Rate = Field(
        default=20.0, description="the most states a second that a connection may set, or 0 for no limit"
    )
    presence_grace_s: NoSeconds = Field(
        default=3.0,
        description="a number of seconds: how long others see who has lost the connection, lest a reconnect shows",
    )
    presence_gather_s: Annotated[float, Field(ge=0, le=10)] = Field(
        default=0.1, description="a number of seconds up to 10: how long changes of who watches are gathered"
    )
    presence_interval_s: Seconds = Field(
        default=5.0,
        description="a number of seconds: how often nodes repeat who watches; a dead one's are gone after three times",
    )

    # Limits of a run.
    max_queued_runs: Count = Field(default=20, description="a number from 1: how many messages may wait in a session")
    max_steps: Count = Field(default=50, description="a number from 1: how many model requests an answer may take")
    wall_time_s: Seconds = Field(
        default=540.0,
        description="a number of seconds: how long an answer may take, waits for approvals not counted",
    )
    approval_s: Seconds = Field(
        default=600.0,
        description="a number of seconds: how long a tool call waits for somebody to approve it",
    )
    tool_timeout_s: Seconds = Field(
        default=60.0, description="a number of seconds: how long a tool may take on the server"
    )
    client_tool_timeout_s: Seconds = Field(
        default=300.0, description="a number of seconds: how long a tool may take in a client"
    )
    host_grace_s: Annotated[float, Field(ge=0.1, le=3600)] = Field(
        default=30.0,
        description="a number of seconds from 0.1: how long a client that executes tools may be away",
    )
    max_tool_result_bytes: Count = Field(
        default=256 * 1024,
        description="a number from 1: how many bytes of JSON the result of a tool may have",
    )
    max_file_bytes: FileBytes = Field(
        default=20 << 20, description="a number of bytes from 1 to 104857600: the size of one file"
    )
    max_session_files_bytes: Annotated[int, Field(ge=1)] = Field(
        default=50 << 20, description="a number of bytes from 1: what the files of a session may have together"
    )
    provider_inactivity_s: Seconds = Field(
        default=120.0, description="a number of seconds: the silence of a provider that ends an answer"
    )
    idle_stop_s: Seconds | None = Field(
        default=None, description="a number of seconds after which an answer that nobody watches is stopped, or off"
    )
    lease_s: Annotated[float, Field(ge=0.1, le=3600)] = Field(
        default=6.0,
        description="a number of seconds from 0.1: how long after a node's death its sessions are taken over",
    )
    drain_s: NoSeconds = Field(
        default=25.0, description="a number of seconds: how long answers may go on after SIGTERM before they are cut"
    )
    drain_spread_s: NoSeconds = Field(
        default=5.0,
        description="a number of seconds: over how long clients are told to go to other nodes after SIGTERM",
    )
    shutdown_timeout_s: Seconds = Field(
        default=3.0, description="a number of seconds: how long open connections may delay the end of the server"
    )

    @property
    def is_loopback(self) -> bool:
        """Whether the bind address can be reached from this machine only."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def is_shared(self) -> bool:
        """Whether other nodes may share the backplane."""
        return self.backplane != MEMORY_URL and self.database_file is None

    @property
    def has_authentication(self) -> bool:
        """Whether a setting says what proves a user."""
        return any((self.jwt_secret, self.jwt_public_key, self.jwt_jwks_url, self.firebase_project))

    @property
    def database_file(self) -> Path | None:
        """The SQLite file, or None for the memory backplane."""
        return Path(self.backplane.removeprefix(SQLITE_PREFIX)) if self.backplane.startswith(SQLITE_PREFIX) else None

    @field_validator("backplane")
    @classmethod
    def _check_backplane(cls, url: str) -> str:
        is_file = url.startswith(SQLITE_PREFIX) and len(url) > len(SQLITE_PREFIX)
        if url != MEMORY_URL and not is_file and not _REDIS.match(url):  # what follows is for the backplane to read
            raise ValueError("none of them")
        return url

    @field_validator("token_secret")
    @classmethod
    def _check_token_secret(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(secret.get_secret_value().encode()) < 32:
            raise ValueError("too short")
        return secret

    @field_validator("allowed_origins", "jwt_audience", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, words: object) -> object:
        return tuple(filter(None, re.split(r"[,\s]+", words))) if isinstance(words, str) else words

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            ipaddress.ip_network(proxy)  # a ValueError is what it raises for all others
        return proxies

    @field_validator("allowed_origins")
    @classmethod
    def _check_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        pattern = r"[a-z][a-z0-9+.-]*://(?:\*\.)?(?:\[[0-9a-f:.]+\]|[^\s/?#@*:\[\]\\]+)(?::([0-9]{1,5}))?"
        for origin in origins:
            match = re.fullmatch(pattern, origin, re.IGNORECASE)
            if origin != "*" and (match is None or not 0 < int(match[1] or 1) < 65_536):
                raise ValueError("not an origin")
        return origins

    @field_validator("idle_stop_s", mode="before")
    @classmethod
    def _off_is_none(cls, seconds: object) -> object:
        return None if seconds == "off" else seconds

    @model_validator(mode="after")
    def _check_together(self) -> "Settings":
        if self.workers > 1 and not self.is_shared:
            raise sentence(
                f"--workers {self.workers} (HUBLINE_WORKERS) needs a backplane that processes can share, "
                f"and {self.backplane} serves one: set it to 1."
            )
        if self.is_shared and self.token_secret is None:
            raise sentence(
                "--backplane (HUBLINE_BACKPLANE) with Redis needs a secret by which nodes know each other's clients: "
                "set HUBLINE_TOKEN_SECRET, to the same 32 bytes or more on each."
            )
        if self.keyfile is not None and self.certfile is None:
            raise sentence("--keyfile (HUBLINE_KEYFILE) needs a certificate: set --certfile (HUBLINE_CERTFILE) too.")
        return self

    @model_validator(mode="after")
    def _check_tokens(self) -> "Settings":
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
                f"{flag_of(asked)} ({_variable_of(asked)}) needs what proves a user: "
                f"set one of {', '.join(proofs)} too."
            )
        if self.jwt_cookie is not None and "*" in self.allowed_origins:
            raise sentence(
                "--allowed-origins * would let the pages of others use the cookie of --jwt-cookie: list the origins."
            )
        return self


def load(flags: Mapping[str, object] | None = None) -> Settings:
    """The settings of the environment, with `flags` (by field name) over them.

    Raises SettingsError: one sentence with the setting, its flag and its variable, and what it must be.
    """
    try:
        return Settings(**dict(flags or {}))  # type: ignore[arg-type]  # checked by pydantic, which is the point
    except ValidationError as error:
        # Not chained: a traceback of the cause would show what was given, which may be a key.
        raise SettingsError(_explain(error.errors(include_url=False)[0])) from None


class WorkerSettings(BaseSettings):
    """What `hub.workers` says to the processes that it starts. Nobody else sets it."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    worker: Annotated[tuple[int, ...], NoDecode] = ()

    @field_validator("worker", mode="before")
    @classmethod
    def _split(cls, numbers: object) -> object:
        return tuple(numbers.split(",")) if isinstance(numbers, str) else numbers


def worker_variables(numbers: Iterable[int]) -> Mapping[str, str]:
    """This process's environment, for one that shall find these numbers as `WorkerSettings`."""
    return {**os.environ, f"{PREFIX}WORKER": ",".join(map(str, numbers))}


def program_variables() -> Mapping[str, str]:
    """Those of this process's environment that a program needs to run at all; no key is among them."""
    needed = ("HOME", "LANG", "PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "USERPROFILE", "XDG_CACHE_HOME")
    return {name: os.environ[name] for name in needed if name in os.environ}


class ClientSettings(BaseSettings):
    """Those of `hubline chat`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True)

    token: SecretStr | None = None


def client_token(flag: str | None) -> str | None:
    """The token of a client: the flag's, or that of HUBLINE_TOKEN. Raises SettingsError if it can be none."""
    found = ClientSettings().token
    token = (flag if flag is not None else found.get_secret_value() if found else "").strip()
    if token and not re.fullmatch(r"[\x21-\x7e]+", token):
        raise SettingsError("--token (HUBLINE_TOKEN) holds what no token has: copy it again, in one line.")
    return token or None


def flag_of(name: str) -> str | None:
    """The setting's command-line flag; None for secrets, which every user of a machine could read there."""
    if Settings.model_fields[name].annotation == SecretStr | None:
        return None
    return None if _variable_of(name) == name.upper() else "--" + name.replace("_", "-")


def secret_variables() -> Sequence[str]:
    """The variables of the settings that have no flag."""
    return [
        _variable_of(name)
        for name in Settings.model_fields
        if Settings.model_fields[name].annotation == SecretStr | None
    ]


def _variable_of(name: str) -> str:
    alias = Settings.model_fields[name].validation_alias
    if isinstance(alias, AliasChoices):
        alias = alias.choices[0]
    return alias if isinstance(alias, str) else PREFIX + name.upper()


def _explain(error: ErrorDetails) -> str:
    if error["type"] == "sentence":
        return error["msg"]
    where = str(error["loc"][0]) if error["loc"] else ""
    name = next((name for name in Settings.model_fields if where in (name, _variable_of(name))), None)
    if name is None:
        return f"There is no setting {where}: `hubline serve --help` lists them."
    given = error.get("input")
    flag = flag_of(name)
    shown = f"{flag} ({_variable_of(name)})" if flag else _variable_of(name)
    may_be_shown = isinstance(given, str | int | float) and flag and "@" not in str(given)  # no password of a URL
    was = f", not {str(given)[:80]!r}" if may_be_shown else ""
    return f"{shown} must be {Settings.model_fields[name].description}{was}."

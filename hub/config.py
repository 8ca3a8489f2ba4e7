"""The settings, and the only place that reads the environment.

Each setting is a field below: `--name-with-dashes` on the command line, `HUBLINE_NAME` in the environment, the flag
winning. Those of one subject stand in a module of their own (`provider_settings`, `limit_settings`, …). A description
completes the sentence "… must be <description>": it is the flag's help and the error's advice.
"""

import ipaddress
import logging
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from hub.errors import SettingsError
from hub.hook_settings import HookSettings
from hub.identity_settings import IdentitySettings
from hub.limit_settings import LimitSettings, NoSeconds, Seconds
from hub.log import LogLevel
from hub.provider_settings import ProviderSettings, sentence
from hub.tool_settings import ToolSettings

logger = logging.getLogger("hub.config")

PREFIX = "HUBLINE_"
MEMORY_URL = "memory://"
SQLITE_PREFIX = "sqlite:///"
_REDIS = re.compile(r"rediss?(\+(unix|sentinel|cluster))?://.")


class Settings(HookSettings, ProviderSettings, ToolSettings, LimitSettings, IdentitySettings):
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

    @field_validator("allowed_origins", "trusted_proxies", mode="before")
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
        if self.jwt_cookie is not None and "*" in self.allowed_origins:
            raise sentence(
                "--allowed-origins * would let the pages of others use the cookie of --jwt-cookie: list the origins."
            )
        return self


def load(flags: Mapping[str, object] | None = None) -> Settings:
    """The settings of the environment, with `flags` (by field name) over them.

    Raises SettingsError: one sentence with the setting, its flag and its variable, and what it must be. A variable
    that is nearly one of ours is refused too; others that begin as ours do may be somebody else's (Kubernetes names
    some after a service), and are named in the log.
    """
    _check_variables()
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


def _check_variables() -> None:
    """Those of the environment whose names begin as ours do."""
    known = {_variable_of(name) for name in Settings.model_fields} | {f"{PREFIX}TOKEN", f"{PREFIX}WORKER"}
    for name in os.environ:
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            if meant := _nearest(name.upper(), known):
                raise SettingsError(f"There is no setting {name}: {meant} may be meant.")
            logger.warning("There is no setting %s: it is ignored.", name)


def _nearest(name: str, known: Iterable[str]) -> str | None:
    """The one of `known` that `name` is a slip of the pen for."""
    # What all begin with makes none more alike.
    names = {each.removeprefix(PREFIX): each for each in known}
    found = get_close_matches(name.removeprefix(PREFIX), names, n=1, cutoff=0.75)
    return names[found[0]] if found else None


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
        meant = _nearest(where, Settings.model_fields)
        return (
            f"There is no setting {where}: {f'{meant} may be meant' if meant else '`hubline serve --help` lists them'}."
        )
    given = error.get("input")
    flag = flag_of(name)
    shown = f"{flag} ({_variable_of(name)})" if flag else _variable_of(name)
    may_be_shown = isinstance(given, str | int | float) and flag and "@" not in str(given)  # no password of a URL
    was = f", not {str(given)[:80]!r}" if may_be_shown else ""
    return f"{shown} must be {Settings.model_fields[name].description}{was}."

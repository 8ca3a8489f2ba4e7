"""The settings of the tools on the server: the MCP servers whose tools runs may call, and what `fetch` may read."""

import difflib
import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError, field_validator
from pydantic_core import to_json
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from hub.provider_settings import sentence

ServerName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,32}$")]


class McpServerSettings(BaseModel):
    """One entry of `mcp_servers`: a command, or a URL."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    command: str | None = Field(default=None, min_length=1)
    args: tuple[str, ...] = ()
    env: dict[str, str] = {}
    url: str | None = Field(default=None, pattern=r"^https?://[^\s/?#]+\S*$")
    headers: dict[str, str] = {}


_SERVERS = TypeAdapter(dict[ServerName, McpServerSettings])


class ToolSettings(BaseSettings):
    """What `Settings` has of tools."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)

    # Secret, for its environments and headers hold keys: so it has no flag, and is never shown.
    mcp_servers: SecretStr | None = Field(
        default=None,
        description='JSON with the MCP servers whose tools runs may call: {"NAME": {"command": "…", "args": ["…"], '
        '"env": {}}} or {"NAME": {"url": "https://…", "headers": {}}}',
    )

    fetch_allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="a list of the hosts (HOST, HOST:PORT or *.HOST) that the tool `fetch` may read, "
        "or nothing for no such tool",
    )

    @field_validator("mcp_servers", mode="before")
    @classmethod
    def _write_servers(cls, servers: object) -> object:
        return to_json(servers).decode() if isinstance(servers, dict) else servers

    @field_validator("mcp_servers")
    @classmethod
    def _check_servers(cls, servers: SecretStr | None) -> SecretStr | None:
        try:
            entries = _read(servers)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            if first["type"] == "extra_forbidden":
                keys = list(McpServerSettings.model_fields)
                nearest = difflib.get_close_matches(str(first["loc"][-1]), keys, n=1)
                more = f"the nearest is {nearest[0]}" if nearest else f"there are {', '.join(keys)}"
                raise sentence(f"HUBLINE_MCP_SERVERS is wrong at {place}: There is no such key; {more}.") from None
            raise sentence(f"HUBLINE_MCP_SERVERS is wrong{place and f' at {place}'}: {first['msg']}.") from None
        for name, entry in entries.items():
            if (entry.command is None) == (entry.url is None):
                raise sentence(f"HUBLINE_MCP_SERVERS needs a command or a url for {name}, and not both.")
        return servers

    @field_validator("fetch_allowed_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, words: object) -> object:
        return tuple(filter(None, re.split(r"[,\s]+", words))) if isinstance(words, str) else words

    @field_validator("fetch_allowed_hosts")
    @classmethod
    def _check_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            if not re.fullmatch(r"(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:[0-9]{1,5})?", host):
                raise ValueError("not a host")
        return tuple(host.lower() for host in hosts)

    @property
    def mcp_server_entries(self) -> dict[str, McpServerSettings]:
        """The MCP servers by name."""
        return _read(self.mcp_servers)


def _read(servers: SecretStr | None) -> dict[str, McpServerSettings]:
    return {} if servers is None else _SERVERS.validate_json(servers.get_secret_value())

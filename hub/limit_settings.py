"""The settings that bound things: what a connection may send and keep waiting, and what a run may take."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_YEAR_S = 366 * 86_400

Seconds = Annotated[float, Field(gt=0, le=_YEAR_S)]
NoSeconds = Annotated[float, Field(ge=0, le=_YEAR_S)]
Bytes = Annotated[int, Field(ge=1024, le=1 << 30)]
Rate = Annotated[float, Field(ge=0, le=1_000_000)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
FileBytes = Annotated[int, Field(ge=1, le=100 << 20)]


class LimitSettings(BaseSettings):
    """What `Settings` has of limits."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)

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
    max_answer_chars: int = Field(
        default=4_000_000,
        ge=1,
        le=1_000_000_000,
        description="a number from 1: how many characters an answer may have, beyond which its provider is cut off",
    )
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

    @field_validator("idle_stop_s", mode="before")
    @classmethod
    def _off_is_none(cls, seconds: object) -> object:
        return None if seconds == "off" else seconds

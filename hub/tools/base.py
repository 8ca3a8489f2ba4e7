"""A server-side tool and what it gets to see."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from hub.chat.parts import FilePart, Json, ToolOutcome
from hub.errors import BackplaneAway, CallError, HublineError
from hub.providers.base import ToolSpec


class ToolError(HublineError):
    """Raised by a tool: the call failed for a reason that the model (and the user) should read. `outcome` is how the
    call ends."""

    outcome: ToolOutcome = "failed"


class Unfinished(ToolError):
    """Nobody knows what became of the call: it may have done all that it was to do, or a part."""

    def __init__(self, outcome: Literal["interrupted", "timed_out"], text: str) -> None:
        super().__init__(text)
        self.outcome = outcome


MAX_OUTPUT_CHARS = 8_000

KeepFile = Callable[[str, str, bytes], Awaitable[FilePart]]
"""Stores a file (name, media type, content) and shows it in the answer."""


class ToolContext:
    """What a tool sees of the call it serves. Made anew for each call."""

    def __init__(
        self,
        *,
        user: str,
        organisation: str | None,
        session_id: str,
        run_id: str,
        call_id: str,
        report: Callable[[float | None, str | None], None],
        keep: KeepFile | None = None,
    ) -> None:
        self.user = user
        self.organisation = organisation
        self.session_id = session_id
        self.run_id = run_id
        self.call_id = call_id
        self.put_out: str | None = None
        """What `output` was given so far: the last MAX_OUTPUT_CHARS of it."""
        self._report = report
        self._keep = keep
        self._said: tuple[float | None, str | None] = (None, None)  # by the last report

    async def file(self, name: str, media_type: str, content: bytes) -> str:
        """Add a file to the answer; watchers see it at once, and fetch it. Its id. Raises ToolError if it is refused:
        it is of a type that is not taken, or over a limit."""
        if self._keep is None:
            raise ToolError("Files cannot be kept here.")
        try:
            return (await self._keep(name, media_type, content)).file_id
        except CallError as error:
            raise ToolError(f"The file {name} was not kept: {str(error).removeprefix(f'[{error.code}] ')}") from None
        except BackplaneAway:
            raise ToolError(f"The file {name} was not kept: the store cannot be reached now.") from None

    async def progress(self, fraction: float | None = None, note: str | None = None) -> None:
        """Tell all watchers how far the call is: a fraction from 0 to 1, a few words. Cheap; reports are coalesced."""
        self.report(fraction, note)

    def report(self, fraction: float | None = None, note: str | None = None) -> None:
        """As `progress`, for who cannot await."""
        if fraction is not None:
            fraction = min(1.0, max(0.0, fraction))
        self._said = (fraction, note)
        self._report(fraction, note)

    async def output(self, text: str) -> None:
        """Show all watchers a piece of what the call puts out, after those before: lines of a program, rows as they
        are found. Cheap; pieces are gathered. If the call does not succeed, this is what is kept of it and told to the
        model; if it does, its result takes the place. Of more than MAX_OUTPUT_CHARS the end is kept."""
        self.put_out = ((self.put_out or "") + text)[-MAX_OUTPUT_CHARS:]
        self._report(*self._said)


def any_arguments(arguments: Mapping[str, Json]) -> None:
    """The check of a tool that takes what comes."""


class Tool(msgspec.Struct, frozen=True):
    """A tool that a run may call. `host` is "server", or the id of the client that executes it, which calls itself
    `host_name`.

    `check` raises `ToolError` for arguments that break `spec.input_schema`: it is called before anybody is asked to
    approve them, and again for edited ones. `run` gets arguments that passed it; it returns a JSON value, or raises
    `ToolError`. It is cancelled when the run is stopped or `timeout_s` is over. `own_name` is the host's own name of
    the tool, where `spec.name` has a prefix that tells two hosts apart.
    """

    spec: ToolSpec
    run: Callable[[Mapping[str, Json], ToolContext], Awaitable[Json]]
    timeout_s: float = 60.0
    host: str = "server"
    check: Callable[[Mapping[str, Json]], None] = any_arguments
    own_name: str | None = None
    host_name: str | None = None


class Tools(Protocol):
    """The tools that a run may offer to its model."""

    def get(self, name: str) -> Tool | None: ...

    def specs(self) -> Sequence[ToolSpec]:
        """What a provider is shown, always in the same order (a changed order misses the provider's prompt cache)."""
        ...

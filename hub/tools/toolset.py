"""The tools that a server offers, by name."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from hub.chat.parts import Access
from hub.providers.base import ToolSpec
from hub.tools.base import Tool
from hub.tools.schema import MAX_RESULT_BYTES, TOOL_NAME, ToolFunction, make_tool

F = TypeVar("F", bound=ToolFunction)


class Toolset:
    """Tools in the order in which they were added, their names unique."""

    def __init__(self, tools: Iterable[Tool] = ()) -> None:
        self._tools: dict[str, Tool] = {}
        for tool in tools:
            self.add(tool)

    def add(self, tool: Tool) -> None:
        """Raises `ValueError` for a name that is taken, or that providers would refuse."""
        name = tool.spec.name
        if TOOL_NAME.fullmatch(name) is None:
            raise ValueError(f"The tool name {name!r} must be 1 to 64 letters, digits, underscores or hyphens.")
        if name in self._tools:
            raise ValueError(f"There is already a tool called {name}.")
        self._tools[name] = tool

    def tool(
        self,
        *,
        name: str | None = None,
        title: str | None = None,
        access: Access = "read",
        timeout_s: float = 60.0,
        concurrency: int | None = None,
        max_result_bytes: int = MAX_RESULT_BYTES,
    ) -> Callable[[F], F]:
        """A decorator that adds an async function (`make_tool` says what it must look like) and leaves it as it is."""

        def add(function: F) -> F:
            self.add(
                make_tool(
                    function,
                    name=name,
                    title=title,
                    access=access,
                    timeout_s=timeout_s,
                    concurrency=concurrency,
                    max_result_bytes=max_result_bytes,
                )
            )
            return function

        return add

    def get(self, name: str) -> Tool | None:
        return self._tools.get(name)

    def specs(self) -> list[ToolSpec]:
        """What a provider is shown."""
        return [tool.spec for tool in self._tools.values()]

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())

    def __len__(self) -> int:
        return len(self._tools)

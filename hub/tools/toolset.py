"""The tools that a server offers, by name."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from hub.chat.parts import Access
from hub.providers.base import ToolSpec
from hub.tools.base import Tool
from hub.tools.schema import MAX_RESULT_BYTES, TOOL_NAME, ToolFunction, make_tool

F = TypeVar("F", bound=ToolFunction)


class Toolset:
    """Tools in the order in which they were added, then those of sources, which may change. Their names are unique."""

    def __init__(self, tools: Iterable[Tool] = ()) -> None:
        self._tools: dict[str, Tool] = {}
        self._by_source: dict[str, dict[str, Tool]] = {}
        """The tools of each source, by their names."""
        for tool in tools:
            self.add(tool)

    def add(self, tool: Tool) -> None:
        """Raises `ValueError` for a name that is taken, or that providers would refuse."""
        name = tool.spec.name
        if TOOL_NAME.fullmatch(name) is None:
            raise ValueError(f"The tool name {name!r} must be 1 to 64 letters, digits, underscores or hyphens.")
        if self.get(name) is not None:
            raise ValueError(f"There is already a tool called {name}.")
        self._tools[name] = tool

    def set_source(self, source: str, tools: Iterable[Tool]) -> list[str]:
        """From now on `source` has these tools; returns the names of those left out, which are taken or no names.

        Runs see the change at their next step. A tool that is gone ends no call. The order is that of the sources'
        names, whenever they come: it must be the same on all nodes and after each start (see `Tools.specs`).
        """
        self._by_source.pop(source, None)
        accepted: dict[str, Tool] = {}
        left_out: list[str] = []
        for tool in tools:
            name = tool.spec.name
            if TOOL_NAME.fullmatch(name) is None or name in accepted or self.get(name) is not None:
                left_out.append(name)
            else:
                accepted[name] = tool
        self._by_source = dict(sorted({**self._by_source, source: accepted}.items()))
        return left_out

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
        found = self._tools.get(name)
        return found or next((tools[name] for tools in self._by_source.values() if name in tools), None)

    def specs(self) -> list[ToolSpec]:
        """What a provider is shown."""
        return [tool.spec for tool in self]

    def __iter__(self) -> Iterator[Tool]:
        yield from self._tools.values()
        for tools in self._by_source.values():
            yield from tools.values()

    def __len__(self) -> int:
        return len(self._tools) + sum(map(len, self._by_source.values()))

"""The parentheses and braces that are open in a formula, and the names that LET and LAMBDA give within them."""


class _Frame:
    __slots__ = ("argument", "bound", "owner")

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.argument = 0
        self.bound: list[str] = []


class Scopes:
    """A stack of frames. A frame's `owner` is the function it belongs to, `{` for a brace, empty for grouping."""

    def __init__(self) -> None:
        self._frames: list[_Frame] = []
        self._known: dict[str, int] = {}  # a name, or `NAME(` if it may be called: in how many open frames

    def __bool__(self) -> bool:
        return bool(self._frames)

    @property
    def owner(self) -> str:
        """The innermost frame's; empty outside of all."""
        return self._frames[-1].owner if self._frames else ""

    @property
    def argument(self) -> int:
        """Which argument of the innermost frame is being read, from 0."""
        return self._frames[-1].argument if self._frames else 0

    def open(self, owner: str) -> None:
        self._frames.append(_Frame(owner))

    def next_argument(self) -> None:
        if self._frames:
            self._frames[-1].argument += 1

    def close(self, bracket: str) -> bool:
        """Forget what the frame has bound; False if it is not this bracket that closes it."""
        if not self._frames or (self.owner == "{") != (bracket == "}"):
            return False
        for name in self._frames.pop().bound:
            self._known[name] -= 1
        return True

    def bind(self, name: str, *, is_function: bool) -> None:
        """Know a name until the innermost frame closes."""
        for known in (name, f"{name}(") if is_function else (name,):
            self._frames[-1].bound.append(known)
            self._known[known] = self._known.get(known, 0) + 1

    def has(self, name: str) -> bool:
        return self._known.get(name, 0) > 0

    def may_call(self, name: str) -> bool:
        return self._known.get(f"{name}(", 0) > 0

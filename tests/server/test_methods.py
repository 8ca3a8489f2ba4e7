"""Which methods of a hub class can be called, and what is refused when the class is made."""

from collections.abc import AsyncIterator

import pytest

from hub.server.hub import Hub, immediate, method


class Mixin:
    async def from_mixin(self) -> None: ...


class Base(Hub):
    async def inherited(self) -> None: ...
    async def overridden(self) -> None: ...


class Child(Mixin, Base):
    attribute = 1

    async def overridden(self) -> None: ...
    async def on_connected(self) -> None: ...
    async def _private(self) -> None: ...
    def plain_function(self) -> None: ...
    @property
    def prop(self) -> int:
        return 1

    @staticmethod
    async def static() -> None: ...
    @classmethod
    async def of_class(cls) -> None: ...
    async def own(self) -> None: ...
    async def items(self) -> AsyncIterator[int]:
        yield 1

    @immediate
    @method("A", "b_c")
    async def renamed(self) -> None: ...


def test_only_coroutines_and_generators_of_the_class_body() -> None:
    table = Child.hub_methods()
    assert set(table) == {"inherited", "overridden", "own", "items", "a", "bc"}
    assert table["overridden"].function is Child.overridden
    assert table["items"].kind == "generator"
    assert table["a"] is table["bc"] and table["a"].immediate and not table["own"].immediate


def test_names_that_collide_fail_when_the_class_is_made() -> None:
    with pytest.raises(TypeError, match=r"Twice\.open_it and \.openIt would have the same name on the wire"):

        class Twice(Hub):
            async def openIt(self) -> None: ...
            async def open_it(self) -> None: ...

    with pytest.raises(TypeError, match="the same name on the wire"):

        class Alias(Base):
            @method("Inherited")
            async def other(self) -> None: ...

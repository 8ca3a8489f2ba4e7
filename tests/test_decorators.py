"""`@app.tool` and its kind without parentheses: an error that says what to write."""

from collections.abc import Callable

import pytest

from hub import Hubline


async def look(shelf: str) -> str:
    """Looks."""
    return shelf


@pytest.mark.parametrize("name", ["tool", "input_check", "add_context", "on_output"])
def test_without_parentheses_it_says_what_to_write(name: str) -> None:
    app = Hubline(backplane="memory://")
    decorate: Callable[[object], object] = getattr(app, name)
    with pytest.raises(TypeError, match=rf"^write @app\.{name}\(\), with the parentheses"):
        decorate(look)


def test_with_them_the_function_stays_as_it_is() -> None:
    app = Hubline(backplane="memory://")
    assert app.tool(access="write")(look) is look
    assert app.tools.get("look") is not None

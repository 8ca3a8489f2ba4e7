"""The demo calls a tool of one's own where the user names it, and guesses no arguments."""

from typing import Any

import pytest

from hub import ToolError
from hub.providers.base import ToolSpec
from hub.providers.demo.named_tools import named_call
from hub.tools.schema import make_tool
from tests.providers.hubs import chatting, one, text


async def stock(sku: str, place: int = 1) -> dict[str, Any]:
    """How many there are of an article."""
    if sku == "none":
        raise ToolError("There is no such article.")
    return {"sku": sku, "place": place, "note": "a ``` fence"}


SPECS: list[ToolSpec] = [make_tool(stock).spec, make_tool(stock, name="add-row", access="write").spec]


@pytest.mark.parametrize(
    ("sentence", "arguments"),
    [
        ("use stock with sku=A7", {"sku": "A7"}),
        ("Please use the tool `stock` with sku = A7, place = 3.", {"sku": "A7", "place": 3}),
        ("Call stock with sku=4711 and place=2", {"sku": "4711", "place": 2}),
        ('Run stock with sku="black, and green=tea", place=2', {"sku": "black, and green=tea", "place": 2}),
        ('use stock with {"sku": "A7", "place": 3}', {"sku": "A7", "place": 3}),
        ("Nutze das Werkzeug stock mit sku=schwarzer Tee und place=1", {"sku": "schwarzer Tee", "place": 1}),
        ("use stock", {}),
        ("use stock with place=[1, 2]", {"place": [1, 2]}),
    ],
)
def test_what_is_called(sentence: str, arguments: dict[str, Any]) -> None:
    assert named_call(sentence, SPECS) == ("stock", arguments)


@pytest.mark.parametrize(
    "sentence",
    [
        "use nothing with sku=A7",
        "use stock with the last article",
        "use stock with sku=",
        "use stock with {1, 2}",
        "use stock with [1]",
        "use stock if you like",
        "How do I use stock?",
        "Do not use stock with sku=A7",
        "use STOCK",
        "use stock with sku=" + "A" * 5_000,
        "use stock with " + "a=1 and " * 120,
        "",
    ],
)
def test_what_calls_nothing(sentence: str) -> None:
    assert named_call(sentence, SPECS) is None


async def test_it_tells_what_the_tool_answered_and_what_it_refused() -> None:
    async with chatting({"provider": "demo", "demo_pace": 0}, stock) as chat:
        events = await chat.ask("use stock with sku=4711")
        assert one(events, "tool_complete")["result"]["sku"] == "4711"
        assert text(events) == ('`stock` answered:\n\n````\n{"sku": "4711", "place": 1, "note": "a ``` fence"}\n````\n')
        assert "did not do it:" in text(await chat.ask("use stock with sku=none"))
        assert "Wrong arguments" in text(await chat.ask("use stock with colour=red"))

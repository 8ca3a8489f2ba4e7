"""The official npm client, unmodified, in Node: everything that the chat hub offers, in both encodings."""

import pytest

from tests.interop.node import Node, scenarios
from tests.interop.stage import Stage

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]


@pytest.mark.parametrize("encoding", ["json", "messagepack"])
@pytest.mark.parametrize(("module", "scenario"), scenarios("scenarios"))
async def test_scenario(stage: Stage, node: Node, module: str, scenario: str, encoding: str) -> None:
    await node.run(module, scenario, encoding=encoding, url=stage.url, ask=stage.call)
    assert stage.refused() == []

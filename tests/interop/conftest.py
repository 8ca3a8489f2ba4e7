"""One stage, one Node and one browser serve a module's tests, which run in that module's event loop."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.interop.node import Node, start_node
from tests.interop.stage import Stage, open_stage


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with open_stage() as stage:
        yield stage


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node() -> AsyncIterator[Node]:
    async with start_node() as node:
        yield node

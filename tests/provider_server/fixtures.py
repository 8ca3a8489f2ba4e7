"""The fixture `provider_server`; a conftest makes it known by `from tests.provider_server.fixtures import *`."""

from collections.abc import AsyncIterator

import pytest

from tests.provider_server.server import ProviderServer

__all__ = ["provider_server"]


@pytest.fixture
async def provider_server() -> AsyncIterator[ProviderServer]:
    """A provider server of its own for the test, on a free port of loopback."""
    async with ProviderServer() as server:
        yield server

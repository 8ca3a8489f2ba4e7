"""What the providers' tests share."""

from collections.abc import AsyncIterator

import pytest

from tests.provider_server.fixtures import provider_server
from tests.provider_server.server import ProviderServer
from tests.providers.speakers import SPEAKERS, Speaker

__all__ = ["provider_server"]


@pytest.fixture(params=SPEAKERS, ids=lambda speaker: speaker.name)
def speaker(request: pytest.FixtureRequest) -> Speaker:
    """Each provider in turn."""
    chosen: Speaker = request.param
    return chosen


@pytest.fixture
async def spoken_to(speaker: Speaker) -> AsyncIterator[ProviderServer]:
    """The server that the speaker asks."""
    async with speaker.server() as server:
        yield server

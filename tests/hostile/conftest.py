"""The attacked servers, one of each kind for all tests, and an honest client beside every attack."""

from collections.abc import Iterator

import pytest

from tests.hostile.attack import Honest, Target, serving


@pytest.fixture(scope="session")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Target]]:
    folder = tmp_path_factory.mktemp("hostile")
    with serving("direct", folder) as direct, serving("portable", folder) as portable:
        yield {"direct": direct, "portable": portable}
    # What a client sends is never a fault of the server's: one crafted message and a traceback is how it begins.
    # (uvicorn itself logs text that is not UTF-8 with one, in the portable path.)
    for target, mark in ((direct, "Traceback"), (portable, "Exception in ASGI application")):
        assert mark not in "".join(target.log), "".join(target.log)


@pytest.fixture(params=["direct", "portable"])
def target(request: pytest.FixtureRequest, targets: dict[str, Target]) -> Target:
    return targets[request.param]


@pytest.fixture
def direct(targets: dict[str, Target]) -> Target:
    return targets["direct"]


@pytest.fixture(autouse=True)
def honest(targets: dict[str, Target]) -> Iterator[None]:
    """Answered before, and after, whatever the test does, by the very same connections."""
    clients = [Honest(target) for target in targets.values()]
    assert all(client.is_answered() for client in clients)
    yield
    assert all(client.is_answered() for client in clients)
    for client in clients:
        client.leave()

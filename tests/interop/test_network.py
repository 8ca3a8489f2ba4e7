"""The official npm client over networks that fail: lost connections, readers that do not read, servers that die."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.interop.node import Node, scenarios
from tests.interop.processes import open_process_stage
from tests.interop.stage import Stage, open_stage

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]

both_encodings = pytest.mark.parametrize("encoding", ["json", "messagepack"])
CUTS = 250
DELTAS = 400
KILLS = 10
"""In each encoding."""
NIGHTLY = 10
"""How many times as many at night."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def narrow_stage() -> AsyncIterator[Stage]:
    """A hub that sees early that a client does not read."""
    async with open_stage(send_buffer_bytes=8_192, outbox_max_bytes=65_536) as stage:
        yield stage


async def run(stage: Stage, node: Node, scenario: str, encoding: str, **options: object) -> object:
    module = next(module for module, name in scenarios("network") if name == scenario)
    value = await node.run(module, scenario, encoding=encoding, url=stage.url, ask=stage.call, options=options)
    assert stage.refused() == []
    return value


@both_encodings
@pytest.mark.parametrize(
    "scenario",
    [
        "a_chat_whose_connection_is_lost_goes_on",
        "a_watcher_that_does_not_read_goes_on_from_a_snapshot",
        "a_session_larger_than_the_outbox_is_opened_and_watched",
    ],
)
async def test_lost(narrow_stage: Stage, node: Node, scenario: str, encoding: str) -> None:
    await run(narrow_stage, node, scenario, encoding)


@both_encodings
async def test_resume_at_random_moments(narrow_stage: Stage, node: Node, encoding: str) -> None:
    found = await run(narrow_stage, node, "cut_at_random_moments", encoding, cuts=CUTS, deltas=DELTAS)
    assert isinstance(found, dict)
    assert found["cuts"] >= CUTS


@pytest.mark.nightly
@both_encodings
async def test_resume_at_very_many_random_moments(narrow_stage: Stage, node: Node, encoding: str) -> None:
    await run(narrow_stage, node, "cut_at_random_moments", encoding, cuts=CUTS * NIGHTLY, deltas=DELTAS)


@both_encodings
async def test_client_reconnects_by_itself_after_a_restart(tmp_path: Path, node: Node, encoding: str) -> None:
    async with open_process_stage(tmp_path) as stage:
        await run(stage, node, "a_client_reconnects_by_itself_and_resumes", encoding)


@both_encodings
async def test_server_killed_at_random_moments(tmp_path: Path, node: Node, encoding: str) -> None:
    async with open_process_stage(tmp_path) as stage:
        await run(stage, node, "killed_at_random_moments", encoding, kills=KILLS)


@pytest.mark.nightly
@both_encodings
async def test_server_killed_at_very_many_random_moments(tmp_path: Path, node: Node, encoding: str) -> None:
    async with open_process_stage(tmp_path) as stage:
        await run(stage, node, "killed_at_random_moments", encoding, kills=KILLS * NIGHTLY)

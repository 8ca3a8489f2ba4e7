"""The official npm client in Node: every feature, in all five combinations of encoding and transport, by HTTP and
HTTPS."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.interop.feature_stage import FeatureStage, open_feature_stage
from tests.interop.node import Node, scenarios, start_node
from tests.interop.test_transports import COMBINATIONS

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]

ENCODINGS = pytest.mark.parametrize("encoding", ["json", "messagepack"])
ESSENTIAL = {
    "values_come_back",
    "streams_to_the_client",
    "cancelled_streams",
    "uploads",
    "results_of_clients",
    "closed_by_the_server",
    "comes_back_by_itself",
    "large_messages",
}
"""Enough to show that TLS changes nothing: it ends below the hub."""
FEATURES = scenarios("features")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def features(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FeatureStage]:
    folder: Path = tmp_path_factory.mktemp("certificate")
    async with open_feature_stage(folder) as stage:
        yield stage


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def trusting_node(features: FeatureStage) -> AsyncIterator[Node]:
    async with start_node(trusts=features.certificate) as node:
        yield node


@pytest.mark.parametrize(("encoding", "transport"), COMBINATIONS)
@pytest.mark.parametrize(("module", "scenario"), FEATURES)
async def test_feature(
    features: FeatureStage, trusting_node: Node, module: str, scenario: str, encoding: str, transport: str
) -> None:
    await play(features, trusting_node, features.http, module, scenario, encoding, transport=transport)


@pytest.mark.parametrize(("encoding", "transport"), COMBINATIONS)
@pytest.mark.parametrize(("module", "scenario"), [each for each in FEATURES if each[1] in ESSENTIAL])
async def test_over_tls(
    features: FeatureStage, trusting_node: Node, module: str, scenario: str, encoding: str, transport: str
) -> None:
    await play(features, trusting_node, features.https, module, scenario, encoding, transport=transport)


@ENCODINGS
@pytest.mark.parametrize(("module", "scenario"), scenarios("by_itself"))
async def test_by_itself(
    features: FeatureStage, trusting_node: Node, module: str, scenario: str, encoding: str
) -> None:
    await play(features, trusting_node, features.http, module, scenario, encoding)


async def play(
    stage: FeatureStage, node: Node, url: str, module: str, scenario: str, encoding: str, **options: object
) -> None:
    stage.reset()
    await node.run(module, scenario, encoding=encoding, url=url, ask=stage.call, options=options)

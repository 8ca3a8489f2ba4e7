"""Go's and Java's clients, at night and where Go and Maven are installed: each fetches its own packages."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.interop.feature_stage import FeatureStage, open_feature_stage

pytestmark = [pytest.mark.nightly, pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]

HERE = Path(__file__).parent


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def features(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FeatureStage]:
    async with open_feature_stage(tmp_path_factory.mktemp("certificate")) as stage:
        yield stage


async def run(*command: str, folder: Path) -> str:
    """What it says; fails the test with that."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()


if shutil.which("go"):

    @pytest.mark.parametrize(
        ("encoding", "transport"), [("text", "websockets"), ("binary", "websockets"), ("text", "sse")]
    )
    async def test_go(features: FeatureStage, tmp_path: Path, encoding: str, transport: str) -> None:
        program = str(tmp_path / "interop")
        await run("go", "build", "-o", program, ".", folder=HERE / "go")
        assert await run(program, features.http, encoding, transport, folder=tmp_path) == "done\n"


if shutil.which("mvn"):

    @pytest.mark.parametrize("transport", ["WEBSOCKETS", "LONG_POLLING"])
    async def test_java(features: FeatureStage, tmp_path: Path, transport: str) -> None:
        shutil.copytree(HERE / "java", tmp_path, dirs_exist_ok=True)
        path = tmp_path / "path"
        await run(
            "mvn", "-q", "-B", "compile", "dependency:build-classpath", f"-Dmdep.outputFile={path}", folder=tmp_path
        )
        classes = f"{tmp_path / 'target' / 'classes'}:{path.read_text()}"
        said = await run("java", "-cp", classes, "Interop", features.http, transport, folder=tmp_path)
        assert said == "done\n"

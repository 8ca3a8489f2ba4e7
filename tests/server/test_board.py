"""The example's board, as it stands in the README: in memory, over a real socket, and without the rest of Hubline."""

import importlib.util
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType

import pytest

from hub.protocol.codec import CodecName
from hub.server.testing import TestClient
from tests.running import clean_environment
from tests.server.serving import ROOT, SERVERS, play_board, served

BOARD = ROOT / "examples" / "board.py"


@pytest.fixture
def board() -> ModuleType:
    spec = importlib.util.spec_from_file_location("example_board", BOARD)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_is_under_forty_lines() -> None:
    assert len(BOARD.read_text().splitlines()) < 40


async def rows() -> AsyncIterator[dict[str, object]]:
    for place in range(25):
        yield {"Card": "a", "place": place}


@pytest.mark.parametrize("protocol", ["json", "messagepack"])
async def test_in_memory(board: ModuleType, protocol: CodecName) -> None:
    server = board.server
    async with (
        server.lifespan(),
        TestClient(server, "/board", user="ann", protocol=protocol) as ann,
        TestClient(server, "/board", user="bob", protocol=protocol) as bob,
    ):
        assert await ann.invoke("Move", "a", 3) is True
        assert await bob.next("CardMoved") == ["a", 3]
        assert [tick async for tick in ann.stream("Ticks", 5)] == [0, 1, 2, 3, 4]
        assert await ann.invoke("Load", rows()) == sum(range(25))
        await server.clients(board.Board).group("board").card_moved("b", 1)
        assert await ann.next("CardMoved") == await bob.next("CardMoved") == ["b", 1]


@pytest.mark.parametrize("server", SERVERS)
async def test_over_a_socket(server: str, tmp_path: Path) -> None:
    (tmp_path / "board.py").write_text(BOARD.read_text())
    async with served(server, "board:app", tmp_path) as found:
        await play_board(found, "/board")


def test_without_the_rest_of_hubline(tmp_path: Path) -> None:
    """Serving a hub loads `server`, `protocol` and what they stand on; nothing of chats, providers or stores."""
    run = subprocess.run(
        [sys.executable, "-c", "import sys, examples.board; print(*sys.modules)"],
        env=clean_environment(tmp_path, {"PYTHONPATH": str(ROOT)}), capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = [name for name in run.stdout.split() if name.startswith("hub.")]
    rooms = {name.split(".")[1] for name in loaded}
    assert rooms == {"backplane", "clock", "errors", "log", "protocol", "server"}
    assert {name for name in loaded if name.startswith("hub.backplane.")} == {"hub.backplane.base"}

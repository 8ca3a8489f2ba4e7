"""The README's code blocks, as they stand there: each is run."""

import ast
import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from hub import Hub, Hubline
from hub.server.auth import Refused
from hub.terminal.link import record_of
from tests.running import HUBLINE, Running, clean_environment, running
from tests.server.serving import served

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


class Greeter(Hub[object]):
    async def greet(self) -> str:
        return "hello"


def blocks(language: str) -> list[str]:
    return [text for found, text in BLOCKS if found == language]


def commands() -> list[str]:
    """The lines of the shell blocks, without their comments; not those of `curl`, which go together."""
    shown = [block for block in blocks("sh") if "curl" not in block]
    lines = [line.split("#")[0].strip() for block in shown for line in block.splitlines()]
    return [line for line in lines if line]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("readme"), "--demo-pace", "0") as hub:
        yield hub


def test_every_block_is_of_a_kind_that_is_run_here() -> None:
    assert {language for language, _ in BLOCKS} == {"sh", "js", "python"}
    assert README.count("```") == 2 * len(BLOCKS)
    assert (len(blocks("js")), len(blocks("python"))) == (1, 3)


@pytest.mark.parametrize("command", [line for line in commands() if re.search(r"(^|\s)make\s", line)])
def test_make_has_what_is_named(command: str) -> None:
    run = subprocess.run(
        ["sh", "-c", command.replace("make ", "make --dry-run --no-print-directory ")],
        cwd=ROOT, env=clean_environment(ROOT), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("command", [line for line in commands() if not re.search(r"(^|\s)make\s", line)])
def test_the_command_line_does_what_is_said(command: str, hub: Running, tmp_path: Path) -> None:
    """With the server that runs here in place of the one on port 8000."""
    asked = command.replace("hubline chat", f"hubline chat --url {hub.url}").replace("hubline", HUBLINE, 1)
    run = subprocess.run(
        ["sh", "-c", asked],
        cwd=tmp_path, env=clean_environment(tmp_path), input="hello\n", capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    if "--version" in command:
        assert run.stdout == f"hubline {version('hubline')}\n"
    if "echo" in command:
        assert "tea" in run.stdout.lower()


def test_curl_prints_an_answer(hub: Running, tmp_path: Path) -> None:
    assert shutil.which("curl") is not None, "the tests need curl"
    (block,) = [block for block in blocks("sh") if "curl" in block]
    assert block.count("http://127.0.0.1:8000") == 2
    run = subprocess.run(
        ["sh", "-ec", block.replace("http://127.0.0.1:8000", hub.url)],
        cwd=tmp_path, env=clean_environment(tmp_path), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith('{"sessionId":"tea",')
    events = [json.loads(line[6:]) for line in run.stdout.splitlines() if line.startswith("data: ")]
    assert events[-1]["type"] == "done"
    assert "tea" in run.stdout.lower()


@pytest.mark.interop
async def test_the_npm_client_prints_an_answer(hub: Running) -> None:
    assert shutil.which("node") is not None, "the tests need Node: run `make setup`"
    code = blocks("js")[0]
    assert "http://127.0.0.1:8000" in code
    node = await asyncio.create_subprocess_exec(
        "node", "--input-type=module", "--eval", code.replace("http://127.0.0.1:8000", hub.url),
        cwd=ROOT / "tests" / "interop", stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(60):
            text, _ = await node.communicate()  # it ends by itself
    finally:
        if node.returncode is None:
            node.kill()
            await node.wait()
    assert node.returncode == 0
    assert "demo" in text.decode().lower()


async def test_the_tool_and_the_mount_are_served(tmp_path: Path) -> None:
    tool, mount, _ = blocks("python")
    (tmp_path / "example.py").write_text(tool)
    (tmp_path / "service.py").write_text(mount)
    assert {node.name for node in ast.walk(ast.parse(tool)) if isinstance(node, ast.AsyncFunctionDef)} == {"stock"}
    for app, path in (("example:app", "/hub"), ("service:service", "/ai/hub")):
        async with served("uvicorn", app, tmp_path) as found, found.client(path) as client:
            await client.write({"type": 1, "invocationId": "1", "target": "OpenSession", "arguments": []})
            session_id = record_of((await client.read())["result"])["sessionId"]
            (asked,) = re.findall(r"`(use stock with [^`]+)` to see the demo call it, with the result 4", README)
            arguments = [session_id, {"messageId": "m", "content": asked}]
            await client.write({"type": 4, "invocationId": "2", "target": "Chat", "arguments": arguments})
            while (event := record_of((await client.read())["item"]))["type"] != "tool_complete":
                pass
            assert (event["outcome"], event["result"]) == ("success", 4)


def test_the_board_is_the_examples() -> None:
    """`tests/server/test_board.py` runs it."""
    assert blocks("python")[2] == (ROOT / "examples" / "board.py").read_text(encoding="utf-8")


def test_every_flag_is_one(tmp_path: Path) -> None:
    run = subprocess.run(
        [HUBLINE, "serve", "--help"], env=clean_environment(tmp_path), capture_output=True, text=True, check=True
    )
    table = README[README.index("## Settings") :]
    flags = re.findall(r"`(--[\w-]+)`", table)
    assert flags
    assert [flag for flag in flags if flag not in run.stdout] == []


def test_every_file_it_names_is_there() -> None:
    named = re.findall(r"`((?:hub|examples)/[\w/.]+)`", README)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


async def test_the_test_client_needs_the_lifespan_around_it() -> None:
    assert '`async with app.test_client("/board") as client:`' in README
    assert "`async with app.lifespan():`" in README
    app = Hubline(backplane="memory://")
    app.hub("/board")(Greeter)
    with pytest.raises(Refused, match=r"async with app\.lifespan"):
        async with app.test_client("/board"):
            pass
    async with app.lifespan(), app.test_client("/board") as client:
        assert await client.invoke("Greet") == "hello"

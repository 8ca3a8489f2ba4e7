"""The page about the HTTP API: its commands are run as they stand there, and what it names is there."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import config
from hub.api.operations import GET_FILE, OPERATIONS
from hub.api.refusals import STATUS_OF_CODE
from tests.running import Running, clean_environment, running

PAGE = (Path(__file__).parent.parent.parent / "docs" / "http.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
URL = "http://127.0.0.1:8000"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path, "--backplane", "memory://", "--demo-pace", "0") as server:
        yield server


def test_its_commands_do_what_is_said(server: Running, tmp_path: Path) -> None:
    assert shutil.which("curl") is not None, "the tests need curl"
    assert {language for language, _ in BLOCKS} == {"sh"}
    assert PAGE.count("```") == 2 * len(BLOCKS)
    told = []
    for _, block in BLOCKS:
        run = subprocess.run(
            ["sh", "-ec", block.replace(URL, server.url)],
            cwd=tmp_path, env=clean_environment(tmp_path), capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert run.returncode == 0, (block, run.stderr)
        told.append(run.stdout)
    waited, later, streamed, filed, followed, resumed, refused = told
    opened, message = waited.removesuffix("\n").replace("}{", "}\n{").splitlines()
    assert json.loads(opened)["sessionId"] == "tea"
    assert json.loads(message)["status"] == "complete"
    assert json.loads(later)["state"] in ("queued", "running", "done")
    assert streamed.startswith("retry: ")
    assert [line for line in streamed.splitlines() if line.startswith("data: ")][-1].startswith('data: {"type":"done"')
    assert filed.endswith("}month,sum\nMay,3\n")
    question = json.loads(filed.removesuffix("month,sum\nMay,3\n"))
    assert question["status"] == "complete"
    assert followed.startswith('data: {"type":"snapshot"')
    assert resumed.startswith('data: {"type":"done"')
    assert json.loads(refused)["code"] == "session_not_found"


def test_what_is_named_is_there() -> None:
    for name in re.findall(r"`--([a-z][a-z-]+)`", PAGE):
        assert config.flag_of(name.replace("-", "_")) == f"--{name}"
    rows = dict(re.findall(r"^\| ([0-9, ]+) \| (.*) \|$", PAGE, re.MULTILINE))
    for code, status in STATUS_OF_CODE.items():
        assert f"`{code}`" in rows[str(status)], code
    assert GET_FILE.path.replace("{sessionId}", "{id}") in PAGE
    for operation in OPERATIONS:
        last = operation.path.rsplit("/sessions", 1)[1].replace("{sessionId}", "{id}")
        assert f"/sessions{last}" in PAGE or f"…{last}" in PAGE, last

"""A message that is piped in, and a call that needs approval: nobody is there to be asked, and that is said."""

import asyncio
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from hub.terminal.approval import Approval, Rule, ruled_answer
from hub.terminal.link import open_link
from tests.running import HUBLINE, Running, clean_environment, running

QUESTION = "What is the total price?\nname,price\npen,20\nink,51\n"
WAITS = "waits for approval: In the mode ask, every tool call needs approval."
TIMEOUT_S = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("hub"), "--backplane", "memory://", "--demo-pace", "0") as server:
        yield server


async def open_session(url: str, session_id: str) -> None:
    async with open_link(url) as link:
        await link.invoke("OpenSession", {"sessionId": session_id, "autonomy": "ask"})


def chat(server: Running, session_id: str, folder: Path, *flags: str) -> subprocess.Popen[str]:
    """With the question piped in."""
    asyncio.run(open_session(server.url, session_id))
    process = subprocess.Popen(
        [HUBLINE, "chat", "--url", server.url, "--session", session_id, *flags],
        env=clean_environment(folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(QUESTION)
    process.stdin.close()
    process.stdin = None  # `communicate` would write to it
    return process


def test_without_a_rule_it_is_denied_and_said(server: Running, tmp_path: Path) -> None:
    process = chat(server, "unasked", tmp_path)
    answer, rest = process.communicate(timeout=TIMEOUT_S)
    assert WAITS in rest
    assert "denied: nobody is here to be asked. --approve all" in rest
    assert "Nobody is at the terminal to be asked." in rest
    assert "71" not in answer
    assert process.returncode == 1


def test_all_are_allowed(server: Running, tmp_path: Path) -> None:
    process = chat(server, "all", tmp_path, "--approve", "all")
    answer, rest = process.communicate(timeout=TIMEOUT_S)
    assert WAITS in rest and "allowed, by --approve all" in rest
    assert "71" in answer
    assert process.returncode == 0, rest


def test_none_is_allowed_where_that_is_wanted(server: Running, tmp_path: Path) -> None:
    process = chat(server, "none", tmp_path, "--approve", "none")
    answer, rest = process.communicate(timeout=TIMEOUT_S)
    assert "denied, by --approve none" in rest
    assert "The user allows no calls that need approval." in rest and "Nobody is at the terminal" not in rest
    assert "71" not in answer
    assert process.returncode == 0, rest


def test_somebody_else_may_be_waited_for(server: Running, tmp_path: Path) -> None:
    process = chat(server, "wait", tmp_path, "--approve", "wait")
    assert process.stderr is not None
    told = ""
    while "waiting until somebody allows or denies it elsewhere" not in told:
        told += (line := process.stderr.readline())
        assert line, told
    assert told.endswith("in the session wait\n")
    asyncio.run(allow(server.url, "wait"))
    answer, rest = process.communicate(timeout=TIMEOUT_S)
    assert "was approved by anonymous" in rest
    assert "71" in answer
    assert process.returncode == 0, rest


async def allow(url: str, session_id: str) -> None:
    async with open_link(url) as link:
        stream = link.stream("Watch", session_id, None)
        snapshot = await anext(stream)
        await stream.aclose()
        assert isinstance(snapshot, dict)
        call_id = snapshot["run"]["pendingApprovals"][0]["callId"]
        await link.invoke("ResolveApproval", session_id, call_id, {"approve": True})


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("all", {"approve": True, "attempt": 2}),
        ("none", {"approve": False, "reason": "The user allows no calls that need approval.", "attempt": 2}),
        ("wait", None),
        (None, {"approve": False, "reason": "Nobody is at the terminal to be asked.", "attempt": 2}),
    ],
)
def test_what_a_rule_says(rule: Rule | None, expected: Mapping[str, object] | None) -> None:
    assert ruled_answer(Approval("c1", 2, "write_range", "It writes.", {}), rule) == expected

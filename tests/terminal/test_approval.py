"""What a person says to an approval: in a line, and at a real terminal against a real server."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from hub.terminal.approval import CHOICES, QUESTION, Approval, read_answer
from hub.terminal.link import open_link
from hub.terminal.view import Piece, View
from tests.running import Running, running
from tests.terminal.test_prompt import PROMPT, STOPPED, chatting

APPROVAL = Approval("c1", 1, "write_range", "It writes.", {"range": "A1"})


def typed(*lines: str) -> Callable[[str, str], str]:
    rest = iter(lines)
    return lambda _prompt, text: next(rest) or text


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        (["y"], {"approve": True, "scope": "call"}),
        ([" YES run "], {"approve": True, "scope": "run"}),
        (["y session"], {"approve": True, "scope": "session"}),
        (["n"], {"approve": False}),
        (["n not this sheet"], {"approve": False, "reason": "not this sheet"}),
        (["e", '{"range": "B2"}'], {"approve": True, "arguments": {"range": "B2"}}),
        (["edit", ""], {"approve": True, "arguments": {"range": "A1"}}),
        (["?", "what?", "y ever", "e", "no JSON", "e", "[1]", "y"], {"approve": True, "scope": "call"}),
    ],
)
def test_a_line_is_an_answer(lines: list[str], answer: Mapping[str, object]) -> None:
    said: list[str] = []
    assert read_answer(APPROVAL, typed(*lines), said.append) == {**answer, "attempt": 1}
    assert said == [CHOICES] * (5 if len(lines) > 2 else 0)


NEEDED = {"type": "approval_needed", "callId": "c1", "reason": "It writes.", "arguments": {"range": "A1"}}


def test_a_view_knows_what_waits() -> None:
    view = View()
    view.apply({"type": "tool_start", "callId": "c1", "name": "write_range"})
    assert view.apply(NEEDED) == [
        Piece("status", "write_range waits for approval: It writes."),
        Piece("status", '  {"range": "A1"}'),
    ]
    assert view.approvals == {"c1": APPROVAL}
    view.apply({**NEEDED, "attempt": 2})
    assert view.approvals["c1"].attempt == 2
    for over in (
        {"type": "approval_resolved", "callId": "c1"},
        {"type": "tool_complete", "callId": "c1"},
        {"type": "done", "runId": "r1"},
        {"type": "snapshot", "messages": []},
    ):
        view.apply(NEEDED)
        view.apply(over)
        assert view.approvals == {}


def test_a_snapshot_shows_what_waits_once() -> None:
    view = View()
    run = {"openCalls": [{"callId": "c1", "name": "write_range"}], "pendingApprovals": [NEEDED]}
    assert len(view.apply({"type": "snapshot", "run": run})) == 2
    assert view.apply({"type": "snapshot", "run": run}) == []
    assert view.approvals == {"c1": APPROVAL}


# ------------------------------------------------------------------------------------------- at a real terminal

TABLE = "What is the total price? \x1b[200~\nname,price\npen,20\nink,51\x1b[201~"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path, "--backplane", "memory://") as server:
        asyncio.run(open_session(server.url))
        yield server


async def open_session(url: str) -> None:
    async with open_link(url) as link:
        await link.invoke("OpenSession", {"sessionId": "s", "autonomy": "ask"})


def test_a_person_allows_denies_and_edits(server: Running, tmp_path: Path) -> None:
    with chatting(tmp_path, "--url", server.url, "--session", "s") as terminal:
        terminal.wait_for(PROMPT)
        terminal.type(f"{TABLE}\n")
        terminal.wait_for("waits for approval: In the mode ask, every tool call needs approval.")
        terminal.wait_for("pen,20")
        terminal.wait_for("y session  yes, and all further calls of this tool in this session")
        terminal.wait_for(QUESTION)
        terminal.type("y run\n")
        terminal.wait_for("was approved by anonymous")
        assert "71" in terminal.wait_for("completed")
        terminal.wait_for(PROMPT)
        terminal.type(f"{TABLE}\n")
        terminal.wait_for(QUESTION)
        terminal.type("n not today\n")
        terminal.wait_for("not today")
        terminal.wait_for(PROMPT)
        terminal.type(f"{TABLE}\n")
        terminal.wait_for(QUESTION)
        terminal.type("e\n")
        terminal.wait_for("Arguments: ")
        terminal.type("\x15{}\n")  # Ctrl-U: the line that stands there goes
        terminal.wait_for("The edited arguments were not taken.")
        terminal.wait_for(QUESTION)
        terminal.type("y session\n")
        terminal.wait_for("completed")
        terminal.wait_for(PROMPT)
        terminal.type("\x04")
        assert terminal.wait_for_end() == 0
    assert "Traceback" not in terminal.seen


def test_ctrl_c_at_the_question_stops_the_answer(server: Running, tmp_path: Path) -> None:
    with chatting(tmp_path, "--url", server.url, "--session", "s") as terminal:
        terminal.wait_for(PROMPT)
        terminal.type(f"{TABLE}\n")
        terminal.wait_for(QUESTION)
        terminal.type("\x03")
        terminal.wait_for("stopping …")
        terminal.wait_for(STOPPED)
        terminal.wait_for(PROMPT)


def test_who_comes_later_is_asked(server: Running, tmp_path: Path) -> None:
    with chatting(tmp_path, "--url", server.url, "--session", "s") as first:
        first.wait_for(PROMPT)
        first.type(f"{TABLE}\n")
        first.wait_for(QUESTION)
        with chatting(tmp_path, "--url", server.url, "--session", "s") as second:
            second.wait_for("waits for approval")
            second.wait_for(QUESTION)
            second.type("y run\n")
            first.wait_for("was approved by anonymous")
            second.wait_for("71")  # at its prompt again meanwhile

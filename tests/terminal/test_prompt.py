"""The prompt at a real (pseudo) terminal, against a real server."""

import contextlib
import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import HUBLINE, Running, clean_environment, running

STOPPED = "\x1b[2mstopped"  # as the status is painted; the word alone may be in an answer
PROMPT = "\x1b[?2004h> "  # readline's, which is there once it reads; `> ` alone is in what a terminal echoes, too
PASTE = "\x1b[200~{}\x1b[201~"


class Terminal:
    """What a person at a terminal sees and types. Waits for what is to appear, up to a deadline."""

    def __init__(self, keyboard: int, process: subprocess.Popen[bytes]) -> None:
        self._keyboard = keyboard
        self.process = process
        self.seen = ""  # all of it
        self._from = 0  # what was waited for before is not found again

    def type(self, text: str) -> None:
        os.write(self._keyboard, text.encode())

    def wait_for(self, text: str, deadline_s: float = 15) -> str:
        """Everything up to and with `text`, since the last thing that was waited for."""
        ends_at = time.monotonic() + deadline_s
        while (found := self.seen.find(text, self._from)) < 0:
            left_s = ends_at - time.monotonic()
            assert left_s > 0, f"{text!r} did not appear after:\n{self.seen[self._from :]!r}"
            assert self._read(left_s), f"it ended before {text!r} appeared:\n{self.seen}"
        since, self._from = self._from, found + len(text)
        return self.seen[since : self._from]

    def wait_for_end(self) -> int:
        while self._read(30):
            pass
        return self.process.wait(30)

    def _read(self, timeout_s: float) -> bool:
        """False once the other end is closed."""
        if not select.select([self._keyboard], [], [], timeout_s)[0]:
            return True
        try:
            read = os.read(self._keyboard, 65_536)
        except OSError:  # how Linux says that the terminal has nobody left
            return False
        self.seen += read.decode(errors="replace")
        return bool(read)


@contextlib.contextmanager
def chatting(folder: Path, *flags: str) -> Iterator[Terminal]:
    keyboard, screen = pty.openpty()
    process = subprocess.Popen(
        [HUBLINE, "chat", *flags],
        cwd=folder,
        env=clean_environment(folder, {"TERM": "xterm"}),
        stdin=screen,
        stdout=screen,
        stderr=screen,
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(screen)
    try:
        yield Terminal(keyboard, process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(30)
        os.close(keyboard)


def _take_terminal() -> None:
    # Ctrl-C reaches only the process group whose controlling terminal it is typed at.
    os.close(os.open(os.ttyname(0), os.O_RDWR))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path, "--backplane", "memory://") as server:
        yield server


def test_an_answer_streams_and_the_prompt_comes_back(server: Running, tmp_path: Path) -> None:
    with chatting(tmp_path, "--url", server.url) as terminal:
        terminal.wait_for(PROMPT)
        terminal.type("What can you do?\n")
        assert "table" in terminal.wait_for("completed")
        terminal.wait_for(PROMPT)
        terminal.type("\x04")
        assert terminal.wait_for_end() == 0
        assert f"hubline chat --url {server.url} --session ses_" in terminal.seen


def test_a_pasted_table_is_one_message(server: Running, tmp_path: Path) -> None:
    with chatting(tmp_path, "--url", server.url) as terminal:
        terminal.wait_for(PROMPT)
        terminal.type(PASTE.format("What is the total price?\nname,price\npen,20\nink,51\n"))
        terminal.type("\n")
        assert "71" in terminal.wait_for("completed")


LONG = "Write a long text about tea, 2,000 words, slowly"


@pytest.mark.parametrize("wait", ["at once", "for the answer"])
def test_ctrl_c_stops_the_answer_and_then_leaves(server: Running, tmp_path: Path, wait: str) -> None:
    with chatting(tmp_path, "--url", server.url) as terminal:
        terminal.wait_for(PROMPT)
        terminal.type(LONG)
        terminal.wait_for("slowly")  # the echo
        terminal.type("\n")
        terminal.wait_for("\x1b[?2004l")  # Enter was accepted
        if wait == "for the answer":
            terminal.wait_for("tea")
        terminal.type("\x03")
        terminal.wait_for("stopping …")
        terminal.wait_for(STOPPED)
        terminal.wait_for(PROMPT)
        terminal.type("\x03")
        assert terminal.wait_for_end() == 0
    assert "Traceback" not in terminal.seen
    assert "stopped by" not in terminal.seen  # it was this user


def test_ctrl_c_right_behind_enter_stops_that_message(server: Running, tmp_path: Path) -> None:
    with chatting(tmp_path, "--url", server.url) as terminal:
        terminal.wait_for(PROMPT)
        for _ in range(5):
            terminal.type(f"{LONG}\n\x03")
            # One or the other, by which came first: the message was sent and stopped, or it was thrown away.
            seen = terminal.wait_for(PROMPT)
            assert STOPPED in seen or "tea" not in seen.split("slowly", 1)[-1]
        terminal.type("\x03")
        assert terminal.wait_for_end() == 0


def test_ctrl_c_throws_a_begun_line_away_and_stays(server: Running, tmp_path: Path) -> None:
    with chatting(tmp_path, "--url", server.url) as terminal:
        terminal.wait_for(PROMPT)
        terminal.type("begun")
        terminal.wait_for("begun")
        terminal.type("\x03")
        terminal.wait_for(PROMPT)
        terminal.type("What can you do?\n")
        assert "table" in terminal.wait_for("completed")
        terminal.wait_for(PROMPT)
        terminal.type("\x03")
        assert terminal.wait_for_end() == 0


def test_what_was_said_before_is_shown_when_a_session_goes_on(server: Running, tmp_path: Path) -> None:
    with chatting(tmp_path, "--url", server.url) as terminal:
        session_id = terminal.wait_for(" at ").split()[-2]
        terminal.wait_for(PROMPT)
        terminal.type("What can you do?\n")
        terminal.wait_for("completed")
    with chatting(tmp_path, "--url", server.url, "--session", session_id) as terminal:
        assert "What can you do?" in terminal.wait_for("Ctrl-C stops")


def test_a_session_that_is_not_there_is_said(server: Running, tmp_path: Path) -> None:
    with chatting(tmp_path, "--url", server.url, "--session", "NOPE") as terminal:
        assert terminal.wait_for_end() == 1
    assert f"hubline: There is no session NOPE at {server.url}." in terminal.seen
    assert "> " not in terminal.seen


def test_a_server_that_ends_is_waited_for(server: Running, tmp_path: Path) -> None:
    with chatting(tmp_path, "--url", server.url) as terminal:
        terminal.wait_for(PROMPT)
        assert server.end(signal.SIGTERM) == 0
        terminal.wait_for("Trying to connect again")
        with running(tmp_path, "--backplane", "memory://", "--port", str(server.port)):
            terminal.wait_for("connected again")


def test_nobody_there_is_one_sentence(tmp_path: Path) -> None:
    with chatting(tmp_path, "--url", "http://127.0.0.1:1") as terminal:
        assert terminal.wait_for_end() == 1
    assert "hubline serve" in terminal.seen
    assert "Traceback" not in terminal.seen

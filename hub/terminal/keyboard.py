"""The person's keyboard: lines that are typed, and Ctrl-C, which is never lost and never hits the wrong thing.

The handler decides by what the main thread is at, in one place and between two of its instructions:

    at the prompt, Enter not accepted yet   KeyboardInterrupt out of `line` (Discarded, if something was typed)
    any other time                          counted in `presses`, and whoever is in `wait` is woken

A handler runs in the main thread only, and a signal that comes just before that thread begins to wait (or that another
thread was given) does not end the wait. So each press is seen by a second way too, Python's wake-up file descriptor,
read in the event loop: from there the main thread is woken, and poked until its handlers have run.
"""

import asyncio
import contextlib
import queue
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from functools import partial
from types import FrameType

try:
    import fcntl
    import readline
    import termios
except ImportError:  # Windows has neither; the prompt works without
    HAS_EDITING = False
else:
    HAS_EDITING = True

POKE_S = 0.05


class Discarded(Exception):
    """Ctrl-C at a prompt where something was typed: that goes, the chat goes on."""


class Keyboard:
    """Of the main thread, while `listening`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """`loop` runs in another thread."""
        self.presses = 0  # of Ctrl-C, since the last `line` began
        self._loop = loop
        self._is_asking = False  # while a press ends the prompt
        self._had_text = False  # whether the prompt that was ended had something typed at it
        self._typed: list[str] = []  # the line, once Enter was accepted
        self._woken: queue.SimpleQueue[None] = queue.SimpleQueue()  # its `put` may be called in a signal handler
        self._pokes = 0  # asked for by the loop
        self._pokes_taken = 0  # how many were asked for when the main thread last ran a handler

    def line(self, prompt: str, text: str = "", *, amid: bool = False) -> str:
        """What was typed; `text` stands there to be changed. Raises EOFError (Ctrl-D), KeyboardInterrupt (Ctrl-C at an
        empty prompt), Discarded. `amid` an answer, presses before the prompt stay counted."""
        self._typed.clear()
        if HAS_EDITING:
            readline.set_startup_hook(partial(readline.insert_text, text) if text else None)
        try:
            self._is_asking = True
            if not amid:
                self.presses = 0  # those after the answer had ended were meant for it
            # One call into C, so that no handler runs between Enter and the line's being in the list.
            self._typed.extend(map(input, (prompt,)))
        except (KeyboardInterrupt, SystemError):
            # `input` runs handlers once more with the KeyboardInterrupt set, and a second one is a SystemError then.
            if self._is_asking:
                raise  # not by `_pressed`
            if self._had_text:
                raise Discarded from None
            raise KeyboardInterrupt from None
        finally:
            self._is_asking = False
        return self._typed[0]

    def wait(self) -> None:
        """Until `wake` or a press since the last time; may return without either."""
        self._woken.get()

    def wake(self) -> None:
        """From any thread."""
        self._woken.put(None)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Ctrl-C comes here, and typing can be edited; then all is as it was."""
        with self._second_way(), _terminal_kept():
            before = signal.signal(signal.SIGINT, self._pressed)
            try:
                yield
            finally:
                signal.signal(signal.SIGINT, before)

    def _pressed(self, _number: int, _frame: FrameType | None) -> None:
        self._pokes_taken = self._pokes
        if self._is_asking and not self._typed:
            self._is_asking = False  # so that one prompt is ended once, wherever this is raised
            self._had_text = _throw_away()
            raise KeyboardInterrupt
        self.presses += 1
        self.wake()

    # ------------------------------------------------------------------------------------------- the second way

    @contextlib.contextmanager
    def _second_way(self) -> Iterator[None]:
        reading, writing = socket.socketpair()
        reading.setblocking(False)
        writing.setblocking(False)
        before = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        poked = None if sys.platform == "win32" else signal.signal(signal.SIGURG, self._poked)
        self._loop.call_soon_threadsafe(self._loop.add_reader, reading, self._signalled, reading)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            if sys.platform != "win32":
                signal.signal(signal.SIGURG, poked)
            asyncio.run_coroutine_threadsafe(self._forget(reading), self._loop).result()
            reading.close()
            writing.close()

    async def _forget(self, reading: socket.socket) -> None:
        self._loop.remove_reader(reading)

    def _signalled(self, reading: socket.socket) -> None:
        """In the loop, after the signal is noted for the main thread."""
        if signal.SIGINT in reading.recv(4096):
            self._pokes += 1
            self.wake()
            self._loop.call_later(POKE_S, self._poke, self._pokes)

    def _poke(self, number: int) -> None:
        """Interrupt what the main thread waits for in C, until it has run its handlers (SIGINT's comes first)."""
        if sys.platform != "win32" and self._pokes_taken < number:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGURG)
            self._loop.call_later(POKE_S, self._poke, number)

    def _poked(self, _number: int, _frame: FrameType | None) -> None:
        self._pokes_taken = self._pokes


def _throw_away() -> bool:
    """Whether something was typed at the prompt. What readline has not read yet goes: Linux may signal a Ctrl-C before
    it hands out what was typed ahead of it, which would be the next line then."""
    if not HAS_EDITING:
        return False
    unread = int.from_bytes(fcntl.ioctl(sys.stdin, termios.FIONREAD, bytes(4)), sys.byteorder)
    termios.tcflush(sys.stdin, termios.TCIFLUSH)
    return unread > 0 or bool(readline.get_line_buffer())


@contextlib.contextmanager
def _terminal_kept() -> Iterator[None]:
    """Editing and history at the prompt, with a paste of several lines taken as one message."""
    if not HAS_EDITING:
        yield
        return
    # Python switches it off, since its own prompt would run each pasted line.
    readline.parse_and_bind("set enable-bracketed-paste on")
    # Or the terminal throws away, at a Ctrl-C, an Enter that was typed and not read yet (and readline, which was told
    # of it, waits for the next key).
    before = termios.tcgetattr(sys.stdin)
    kept = [*before]
    kept[3] |= termios.NOFLSH
    termios.tcsetattr(sys.stdin, termios.TCSADRAIN, kept)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)

"""`hubline chat`: a prompt in the main thread, the session in a thread of its own.

In this order because of Ctrl-C: Python handles signals in the main thread, where `Keyboard` ends a prompt with the
terminal as it was, or counts the press for the answer under way. From the moment that Enter was accepted, Ctrl-C is
for that message's answer; only at an empty prompt it leaves.
"""

import asyncio
import concurrent.futures
import contextlib
import os
import shlex
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import TextIO, TypeVar

from hub.errors import HubError
from hub.terminal.approval import CHOICES, Answer, Approval, Rule, read_answer
from hub.terminal.keyboard import Discarded, Keyboard
from hub.terminal.link import LinkLost, LinkRefused
from hub.terminal.ruled import RuledApprovals
from hub.terminal.session import Session
from hub.terminal.view import Ended, Piece, clean

DEFAULT_URL = "http://127.0.0.1:8000"
PROMPT = "> "
GIVE_UP_S = 30.0  # of a pipe, whose person is not there to press Ctrl-C
PRESSES_TO_STOP = 2  # of Ctrl-C in one answer; the next one leaves

T = TypeVar("T")


def run(url: str, session_id: str | None, token: str | None = None, approve: Rule | None = None) -> int:
    """Chat until the person leaves, or answer what was piped in, with `approve` for its calls. Returns the exit code:
    that of a pipe is 0 only if its answer is whole, and nothing was denied because nobody could be asked."""
    try:
        if sys.stdin.isatty():
            return _interactive(url, session_id, token)
        return _piped(url, session_id, token, approve)
    except (LinkLost, LinkRefused, HubError) as error:
        print(f"hubline: {clean(str(error))}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read our output (`| head`) has gone; what is still buffered would raise once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


class Printer:
    """Puts pieces on a terminal or into files. Answers go to `answers` as they are, all else to `rest`, in lines."""

    def __init__(self, answers: TextIO, rest: TextIO, *, colour: bool) -> None:
        self._answers = answers
        self._rest = rest
        self._colour = colour
        self._open_line = False  # whether the last answer text left its line unfinished

    def show(self, pieces: Sequence[Piece]) -> None:
        for piece in pieces:
            text = clean(piece.text)
            if piece.kind == "answer":
                self._answers.write(text)
                self._open_line = not text.endswith("\n") if text else self._open_line
            else:
                self.end_line()
                shown = f"{PROMPT}{text}" if piece.kind == "user" else text
                self._rest.write(f"{self._painted(shown, piece.kind)}\n")
        self._answers.flush()
        self._rest.flush()

    def end_line(self) -> None:
        """Finish the line of an answer, so that a prompt or a status begins on its own."""
        if self._open_line:
            self._answers.write("\n")
            self._answers.flush()
            self._open_line = False

    def _painted(self, text: str, kind: str) -> str:
        code = {"status": "2", "error": "31", "user": "1"}.get(kind)
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour and code else text


# --------------------------------------------------------------------------------------------------------- pipe


def _piped(url: str, session_id: str | None, token: str | None, approve: Rule | None) -> int:
    text = sys.stdin.read()
    if not text.strip():
        print("hubline: There is nothing to send: pipe a message in, or start it at a terminal.", file=sys.stderr)
        return 2
    printer = Printer(sys.stdout, sys.stderr, colour=False)
    ended, is_denied = asyncio.run(_ask_once(url, session_id, token, text, printer, approve))
    printer.end_line()
    return 0 if ended.outcome == "completed" and not (is_denied and approve is None) else 1


async def _ask_once(
    url: str, session_id: str | None, token: str | None, text: str, printer: Printer, approve: Rule | None
) -> tuple[Ended, bool]:
    """How it ended, and whether a call was denied here."""
    watching = False

    def show(pieces: Sequence[Piece]) -> None:
        # What the session said before is not the answer to what was piped in.
        if watching:
            printer.show(pieces)

    session = Session(url, session_id, show, retry_for_s=GIVE_UP_S, token=token)
    async with session.following():
        watching = True
        ruled = RuledApprovals(session, approve, printer.show)
        asking, answering = asyncio.ensure_future(session.ask(text)), asyncio.ensure_future(ruled.answer())
        try:
            await asyncio.wait([asking, answering], return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                answering.result()
            return await asking, ruled.is_denied
        finally:
            for task in (asking, answering):
                task.cancel()
            await asyncio.wait([asking, answering])


# ------------------------------------------------------------------------------------------------------- prompt


def _interactive(url: str, session_id: str | None, token: str | None) -> int:
    printer = Printer(sys.stdout, sys.stdout, colour=sys.stdout.isatty())
    with _Background() as background:
        session = background.call(_new_session(url, session_id, token, printer))
        with background.hold(session.following()):
            printer.show(
                [
                    Piece("status", f"Session {session.session_id} at {url}."),
                    Piece(
                        "status",
                        "Ctrl-C stops an answer, and leaves at the prompt. A \\ at its end goes on with the line.",
                    ),
                ]
            )
            keyboard = Keyboard(background.loop)
            with keyboard.listening():
                _chat(background, session, keyboard, printer)
    print(f"\nGo on later with: {_command(url, session.session_id)}")
    return 0


def _command(url: str, session_id: str | None) -> str:
    address = [] if url == DEFAULT_URL else ["--url", url]
    return clean(shlex.join(["hubline", "chat", *address, "--session", str(session_id)]))


async def _new_session(url: str, session_id: str | None, token: str | None, printer: Printer) -> Session:
    return Session(url, session_id, printer.show, retry_for_s=None, token=token)


def _chat(background: "_Background", session: Session, keyboard: Keyboard, printer: Printer) -> None:
    session.on_approval = keyboard.wake
    approvals = _Approvals(background, session, keyboard, printer)
    while True:
        # What waits since before we came; whoever presses Ctrl-C wants to write something first.
        with contextlib.suppress(EOFError, KeyboardInterrupt):
            while approvals.answer_next():
                pass
        text = read_message(keyboard.line)
        if text is None or (text.strip() and not _converse(background, session, text, keyboard, printer, approvals)):
            return


def _converse(
    background: "_Background",
    session: Session,
    text: str,
    keyboard: Keyboard,
    printer: Printer,
    approvals: "_Approvals",
) -> bool:
    """One message and its answer, which the first Ctrl-C stops. False to leave: the way out of an answer that cannot
    be stopped (the server is away, say) is a third press; the answer then goes on without us."""
    answer = background.start(session.ask(text))
    answer.add_done_callback(lambda _: keyboard.wake())
    taken = 0
    at_prompt = 0  # presses that ended a question about an approval
    while not answer.done():
        if keyboard.presses + at_prompt > taken:
            taken += 1
            if taken > PRESSES_TO_STOP:
                return False
            # After `ask` has begun, since the loop takes what it is given in order: there is a message to stop.
            background.start(_stop(session, printer, again=taken > 1))
            continue
        try:
            if not approvals.answer_next():
                keyboard.wait()
        except EOFError:
            return False
        except KeyboardInterrupt:
            at_prompt += 1
    try:
        answer.result()
    except HubError as error:
        printer.show([Piece("error", str(error))])
    printer.end_line()
    return True


class _Approvals:
    """Asks the person about calls that wait, each once."""

    def __init__(self, background: "_Background", session: Session, keyboard: Keyboard, printer: Printer) -> None:
        self._background = background
        self._session = session
        self._keyboard = keyboard
        self._printer = printer
        self._asked: set[tuple[str, int]] = set()

    def answer_next(self) -> bool:
        """Whether there was one to ask about. Raises EOFError and KeyboardInterrupt as `Keyboard.line` does."""
        for approval in list(self._session.view.approvals.values()):
            key = (approval.call_id, approval.attempt)
            if key not in self._asked:
                if not self._asked:
                    self._say(CHOICES)
                self._asked.add(key)
                answer = read_answer(approval, self._ask, self._say)
                self._background.start(self._resolve(approval, answer))
                return True
        return False

    def _ask(self, prompt: str, text: str) -> str:
        while True:
            self._printer.end_line()
            try:
                return self._keyboard.line(prompt, text, amid=True)
            except Discarded:
                print()

    def _say(self, why: str) -> None:
        self._printer.show([Piece("status", why)])

    async def _resolve(self, approval: Approval, answer: Answer) -> None:
        try:
            await self._session.resolve(approval.call_id, answer)
        except HubError as error:
            self._printer.show([Piece("error", str(error))])
        except (LinkLost, LinkRefused):
            return  # raised where the session is waited for, too


async def _stop(session: Session, printer: Printer, *, again: bool) -> None:
    printer.show([Piece("status", "still stopping; Ctrl-C once more leaves" if again else "stopping …")])
    try:
        await session.stop()
    except HubError as error:
        printer.show([Piece("error", str(error))])
    except (LinkLost, LinkRefused):
        return  # raised by the answer, too, which is waited for


def read_message(ask: Callable[[str], str]) -> str | None:
    """What the person typed or pasted; None when they leave. A line that ends in a backslash goes on in the next.

    `ask` is `Keyboard.line`. Ctrl-C throws away what was begun, and leaves where nothing was.
    """
    lines: list[str] = []
    while True:
        try:
            line = ask("… " if lines else PROMPT)
        except EOFError:
            return None
        except (KeyboardInterrupt, Discarded) as press:
            if not lines and isinstance(press, KeyboardInterrupt):
                return None
            lines.clear()
            print()
            continue
        if not line.endswith("\\"):
            return "\n".join([*lines, line])
        lines.append(line[:-1])


class _Background:
    """An event loop in a thread, for a main thread that waits at a prompt."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True, name="hubline-chat")

    def __enter__(self) -> "_Background":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.call(_cancel_all())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def start(self, work: Coroutine[object, object, T]) -> concurrent.futures.Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def call(self, work: Coroutine[object, object, T]) -> T:
        return self.start(work).result()

    @contextlib.contextmanager
    def hold(self, context: contextlib.AbstractAsyncContextManager[None]) -> Iterator[None]:
        """Enter in the loop, and leave there, in one task (as task groups and time-outs require)."""
        entered: concurrent.futures.Future[asyncio.Event] = concurrent.futures.Future()

        async def stay() -> None:
            leave = asyncio.Event()
            async with context:
                entered.set_result(leave)
                await leave.wait()

        staying = self.start(stay())
        # Whichever comes first: a failure to enter ends `staying`, and is raised here.
        staying.add_done_callback(lambda done: None if entered.done() else entered.set_exception(_failure(done)))
        leave = entered.result()
        try:
            yield
        finally:
            self.loop.call_soon_threadsafe(leave.set)
            staying.result()


def _failure(done: concurrent.futures.Future[None]) -> BaseException:
    return done.exception() or RuntimeError("left before it was entered")


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

"""Where the CPU time of a process goes, by samples of its main thread's stack: one each millisecond of CPU time."""

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

PERIOD_S = 0.001


@contextmanager
def to_file(path: str | None) -> Iterator[None]:
    """Sample from SIGUSR2 on until the next one, and write to the file then; with no path, do nothing.

    Each line of the file is a stack, outermost first, and how often it was seen.
    """
    if path is None:
        yield
        return
    stacks: Counter[tuple[str, ...]] = Counter()

    def sample(_number: int, frame: FrameType | None) -> None:
        stack = []
        while frame is not None:
            code = frame.f_code
            stack.append(f"{code.co_filename}:{code.co_qualname}")
            frame = frame.f_back
        stacks[tuple(reversed(stack))] += 1

    def switch(_number: int, _frame: FrameType | None) -> None:
        if signal.getitimer(signal.ITIMER_PROF)[0] == 0:
            stacks.clear()
            signal.setitimer(signal.ITIMER_PROF, PERIOD_S, PERIOD_S)
            return
        signal.setitimer(signal.ITIMER_PROF, 0)
        partial = Path(f"{path}.partial")
        partial.write_text("".join(f"{count}\t{'|'.join(stack)}\n" for stack, count in stacks.items()))
        partial.rename(path)

    signal.signal(signal.SIGPROF, sample)
    signal.signal(signal.SIGUSR2, switch)
    yield

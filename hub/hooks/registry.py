"""The hooks of one application, and how each is called, bounded and survived.

    hook          called                          time limit            if it fails or takes too long
    input check   before a message is accepted    timeout_s, each       closed: the message is refused (`unavailable`)
                                                                        open: it is accepted, and a notice says so
    context       before an answer's first step   timeout_s, each       open: answered without, and a notice says so
    output        beside the answer               timeout_s after the   open: the answer goes on, and a notice says so
                                                  answer's last delta

A plain function runs in a thread, so that a long one holds nothing up; one that takes too long is no longer waited for.
"""

import asyncio
import inspect
import logging
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar, cast

import msgspec
from msgspec import UNSET

from hub.chat.parts import Flag
from hub.errors import CallError
from hub.hooks.base import (
    Checked,
    ContextFunction,
    Found,
    InputFunction,
    OutputFunction,
    Question,
    UserMessage,
    Verdict,
)
from hub.hooks.cache import ResponseCache
from hub.hooks.rollout import Rollout

logger = logging.getLogger("hub.hooks")

A = TypeVar("A")
F = TypeVar("F")
Fails = Literal["closed", "open"]

HOOK_FAILED = "hook_failed"
"""The code of the notice that says so."""
MAX_CONTEXT_BYTES = 64 * 1024


@dataclass(frozen=True)
class Hook(Generic[F]):
    """A function, by the name that logs and notices have for it."""

    name: str
    function: F
    timeout_s: float
    fails: Fails = "open"
    max_bytes: int = MAX_CONTEXT_BYTES


class Hooks:
    """In the order in which they were added; names are unique among those of a kind.

    `cache` has the answers that may be given again; `streaming` is who sees answers while they are made, all others
    get each step in one piece (None: everybody sees them).
    """

    def __init__(self, *, cache: ResponseCache | None = None, streaming: Rollout | None = None) -> None:
        self.cache = cache
        self.streaming = streaming
        self.input_checks: list[Hook[InputFunction]] = []
        self.contexts: list[Hook[ContextFunction]] = []
        self.outputs: list[Hook[OutputFunction]] = []

    def input_check(
        self, *, name: str | None = None, timeout_s: float = 5.0, fails: Fails = "closed"
    ) -> Callable[[InputFunction], InputFunction]:
        """A decorator: call this function, async or plain, with each new message before it is accepted."""

        def add(function: InputFunction) -> InputFunction:
            _add(self.input_checks, Hook(_name(name, function), function, timeout_s, fails))
            return function

        return add

    def add_context(
        self, *, name: str | None = None, timeout_s: float = 10.0, max_bytes: int = MAX_CONTEXT_BYTES
    ) -> Callable[[ContextFunction], ContextFunction]:
        """A decorator: what this function, async or plain, finds for a question goes to the model with it.

        What is found beyond `max_bytes` of text is left out."""

        def add(function: ContextFunction) -> ContextFunction:
            _add(self.contexts, Hook(_name(name, function), function, timeout_s, max_bytes=max_bytes))
            return function

        return add

    def on_output(
        self, *, name: str | None = None, timeout_s: float = 2.0
    ) -> Callable[[OutputFunction], OutputFunction]:
        """A decorator: run this async function beside each answer."""

        def add(function: OutputFunction) -> OutputFunction:
            _add(self.outputs, Hook(_name(name, function), function, timeout_s))
            return function

        return add

    async def check(self, message: UserMessage) -> Checked:
        """What all input checks make of a message, each seeing what the ones before have made of it.

        Raises what refuses it, and `CallError` `unavailable` for a check that failed closed.
        """
        flags: list[Flag] = []
        checked = message
        for hook in self.input_checks:
            try:
                verdict = _whole(cast(Verdict, await _call(hook.function, checked, hook.timeout_s)))
            except CallError:
                raise
            except Exception as error:
                log_failure(hook.name, error)
                if hook.fails == "closed":
                    text = f"The message could not be checked ({hook.name}). Try again later."
                    raise CallError("unavailable", text) from error
                flags.append(Flag(HOOK_FAILED, f"The check {hook.name} did not work: the message went without it."))
                continue
            if verdict.text is not None:
                checked = msgspec.structs.replace(checked, text=verdict.text)
            if verdict.context is not UNSET:
                checked = msgspec.structs.replace(checked, context=verdict.context)
            flags.extend(verdict.flags)
        return Checked(
            text=checked.text if checked.text != message.text else None,
            context=checked.context if checked.context != message.context else UNSET,
            flags=flags,
        )

    async def context_of(self, question: Question) -> tuple[list[Found], list[str]]:
        """All that the context hooks find, in their order, and what the user should know of those that failed.

        They look at the same time: none sees what another found.
        """
        answers = await asyncio.gather(*(_looked(hook, question) for hook in self.contexts))
        return [one for found, _ in answers for one in found], [text for _, text in answers if text]


def log_failure(name: str, error: BaseException) -> None:
    """Where and by what kind of error a hook failed; not the error's text, which may quote what was said."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "?"
    logger.error("hook %s failed: %s at %s", name, type(error).__name__, place)


async def _looked(hook: Hook[ContextFunction], question: Question) -> tuple[Sequence[Found], str | None]:
    try:
        found = cast(Sequence[Found], await _call(hook.function, question, hook.timeout_s))
        return _bounded(found, hook.max_bytes), None
    except Exception as error:
        log_failure(hook.name, error)
        return (), f"The hook {hook.name} did not work: the answer is made without what it would have found."


def _bounded(found: Sequence[Found], max_bytes: int) -> Sequence[Found]:
    kept: list[Found] = []
    left = max_bytes
    for one in found:
        size = len(one.text.encode(errors="replace"))
        if size > left:
            text = one.text.encode(errors="replace")[:left].decode(errors="ignore")
            return [*kept, msgspec.structs.replace(one, text=text)] if text else kept
        left -= size
        kept.append(one)
    return kept


async def _call(function: Callable[[A], object], argument: A, timeout_s: float) -> object:
    async with asyncio.timeout(timeout_s):
        if inspect.iscoroutinefunction(function):
            return await function(argument)
        result = await asyncio.to_thread(function, argument)
        return await result if inspect.isawaitable(result) else result


def _whole(verdict: Verdict) -> Checked:
    match verdict:
        case None:
            return Checked()
        case str():
            return Checked(text=verdict)
        case Flag():
            return Checked(flags=(verdict,))
        case Checked():
            return verdict
    raise TypeError(f"An input check gives a text, a Flag, a Checked or None, not {type(verdict).__name__}.")


def _name(name: str | None, function: object) -> str:
    return name or str(getattr(function, "__name__", type(function).__name__))


def _add(hooks: list[Hook[F]], hook: Hook[F]) -> None:
    if any(known.name == hook.name for known in hooks):
        raise ValueError(f"There is already a hook of this kind called {hook.name}.")
    hooks.append(hook)

"""Every way in which an answer of a provider can go wrong, each in a session of one hub, and what came of it.

A message `mode:NAME` is answered by the server as the mode says, whatever is asked beside it; all else by "Fine.".
"""

import asyncio
import json
import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub import config
from hub.app import Hubline
from hub.providers.openai.provider import NO_KEY
from hub.server.testing import TestClient
from hub.tools.base import ToolContext
from tests.provider_server.script import (
    Abort,
    Answer,
    CallTool,
    Control,
    End,
    ErrorEvent,
    Gate,
    Refuse,
    Say,
    Script,
    Stall,
    Think,
    Truncate,
)
from tests.provider_server.server import ProviderServer
from tests.providers.hubs import Event, one, openai_at, responses_at
from tests.providers.speakers import ANTHROPIC, GEMINI, OLLAMA, OPENAI, RESPONSES, Speaker

AT_ONCE = {"retry-after": "0"}
ABSURD_S = 4_294_967_295
DOWN = Refuse(529, headers=AT_ONCE)
GOOD = Script(Say("Well."))
ADD = {"left": 1, "right": 2}
INACTIVITY_S = 3.0
WAIT_S = 60.0
ASKED = re.compile(r"(mode|after):(\w+)")

SETTINGS: Mapping[str, Callable[[ProviderServer], dict[str, object]]] = {
    ANTHROPIC.name: lambda server: {
        "anthropic_api_key": server.api_key,
        "anthropic_base_url": server.base_url,
        "anthropic_thinking": True,
    },
    OPENAI.name: openai_at,
    RESPONSES.name: responses_at,
    GEMINI.name: lambda server: {"gemini_api_key": server.api_key, "gemini_base_url": server.openai_url},
    OLLAMA.name: lambda server: {"ollama_base_url": server.openai_url},
}


@dataclass(frozen=True)
class Mode:
    """How the requests of one message are answered, in their order, and what is to come of it: the code of `done`'s
    error, the text that is kept, the notices on the way, and how often the tool ran."""

    answers: Sequence[Answer]
    outcome: str = "failed"
    code: str | None = None
    kept: str = ""
    notices: Sequence[str] = ()
    calls: Sequence[str] = ()
    """The outcomes of its tool calls."""
    runs: int = 0
    gate: Gate | None = None
    """Opened once something of the answer has come."""
    stops: bool = False
    """Stopped once the server waits at the gate, which stays shut."""
    after_s: float | None = None
    """`retryAfterS` of the error."""
    of: Callable[[Speaker], bool] = lambda speaker: True
    """Which providers can have it."""


GOOD_MODE = Mode([GOOD], "completed")


def _begun() -> dict[str, Mode]:
    """What breaks off once something has come: it is kept, and nothing is asked again."""
    cut: Mapping[str, Control] = {"truncated": Truncate(), "overloaded": ErrorEvent("overloaded_error", "Overloaded")}
    codes = {"truncated": "provider_truncated", "overloaded": "provider_overloaded"}
    modes: dict[str, Mode] = {}
    for name, fault in cut.items():
        code = codes[name]
        modes |= {
            f"{name}_in_text": Mode([Script(Say("Half ", "of", fault))], code=code, kept="Half of"),
            f"{name}_in_arguments": Mode(
                [Script(Say("Half"), CallTool("add", pieces=['{"left": 1', fault]))],
                code=code,
                kept="Half",
                calls=["interrupted"],
            ),
            f"{name}_after_calls": Mode(
                [Script(CallTool("add", ADD), CallTool("add", ADD), fault)],
                code=code,
                calls=["interrupted"] * 2,
            ),
            f"{name}_in_second_step": Mode(
                [Script(Say("One. "), CallTool("add", ADD)), Script(Say("Two", fault))],
                code=code,
                kept="One. Two",
                calls=["success"],
                runs=1,
            ),
        }
    for reset in (True, False):
        gate = Gate()
        modes["reset_in_text" if reset else "closed_in_text"] = Mode(
            [Script(Say("Half", gate, Abort(reset=reset)))], code="provider_truncated", kept="Half", gate=gate
        )
    return modes


def _not_begun() -> dict[str, Mode]:
    """What fails before the first delta: asked again if that may help, and told if not."""
    again = ["retrying"]
    return {
        "key_refused": Mode([Refuse(401)], code="provider_auth"),
        "no_credit": Mode([Refuse(402)], code="provider_auth"),
        "no_permission": Mode([Refuse(403)], code="provider_auth"),
        "model_not_found": Mode([Refuse(404)], code="internal"),
        "not_accepted": Mode([Refuse(400)], code="internal"),
        "too_long": Mode([Refuse(413)] * 2, code="context_too_long"),  # once more with less, which there is not
        "rate_limited": Mode([Refuse(429, headers={"retry-after": "60"})], code="provider_rate_limited", after_s=60.0),
        "absurd_retry_after": Mode(
            [Refuse(429, headers={"retry-after": str(ABSURD_S)})], code="provider_rate_limited", after_s=86_400.0
        ),
        "rate_limited_shortly": Mode([Refuse(429, headers=AT_ONCE), GOOD], "completed", kept="Well.", notices=again),
        "conflict": Mode([Refuse(409, headers=AT_ONCE), GOOD], "completed", kept="Well.", notices=again),
        "request_timeout": Mode([Refuse(408, headers=AT_ONCE), GOOD], "completed", kept="Well.", notices=again),
        "server_error": Mode([Refuse(500, headers=AT_ONCE), GOOD], "completed", kept="Well.", notices=again),
        "overloaded": Mode([DOWN, DOWN, GOOD], "completed", kept="Well.", notices=again * 2),
        "down": Mode([DOWN, DOWN, DOWN], code="provider_overloaded", notices=again * 2, after_s=0.0),
        "error_is_first_event": Mode([Script(ErrorEvent()), GOOD], "completed", kept="Well.", notices=again),
        "ends_before_it_begins": Mode([Script(Truncate()), GOOD], "completed", kept="Well.", notices=again),
        "closed_before_headers": Mode(
            [Script(before_headers=Abort(reset=False)), GOOD], "completed", kept="Well.", notices=again
        ),
        "reset_before_headers": Mode([Script(before_headers=Abort()), GOOD], "completed", kept="Well.", notices=again),
        "second_step_overloaded": Mode(
            [Script(Say("One. "), CallTool("add", ADD)), DOWN, Script(Say("Two."))],
            "completed",
            kept="One. Two.",
            notices=again,
            calls=["success"],
            runs=1,
        ),
    }


def _endings() -> dict[str, Mode]:
    """Every reason to end, and calls that cannot be run as they came."""
    half = [CallTool("add", pieces=['{"left": 1'])]
    return {
        "stop_sequence": Mode([Script(Say("Well."), End("stop_sequence"))], "completed", kept="Well."),
        "calls_without_a_call": Mode([Script(Say("Well."), End("tool_use"))], "completed", kept="Well."),
        "nothing_said": Mode([Script()], "completed"),
        "reason_of_tomorrow": Mode([Script(Say("Well."), End("tomorrow"))], "completed", kept="Well."),
        "max_output": Mode([Script(Say("Half"), End("max_tokens"))], "limit", "max_output", "Half"),
        "max_output_in_arguments": Mode(
            [Script(Say("Half"), *half, End("max_tokens"))], "limit", "max_output", "Half", calls=["interrupted"]
        ),
        "max_output_after_calls": Mode(
            [Script(CallTool("add", ADD), CallTool("add", ADD), End("max_tokens"))],
            "limit",
            "max_output",
            calls=["interrupted"] * 2,
        ),
        "refused": Mode([Script(Say("Half"), End("refusal"))], code="refused", kept="Half"),
        "refused_at_once": Mode([Script(End("refusal"))], code="refused"),
        "context_full": Mode(
            [Script(Say("Half"), End("model_context_window_exceeded"))], code="context_too_long", kept="Half"
        ),
        "paused": Mode(
            [Script(Say("One. "), End("pause_turn")), Script(Say("Two."))],
            "completed",
            kept="One. Two.",
            of=lambda speaker: speaker is ANTHROPIC,
        ),
        "arguments_are_no_object": Mode(
            [Script(CallTool("add", pieces=["[1, 2]"])), GOOD], "completed", kept="Well.", calls=["failed"]
        ),
        "arguments_are_no_json": Mode(
            [Script(CallTool("add", pieces=['{"left": 1'])), GOOD], "completed", kept="Well.", calls=["failed"]
        ),
        "arguments_are_wrong": Mode(
            [Script(CallTool("add", {"left": "one"})), GOOD], "completed", kept="Well.", calls=["failed"]
        ),
        "no_such_tool": Mode([Script(CallTool("divide", ADD)), GOOD], "completed", kept="Well.", calls=["failed"]),
        "calls_after_thinking": Mode(
            [
                Script(Think("I see."), Say("One. "), CallTool("add", ADD), CallTool("add", ADD)),
                Script(Think("So."), Say("Two.")),
            ],
            "completed",
            kept="One. Two.",
            calls=["success"] * 2,
            runs=2,
        ),
        "call_that_the_server_could_not_read": Mode(
            [Script(End("MALFORMED_FUNCTION_CALL")), GOOD],
            "completed",
            kept="Well.",
            notices=["retrying"],
            of=lambda speaker: speaker is GEMINI,
        ),
        "byte_by_byte": Mode([Script(Say("Grüße ", "👋🏽"), delivery="drip")], "completed", kept="Grüße 👋🏽"),
        "characters_cut": Mode([Script(Say("Grüße ", "👋🏽"), delivery="cut_utf8")], "completed", kept="Grüße 👋🏽"),
        "characters_in_halves": Mode([Script(Say("a \ud83d", "\udc4b b"))], "completed", kept="a 👋 b"),
    }


def _stops() -> dict[str, Mode]:
    """Stopped by the user: at each kind of moment."""

    def stopped(make: Callable[[Gate], Script], *, kept: str = "", calls: Sequence[str] = ()) -> Mode:
        gate = Gate()
        return Mode([make(gate)], "stopped", kept=kept, calls=calls, gate=gate, stops=True)

    return {
        "stopped_before_headers": stopped(lambda gate: Script(before_headers=gate)),
        "stopped_before_the_first_delta": stopped(lambda gate: Script(gate)),
        "stopped_in_thinking": stopped(lambda gate: Script(Think("I thi", gate))),
        "stopped_in_text": stopped(lambda gate: Script(Think("So."), Say("Half", gate)), kept="Half"),
        "stopped_in_arguments": stopped(
            lambda gate: Script(Say("Half"), CallTool("add", pieces=['{"left": 1', gate])),
            kept="Half",
            calls=["interrupted"],
        ),
        "stopped_after_calls": stopped(
            lambda gate: Script(CallTool("add", ADD), CallTool("add", ADD), gate), calls=["interrupted"] * 2
        ),
    }


def modes() -> dict[str, Mode]:
    """All but those that take patience, by name."""
    cut = Script(Think("I thi", Truncate()))
    thinking = {
        "truncated_in_thinking": Mode([cut], code="provider_truncated", of=lambda speaker: speaker.shows_thinking),
        "truncated_in_thinking_that_is_not_shown": Mode(
            [cut, GOOD],
            "completed",
            kept="Well.",
            notices=["retrying"],
            of=lambda speaker: not speaker.shows_thinking,
        ),
    }
    return {**_begun(), **thinking, **_not_begun(), **_endings(), **_stops()}


def stalls() -> dict[str, Mode]:
    """The provider says nothing for `INACTIVITY_S`."""
    again = ["retrying"]
    return {
        "stalled_before_headers": Mode(
            [Script(before_headers=Stall()), GOOD], "completed", kept="Well.", notices=again
        ),
        "stalled_before_the_first_delta": Mode([Script(Stall()), GOOD], "completed", kept="Well.", notices=again),
        "stalled_in_text": Mode([Script(Say("Half", Stall()))], code="inactive", kept="Half"),
        "stalled_in_arguments": Mode(
            [Script(Say("Half"), CallTool("add", pieces=['{"left": 1', Stall()]))],
            code="inactive",
            kept="Half",
            calls=["interrupted"],
        ),
        "stalled_after_the_end": Mode([Script(Say("Well."), End("end_turn"), Stall())], "completed", kept="Well."),
    }


@dataclass
class Came:
    """What came of one mode."""

    events: list[Event]
    followed: list[Event]
    """The events of the next message."""
    answer: Event
    """As it stands in the history, after that."""
    bodies: Sequence[Mapping[str, Any]]
    """Of all requests of the session, those of the next message last."""
    refused: Sequence[str]
    """Rules of the strict server that they broke."""
    runs: int
    """How often the tool ran."""

    @property
    def done(self) -> Event:
        return one(self.events, "done")


class Stage:
    """One hub that asks one provider's server; all modes at once, each in a session of its own."""

    def __init__(self, speaker: Speaker, there: Mapping[str, Mode], **settings: object) -> None:
        self._speaker = speaker
        self._modes = {name: mode for name, mode in there.items() if mode.of(speaker)}
        self._asked: dict[str, int] = {}
        self._runs: dict[str, int] = {}  # by session
        key = NO_KEY if speaker is OLLAMA else "local-provider-key"
        self._server = ProviderServer(api_key=key, style=speaker.style, default=self._answer)
        self._settings = settings

    def _answer(self, body: Mapping[str, Any]) -> Answer:
        kind, name = ASKED.findall(json.dumps(body))[-1]
        if kind == "after":
            return Script(Say("Fine."))
        number = self._asked[name] = self._asked.get(name, 0) + 1
        return self._modes[name].answers[number - 1]

    async def play(self) -> dict[str, Came | BaseException]:
        """What came of each mode, or how it could not be played."""
        chosen: dict[str, object] = {
            "backplane": "memory://",
            "provider": self._speaker.setting,
            "model": self._speaker.model,
            "provider_wait_s": 3600,  # all go at once; how long that takes is the machine's affair
        }
        async with self._server as server:
            app = Hubline(settings=config.load({**chosen, **SETTINGS[self._speaker.name](server), **self._settings}))

            @app.tool(access="read")
            async def add(left: int, right: int, ctx: ToolContext) -> int:
                """Adds."""
                self._runs[ctx.session_id] = self._runs.get(ctx.session_id, 0) + 1
                return left + right

            async with app.lifespan(), app.test_client() as client:
                came = await asyncio.gather(*(self._play(client, name) for name in self._modes), return_exceptions=True)
        return dict(zip(self._modes, came, strict=True))

    async def _play(self, client: TestClient, name: str) -> Came:
        opened = await client.invoke("OpenSession", {})
        assert isinstance(opened, dict)
        session_id = opened["sessionId"]
        events = await self._ask(client, session_id, f"mode:{name}", self._modes[name])
        followed = await self._ask(client, session_id, f"after:{name}", GOOD_MODE)
        history = await client.invoke("History", session_id)
        assert isinstance(history, dict)
        answers = [message for message in history["messages"] if message["role"] == "assistant"]
        sent = [request for request in self._server.requests if f'mode:{name}"' in json.dumps(request.body)]
        for request in sent:  # each was answered to its end, or is closed
            async with asyncio.timeout(WAIT_S):
                await first_of(request.answered.wait(), request.closed_by_client.wait())
        return Came(
            events,
            followed,
            answers[0],
            [request.body for request in sent],
            [request.refused for request in sent if request.refused],
            self._runs.get(session_id, 0),
        )

    async def _ask(self, client: TestClient, session_id: str, text: str, mode: Mode) -> list[Event]:
        """The run's events. Opens the mode's gate once something of the answer has come, or stops the run there."""
        stopping = asyncio.create_task(self._stop(client, session_id, mode))
        found: list[Event] = []
        message = {"messageId": text, "content": text}
        async with asyncio.timeout(WAIT_S):
            async for event in client.stream("Chat", session_id, message, {}):
                assert isinstance(event, dict)
                found.append(event)
                if event["type"] == "text" and mode.gate is not None and not mode.stops:
                    mode.gate.open()
            await stopping
        return found

    async def _stop(self, client: TestClient, session_id: str, mode: Mode) -> None:
        if mode.stops and mode.gate is not None:
            await mode.gate.reached.wait()
            await client.invoke("Stop", session_id)


async def first_of(*waits: Coroutine[Any, Any, object]) -> None:
    """Returns when one of them has ended."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)

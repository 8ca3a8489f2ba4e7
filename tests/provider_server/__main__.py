"""`python -m tests.provider_server`: the server run by hand, to point a hub at.

It repeats what it is told. Words in the user's text ask for something else: "stall", "truncate", "abort", "overloaded",
"think", "long", "call <tool>".
"""

import argparse
import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from tests.provider_server.rules import WINDOW_TOKENS
from tests.provider_server.script import Abort, Answer, CallTool, ErrorEvent, Pace, Say, Script, Stall, Think, Truncate
from tests.provider_server.server import ProviderServer, echo


def answer(body: Mapping[str, Any], pace_s: float) -> Answer:
    pace = Pace(pace_s)
    said = echo(body)
    assert isinstance(said, Script)
    text = " ".join(
        piece for step in said.steps if isinstance(step, Say) for piece in step.pieces if isinstance(piece, str)
    )
    words = text.lower().split()
    some = Say("This much ", "comes, ", "and ", "then ")
    for word, script in {
        "stall": Script(pace, some, Stall()),
        "truncate": Script(pace, some, Truncate()),
        "abort": Script(pace, some, Abort()),
        "overloaded": Script(pace, some, ErrorEvent()),
        "think": Script(pace, Think("First ", "this, ", "then ", "that."), Say("I ", "have ", "thought.")),
        "long": Script(pace, Say(*(f"Sentence {number}. " for number in range(2000)))),
    }.items():
        if word in words:
            return script
    if "call" in words and (tools := body.get("tools")):
        return Script(pace, Say("I call it."), CallTool(tools[0].get("function", tools[0])["name"], {}))
    return Script(pace, *said.steps)


async def serve(port: int, pace_s: float, window_tokens: int, api_key: str) -> None:
    server = ProviderServer(
        port=port, api_key=api_key, window_tokens=window_tokens, default=lambda body: answer(body, pace_s)
    )
    async with server:
        print(f"base_url={server.base_url} openai_url={server.openai_url} api_key={server.api_key}", flush=True)
        while True:
            request = await server.next_request()
            logging.info("request: %s", f"refused: {request.refused}" if request.refused else "accepted")


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.provider_server", description=__doc__)
    options.add_argument("--port", type=int, default=8100)
    options.add_argument("--pace", type=float, default=0.03, help="seconds before each delta")
    options.add_argument("--window", type=int, default=WINDOW_TOKENS, help="tokens that a request may have")
    options.add_argument("--api-key", default="local-provider-key")
    chosen = options.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        asyncio.run(serve(chosen.port, chosen.pace, chosen.window, chosen.api_key))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()

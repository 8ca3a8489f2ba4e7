"""The official npm client with an `accessTokenFactory`, in Node, in both encodings."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

import jwt
import pytest
import pytest_asyncio
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from hub.app import Hubline
from tests.e2e.live import serve
from tests.interop.node import Node, scenarios

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]

SECRET = "a secret of the tests, 0123456789 and longer"


class TokenStage:
    """A hub that takes tokens. Notes how the last ones came."""

    def __init__(self) -> None:
        self.app = Hubline(
            backplane="memory://", provider="demo", jwt_secret=SECRET, jwt_leeway_s="0", token_warning_s="60"
        )
        self.url = ""  # set when it is served
        self.arrived: dict[str, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            request = HTTPConnection(scope)
            by = "header" if "authorization" in request.headers else "query"
            self.arrived["negotiate" if scope["type"] == "http" else "upgrade"] = by
        await self.app(scope, receive, send)

    async def call(self, method: str, arguments: Sequence[object]) -> object:
        match method, list(arguments):
            case "sign", [user, int(ms), *organisation]:
                claims = {"sub": user, "exp": int(time.time() + ms / 1000), "org": next(iter(organisation), None)}
                named = {name: value for name, value in claims.items() if value is not None}
                return jwt.encode(named, SECRET, algorithm="HS256")
            case "arrived", []:
                return self.arrived
            case "after", [int(at)]:
                await asyncio.sleep(max(0.0, at / 1000 - time.time()))  # until a moment that the client was told
                return None
        raise ValueError(f"the stage knows no {method}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tokens() -> AsyncIterator[TokenStage]:
    stage = TokenStage()
    async with serve(stage, stage.app) as port:
        stage.url = f"http://127.0.0.1:{port}"
        yield stage


@pytest.mark.parametrize("encoding", ["json", "messagepack"])
@pytest.mark.parametrize(("module", "scenario"), scenarios("tokens"))
async def test_scenario(tokens: TokenStage, node: Node, module: str, scenario: str, encoding: str) -> None:
    await node.run(module, scenario, encoding=encoding, url=tokens.url, ask=tokens.call)

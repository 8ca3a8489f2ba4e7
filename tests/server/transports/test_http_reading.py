"""Bodies of POSTs that never end, to connections that do."""

import asyncio

from hub.server.hub import Hub
from hub.server.options import HubOptions, ServerLimits
from hub.server.server import HubServer
from tests.server.live import serve_live
from tests.server.raw_http import HANDSHAKE, Exchange, Poller, token


class Empty(Hub):
    pass


async def test_a_body_ends_with_its_connection() -> None:
    server = HubServer(anonymous_allowed=True, limits=ServerLimits(tick_s=0.01))
    server.add("/hub", Empty, HubOptions())
    await server.start()
    async with asyncio.timeout(10), serve_live(server, takeover=True) as address:
        poller = await Poller(address, await token(address)).shake_hands()
        headers = {"Content-Length": "1000000"}
        async with Exchange(address, "POST", poller.path, None, headers) as dribbling:
            dribbling.writer.write(HANDSHAKE[:1])
            assert (await poller.delete()).status == 202
            await dribbling.head()
            assert (dribbling.status, await dribbling.body()) == (404, b"No Connection with that ID")

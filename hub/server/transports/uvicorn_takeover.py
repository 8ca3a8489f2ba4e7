"""The protocols to serve with under uvicorn: for `uvicorn.Config(http=…, ws=…)`, or from the command line

    uvicorn app:app --http hub.server.transports.uvicorn_takeover:HttpProtocol \
                    --ws hub.server.transports.uvicorn_takeover:WebSocketProtocol

Where uvicorn is not as `uvicorn_hook` expects it, they are uvicorn's own, and WebSockets go through ASGI.
"""

import asyncio
import logging
from collections.abc import Callable

from uvicorn.protocols.http.auto import AutoHTTPProtocol
from uvicorn.protocols.websockets.auto import AutoWebSocketsProtocol

log = logging.getLogger("hub.server")

Protocols = tuple[type[asyncio.Protocol], Callable[..., asyncio.Protocol] | None]


def choose() -> Protocols:
    """For HTTP and for WebSockets."""
    try:
        from hub.server.transports import uvicorn_hook
    except ImportError as error:
        lacking = [str(error)]
    else:
        lacking = uvicorn_hook.lacking()
        if not lacking:
            return uvicorn_hook.HttpProtocol, uvicorn_hook.WebSocketProtocol
    log.info("WebSockets go through ASGI, which is slower: uvicorn is not as expected", extra={"lacking": lacking})
    return AutoHTTPProtocol, AutoWebSocketsProtocol


HttpProtocol, WebSocketProtocol = choose()

"""Served by uvicorn with its own log, no token that travels in a URL is written there."""

import logging

from hub import HubServer


async def test_tokens_are_blotted_out_of_uvicorns_lines() -> None:
    server = HubServer(anonymous_allowed=True)
    seen: list[str] = []

    class Seen(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record.getMessage())

    handler = Seen()
    async with server.lifespan():
        for name in ("uvicorn.access", "uvicorn.error"):
            logger = logging.getLogger(name)
            before = logger.level
            logger.addHandler(handler)
            logger.setLevel(logging.INFO)
            try:
                path = "/hub?id=abcdef&access_token=hidden"
                logger.info('%s - "%s %s HTTP/%s" %d', "127.0.0.1:1", "GET", path, "1.1", 200)
            finally:
                logger.removeHandler(handler)
                logger.setLevel(before)
    line = '127.0.0.1:1 - "GET /hub?id=[redacted]&access_token=[redacted] HTTP/1.1" 200'
    assert seen == [line, line]

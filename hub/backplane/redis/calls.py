"""A script on its way: sent where its bucket is, and again where a server knew the script or the bucket no more."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

import hiredis

from hub.backplane.redis.server import Server
from hub.backplane.redis.wire import Reply, Word
from hub.errors import BackplaneAway, StaleFence

NOT_NOW = ("READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS", "MISCONF", "OOM", "BUSY")
"""Error replies of a server that may do it later."""

MAX_TRIES = 4

T = TypeVar("T")

Moved = Callable[[int, str], Server | None]
"""Told of a bucket and the `MOVED` or `ASK` that its command got; the server where it is now, if that is up."""


class Call(Generic[T]):
    """One script, whose `future` gets its reply as `read` understands it, or what `failed` makes of an error reply."""

    __slots__ = ("_arguments", "_keys", "_moved", "_name", "_server", "_tries", "bucket", "future")

    def __init__(
        self, moved: Moved, bucket: int, name: str, keys: tuple[bytes, ...], arguments: tuple[Word, ...]
    ) -> None:
        self.future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._moved = moved
        self.bucket = bucket
        self._name = name
        self._keys = keys
        self._arguments = arguments
        self._server: Server | None = None  # where it was sent last
        self._tries = 0

    def read(self, reply: Reply) -> T:
        raise NotImplementedError

    def send(self, server: Server) -> None:
        self._server = server
        server.script(self, self._name, self._keys, self._arguments)

    def __call__(self, reply: Reply | BackplaneAway) -> None:
        """The reply has come."""
        if self.future.done():  # nobody waits for it any more
            return
        if isinstance(reply, hiredis.ReplyError):
            self._mend(reply)
        elif isinstance(reply, BackplaneAway):
            self.future.set_exception(reply)
        else:
            self.future.set_result(self.read(reply))

    def _mend(self, error: hiredis.ReplyError) -> None:
        text, server = str(error), self._server
        assert server is not None
        self._tries += 1
        if text.startswith(("MOVED ", "ASK ")):
            server = self._moved(self.bucket, text)
        elif not text.startswith("NOSCRIPT"):
            self.future.set_exception(away(error, server) or failed(error))
            return
        if server is None or self._tries >= MAX_TRIES:
            self.future.set_exception(BackplaneAway(f"Redis: {text}"))
            return
        self._server = server
        if text.startswith("ASK "):
            server.send(None, b"ASKING")
        server.script_in_full(self, self._name, self._keys, self._arguments)


class Plain(Call[Reply]):
    """Its reply as it is."""

    __slots__ = ()

    def read(self, reply: Reply) -> Reply:
        return reply


def away(error: hiredis.ReplyError, server: Server) -> BackplaneAway | None:
    """An error reply that says that it may be done later; None for others. A replica by now is given up."""
    text = str(error)
    if text.startswith("READONLY"):
        server.close()
    return BackplaneAway(f"Redis: {text}") if text.startswith(NOT_NOW) else None


def failed(error: hiredis.ReplyError) -> Exception:
    """Our scripts' error STALE as what it is; any other error reply is a mistake of ours, and stays what it is."""
    text = str(error)
    return StaleFence(text.partition("STALE ")[2]) if "STALE " in text else error

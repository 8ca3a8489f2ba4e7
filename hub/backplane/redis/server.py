"""One Redis server that this node uses: a connection for commands and one that listens."""

import asyncio
import hashlib
import re
import ssl
from collections.abc import Callable
from pathlib import Path

import hiredis

from hub.backplane.redis.options import RedisOptions
from hub.backplane.redis.url import Address, Target
from hub.backplane.redis.wire import AWAY, Answer, Reply, Wire, Word, pack
from hub.errors import BackplaneAway, SettingsError

OLDEST = (6, 2)  # XTRIM MINID
SHARDED = (7, 0)  # SSUBSCRIBE, SPUBLISH

SCRIPTS = {path.stem: path.read_text(encoding="utf-8") for path in (Path(__file__).parent / "scripts").glob("*.lua")}


async def connect(
    address: Address,
    target: Target,
    options: RedisOptions,
    *,
    on_lost: Callable[[], None] = lambda: None,
    push: Callable[[Reply], None] = lambda reply: None,
    logs_in: bool = True,
) -> Wire:
    """A connection that has logged in. Raises `BackplaneAway`, or SettingsError where the server refuses us."""
    loop = asyncio.get_running_loop()
    context = ssl.create_default_context() if target.is_tls else None
    try:
        async with asyncio.timeout(options.timeout_s):
            wire: Wire
            if address.port:
                _, wire = await loop.create_connection(
                    lambda: Wire(options.timeout_s, on_lost, push), address.host, address.port, ssl=context
                )
            else:
                _, wire = await loop.create_unix_connection(
                    lambda: Wire(options.timeout_s, on_lost, push), address.host
                )
    except ssl.SSLCertVerificationError as error:
        raise SettingsError(
            f"--backplane (HUBLINE_BACKPLANE): the certificate of Redis at {address} does not hold "
            f"({error.verify_message}): SSL_CERT_FILE names a file with those to trust."
        ) from error
    except (OSError, TimeoutError) as error:
        raise BackplaneAway(f"{AWAY} at {address}: {error or 'no answer'}") from error
    try:
        if logs_in and target.password is not None:
            login = (target.username, target.password) if target.username else (target.password,)
            await wire.call("AUTH", *login)
        if logs_in and target.db:
            await wire.call("SELECT", target.db)
    except hiredis.ReplyError as error:
        wire.close()
        raise SettingsError(f"--backplane (HUBLINE_BACKPLANE): Redis at {address} refuses it: {error}.") from error
    except BaseException:
        wire.close()
        raise
    return wire


class Server:
    """Opened once; when either connection is lost, both end, and `on_lost` is called once. Then make another one.

    `identity` is the life of what it stores: another one after a restart or a failover, which may have lost the tail.
    """

    def __init__(
        self,
        address: Address,
        target: Target,
        options: RedisOptions,
        *,
        on_lost: Callable[["Server"], None],
        push: Callable[["Server", Reply], None],
    ) -> None:
        self.address = address
        self._target = target
        self._options = options
        self._on_lost = on_lost
        self._push = push
        self._commands: Wire | None = None  # set by `open`
        self._listening: Wire | None = None  # set by `open`
        self.shas: dict[str, bytes] = {}
        self.is_up = False  # from the end of `open` until lost
        self.identity = b""
        self.uptime_s = 0.0
        self.is_sharded = False

    async def open(self) -> None:
        """Raises `BackplaneAway`, or SettingsError where it will never do."""
        try:
            options = self._options
            self._commands = await connect(self.address, self._target, options, on_lost=self.close)
            self._listening = await connect(
                self.address, self._target, options, on_lost=self.close, push=lambda reply: self._push(self, reply)
            )
            await self._learn()
            for name in SCRIPTS:
                sha = await self._commands.call("SCRIPT", "LOAD", self._script(name))
                assert isinstance(sha, bytes)
                self.shas[name] = sha
            if not self._listening.is_open:
                raise BackplaneAway(AWAY)
        except hiredis.ReplyError as error:
            self.close()
            raise _refused(self.address, error) from error
        except BaseException:
            self.close()
            raise
        self.is_up = True

    async def _learn(self) -> None:
        assert self._commands is not None
        found: dict[str, str] = {}
        for section in ("server", "replication", "persistence"):
            text = await self._commands.call("INFO", section)
            assert isinstance(text, bytes)
            found |= dict(re.findall(r"^(\w+):(.*?)\r?$", text.decode(errors="replace"), re.MULTILINE))
        version = tuple(map(int, re.findall(r"\d+", found.get("redis_version", "0"))[:2]))
        if version < OLDEST:
            raise SettingsError(f"Redis at {self.address} is {found.get('redis_version')}: it must be 6.2 or newer.")
        if found.get("loading") == "1":
            raise BackplaneAway(f"Redis at {self.address} is loading")
        if found.get("role") != "master":
            raise BackplaneAway(f"Redis at {self.address} is a replica now")
        self.is_sharded = version >= SHARDED
        life = f"{found['run_id']}:{found.get('master_replid', '')}"
        self.identity = hashlib.sha256(life.encode()).hexdigest()[:20].encode()
        self.uptime_s = float(found.get("uptime_in_seconds", "0"))

    # ------------------------------------------------------------------------------------------------ using it

    @property
    def is_full(self) -> bool:
        return self._commands is not None and self._commands.unsent_bytes > self._options.max_unsent_bytes

    @property
    def publish_word(self) -> bytes:
        return b"SPUBLISH" if self.is_sharded else b"PUBLISH"

    def send(self, answer: Answer | None, *words: Word) -> None:
        self.send_packed(pack(*words), answer)

    def send_packed(self, packed: bytes, answer: Answer | None) -> None:
        assert self._commands is not None
        self._commands.send(packed, answer)

    def script(self, answer: Answer, name: str, keys: tuple[bytes, ...], arguments: tuple[Word, ...]) -> None:
        """Run a script, whose first argument is this server's identity."""
        self.send(answer, b"EVALSHA", self.shas[name], len(keys), *keys, self.identity, *arguments)

    def script_in_full(self, answer: Answer, name: str, keys: tuple[bytes, ...], arguments: tuple[Word, ...]) -> None:
        """The same for a server that has forgotten its scripts."""
        self.send(answer, b"EVAL", self._script(name), len(keys), *keys, self.identity, *arguments)

    def _script(self, name: str) -> str:
        return SCRIPTS[name].replace("PUBLISH_WORD", self.publish_word.decode())

    def subscribe(self, channels: list[bytes]) -> None:
        """Of one bucket. Each is confirmed by what is pushed."""
        if self._listening is not None and self._listening.is_open:
            self._listening.send_unanswered(pack(b"SSUBSCRIBE" if self.is_sharded else b"SUBSCRIBE", *channels))

    def unsubscribe(self, channel: bytes) -> None:
        if self._listening is not None and self._listening.is_open:
            self._listening.send_unanswered(pack(b"SUNSUBSCRIBE" if self.is_sharded else b"UNSUBSCRIBE", channel))

    def close(self) -> None:
        """Drop both connections. Idempotent; also called when one of them is lost."""
        was_up, self.is_up = self.is_up, False
        for wire in (self._commands, self._listening):
            if wire is not None:
                wire.close()
        if was_up:
            self._on_lost(self)


def _refused(address: Address, error: hiredis.ReplyError) -> Exception:
    """An error reply to how we begin: no login (needs another setting), or the server is not ready."""
    if str(error).startswith(("NOAUTH", "NOPERM", "WRONGPASS")):
        return SettingsError(f"--backplane (HUBLINE_BACKPLANE): Redis at {address} refuses it: {error}.")
    return BackplaneAway(f"Redis at {address}: {error}")

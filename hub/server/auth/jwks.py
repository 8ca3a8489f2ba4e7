"""Keys from a JWKS address, which is a setting: no claim and no header of a token ever leads anywhere (CVE-2026-32301).

Each issuer has its own `JwksKeys`, so a key id means nothing outside of its issuer (CVE-2026-49998). What is fetched
is bounded in time and size, redirects are not followed, and one fetch serves all who wait. An unknown key id fetches
again, though not more often than `retry_s`: tokens with invented ids cost the issuer next to nothing.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping

import httpx2
from jwt import PyJWK, PyJWTError

from hub.server.auth.keys import Key, KeysAway, KeyUnknown, PublicKey, public_key

log = logging.getLogger("hub.server")

MAX_BYTES = 262_144
MAX_KEYS = 100
_KINDS = {"RSA": "RS256", "EC": "ES256"}


class JwksKeys:
    """Of one issuer. `address` is https, or http on this machine; whoever makes it has checked that.

    Keys are fetched anew after `refresh_s`; while that fails the known ones serve for `keep_s` more.
    """

    def __init__(
        self,
        address: str,
        *,
        timeout_s: float = 5.0,
        refresh_s: float = 600.0,
        keep_s: float = 86_400.0,
        retry_s: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._refresh_s = refresh_s
        self._keep_s = keep_s
        self._retry_s = retry_s
        self._clock = clock
        self._keys: Mapping[str | None, tuple[Key, ...]] = {}  # by key id
        self._fetched_at: float | None = None  # when `_keys` came
        self._tried_at: float | None = None  # when a fetch last began
        self._fetching = asyncio.Lock()

    async def find(self, algorithm: str, key_id: str | None) -> Key:
        if self._is_older_than(self._refresh_s):
            await self._fetch()
        key = self._known(algorithm, key_id)
        if key is None:
            await self._fetch()
            key = self._known(algorithm, key_id)
        if key is not None:
            return key
        if self._is_older_than(self._keep_s):
            raise KeysAway
        raise KeyUnknown

    def _is_older_than(self, seconds: float) -> bool:
        return self._fetched_at is None or self._clock() - self._fetched_at > seconds

    def _known(self, algorithm: str, key_id: str | None) -> Key | None:
        """Without a key id the one key that there is for the algorithm."""
        if self._is_older_than(self._refresh_s + self._keep_s):
            return None
        named = self._keys.get(key_id, ()) if key_id is not None else [key for k in self._keys.values() for key in k]
        fitting = [key for key in named if key.algorithm == algorithm]
        return fitting[0] if len(fitting) == 1 else None

    async def _fetch(self) -> None:
        """Fetch, unless it was tried a moment ago; who comes meanwhile waits for the same answer."""
        async with self._fetching:
            if self._tried_at is not None and self._clock() - self._tried_at < self._retry_s:
                return
            self._tried_at = self._clock()
            try:
                async with asyncio.timeout(self._timeout_s):
                    document = await self._get()
                self._keys = read_jwks(document)
            except (TimeoutError, OSError, ValueError, RecursionError, httpx2.HTTPError) as error:
                reason = str(error) or type(error).__name__
                log.warning("keys cannot be fetched", extra={"address": self._address, "reason": reason})
                return
            self._fetched_at = self._clock()

    async def _get(self) -> bytes:
        # Without compression: what is small on the wire must be small in memory.
        headers = {"accept": "application/json", "accept-encoding": "identity"}
        async with (
            httpx2.AsyncClient(follow_redirects=False, timeout=self._timeout_s) as client,
            client.stream("GET", self._address, headers=headers) as answer,
        ):
            if answer.status_code != 200:
                raise ValueError(f"it answers with status {answer.status_code}")
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise ValueError("it answers with compression, which was not asked for")
            received = bytearray()
            async for piece in answer.aiter_raw():
                received += piece
                if len(received) > MAX_BYTES:
                    raise ValueError(f"it answers with more than {MAX_BYTES} bytes")
            return bytes(received)


def read_jwks(document: bytes) -> dict[str | None, tuple[Key, ...]]:
    """The keys of a JWKS document that can verify RS256 or ES256, by key id; others are passed over.

    Raises ValueError for what is no such document, or has too many keys.
    """
    body = json.loads(document)
    entries = body.get("keys") if isinstance(body, dict) else None
    if not isinstance(entries, list):
        raise ValueError("its answer is no JWKS document")
    if len(entries) > MAX_KEYS:
        raise ValueError(f"its answer has {len(entries)} keys, and {MAX_KEYS} is the limit")
    keys: dict[str | None, tuple[Key, ...]] = {}
    for entry in entries:
        if isinstance(entry, dict) and (key := _read_key(entry)) is not None:
            key_id = entry.get("kid")
            name = key_id if isinstance(key_id, str) else None
            keys[name] = (*keys.get(name, ()), key)
    return keys


def _read_key(entry: dict[str, object]) -> Key | None:
    algorithm = _KINDS.get(str(entry.get("kty")))
    if algorithm is None or entry.get("use", "sig") != "sig" or entry.get("alg", algorithm) != algorithm:
        return None
    public = {name: value for name, value in entry.items() if name in ("kty", "n", "e", "crv", "x", "y", "kid")}
    try:
        found = PyJWK.from_dict(public, algorithm=algorithm).key
        return public_key(found) if isinstance(found, PublicKey) else None
    except (PyJWTError, ValueError, TypeError, OverflowError) as error:
        log.warning(
            "a key of the issuer cannot be used", extra={"kid": str(entry.get("kid"))[:80], "reason": str(error)}
        )
        return None

"""Real keys and signed tokens, and a JWKS server that answers as a test says."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

SECRET = "0123456789abcdef-ghijklmnopqrstuvwxyz"
Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def rsa_key(name: str = "one", bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=bits)


@cache
def ec_key(name: str = "one") -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem(key: Private) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def jwk(key: Private, key_id: str | None, **more: object) -> dict[str, object]:
    public = key.public_key()
    made = (
        RSAAlgorithm.to_jwk(public, True) if isinstance(public, rsa.RSAPublicKey) else ECAlgorithm.to_jwk(public, True)
    )
    return {**made, **({} if key_id is None else {"kid": key_id}), **more}


def claims(**more: object) -> dict[str, object]:
    """Of a good token; None takes a claim away."""
    now = int(time.time())
    named = {"sub": "ann", "iat": now, "exp": now + 60, **more}
    return {name: value for name, value in named.items() if value is not None}


def hs256(**more: object) -> str:
    return jwt.encode(claims(**more), SECRET, algorithm="HS256")


def signed(
    key: Private, key_id: str | None = None, header: Mapping[str, object] | None = None, /, **more: object
) -> str:
    algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
    named = {**({} if key_id is None else {"kid": key_id}), **(header or {})}
    return jwt.encode(claims(**more), key, algorithm=algorithm, headers=named)


class JwksServer:
    """`answer` writes what comes after the request; `requests` counts."""

    def __init__(self) -> None:
        self.requests = 0
        self.url = ""  # set when it listens
        self.answer: Callable[[asyncio.StreamWriter], Awaitable[None]] = self.serve()

    def serve(self, *keys: dict[str, object]) -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
        """Answers with these keys from now on."""
        return self.say(200, json.dumps({"keys": keys}).encode())

    def say(self, status: int, body: bytes, *headers: str) -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
        lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}", "connection: close", *headers, "", ""]

        async def answer(writer: asyncio.StreamWriter) -> None:
            writer.write("\r\n".join(lines).encode() + body)

        self.answer = answer
        return answer

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.requests += 1
            await self.answer(writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # who was to be answered has gone, as some tests want
        finally:
            writer.close()


@asynccontextmanager
async def jwks_server() -> AsyncIterator[JwksServer]:
    server = JwksServer()
    listening = await asyncio.start_server(server._accept, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/keys"
    try:
        yield server
    finally:
        listening.close()

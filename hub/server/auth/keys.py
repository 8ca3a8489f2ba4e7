"""Keys that tokens are verified with. Each key belongs to one algorithm, by its own kind and never by a token's word:
a public key can so never be taken for an HS256 secret.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

Algorithm = Literal["HS256", "RS256", "ES256"]
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

MIN_SECRET_BYTES = 32
"""Of HS256 (RFC 7518, 3.2): a shorter secret can be found by trying."""
MIN_RSA_BITS = 2048
MAX_RSA_BITS = 16_384
"""A bigger one costs more time to verify with than it is worth."""


class KeyUnknown(Exception):
    """No key of ours could have signed the token."""


class KeysAway(Exception):
    """The keys cannot be fetched now; trying again may work."""


@dataclass(frozen=True, slots=True)
class Key:
    algorithm: Algorithm
    material: bytes | PublicKey


class Keys(Protocol):
    """Where the keys of one issuer come from."""

    async def find(self, algorithm: str, key_id: str | None) -> Key:
        """The key for a token that says these two of itself; its algorithm is the one asked for.

        Raises KeyUnknown, KeysAway.
        """
        ...


class OneKey:
    """A secret or a public key that was given. Key ids do not matter."""

    def __init__(self, key: Key) -> None:
        self._key = key

    async def find(self, algorithm: str, key_id: str | None) -> Key:
        if algorithm != self._key.algorithm:
            raise KeyUnknown
        return self._key


def secret_key(secret: str) -> Key:
    """Raises ValueError, with the end of a sentence, for a weak secret."""
    material = secret.encode()
    if len(material) < MIN_SECRET_BYTES:
        raise ValueError(f"must have {MIN_SECRET_BYTES} bytes or more, and has {len(material)}")
    if len(set(material)) < 8:
        raise ValueError("must be random: it repeats a few characters")
    if b"-----BEGIN" in material or material.startswith((b"ssh-", b"ecdsa-")):
        raise ValueError("must be a secret, and it is a key file's text: a public key goes into --jwt-public-key")
    return Key("HS256", material)


def pem_key(pem: bytes) -> Key:
    """The public key of a PEM file, or of a certificate. Raises ValueError, with the end of a sentence."""
    if b"PRIVATE KEY" in pem:
        raise ValueError("holds a private key: keep that with the issuer and give its public key")
    try:
        is_certificate = b"BEGIN CERTIFICATE" in pem
        found = x509.load_pem_x509_certificate(pem).public_key() if is_certificate else load_pem_public_key(pem)
    except Exception as error:  # whatever the parser meets in a file that is none
        raise ValueError("is no public key (PEM)") from error
    if not isinstance(found, PublicKey):
        raise ValueError("must hold an RSA key (RS256) or a P-256 key (ES256)")
    return public_key(found)


def public_key(found: PublicKey) -> Key:
    """Raises ValueError, with the end of a sentence, for a weak or unsupported key."""
    if isinstance(found, rsa.RSAPublicKey):
        if not MIN_RSA_BITS <= found.key_size <= MAX_RSA_BITS:
            raise ValueError(f"must hold an RSA key of {MIN_RSA_BITS} bits or more, and has {found.key_size}")
        return Key("RS256", found)
    if not isinstance(found.curve, ec.SECP256R1):
        raise ValueError("must hold a P-256 key (ES256) where it holds one of a curve")
    return Key("ES256", found)

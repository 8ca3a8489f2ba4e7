"""Whether a request came through a proxy, by what proxies add to it."""

from collections.abc import Iterable

_NAMES = frozenset(
    {
        *("forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip"),
        *("cf-connecting-ip", "true-client-ip", "fly-client-ip", "fastly-client-ip"),
    }
)


def forwarding_header(names: Iterable[str]) -> str | None:
    """The first of these header names, in lower case, that says so."""
    return next((name for name in names if name in _NAMES or name.startswith("x-forwarded-")), None)

"""Bodies of negotiate (N1-N5) and the query values that ask for them."""

import pytest

from hub.errors import ProtocolError
from hub.protocol import negotiate
from tests.protocol import golden

GOLDEN = {name: body.encode() for name, body in golden.load("negotiate").items()}


def test_lifetime_of_the_token() -> None:
    """N7; version 0 knows nothing of it."""
    for version, written in ((1, b'],"tokenLifetimeSeconds":60}'), (0, b"]}")):
        body = negotiate.body(version, connection_id="i", connection_token="t", transports=(), token_lifetime_s=60)
        assert body.endswith(written)
    assert negotiate.refreshed_body(60) == b'{"tokenLifetimeSeconds":60}'
    assert negotiate.refreshed_body(None) == b"{}"


def test_bodies_are_written_exactly() -> None:
    everything: tuple[negotiate.TransportName, ...] = ("WebSockets", "ServerSentEvents", "LongPolling")
    written = {
        "version 1, all transports": negotiate.body(
            1, connection_id="id", connection_token="token", transports=everything
        ),
        "version 1, stateful reconnect": negotiate.body(
            1, connection_id="id", connection_token="token", transports=("WebSockets",), use_stateful_reconnect=True
        ),
        "version 0": negotiate.body(0, connection_id="id", connection_token="token", transports=("LongPolling",)),
        "redirect": negotiate.redirect_body("https://other.example/hub", "abc"),
        "redirect without token": negotiate.redirect_body("https://other.example/hub"),
    }
    for value, minimum, name in (("x", 0, "not an integer"), ("0", 1, "too old")):
        with pytest.raises(ProtocolError) as refused:
            negotiate.read_version(value, minimum=minimum)
        written[name] = negotiate.error_body(str(refused.value))
    assert written == GOLDEN


@pytest.mark.parametrize(
    ("value", "version"), [(None, 0), ("0", 0), ("1", 1), ("+1", 1), ("01", 1), ("2", 1), ("2147483647", 1)]
)
def test_version_is_read(value: str | None, version: int) -> None:
    assert negotiate.read_version(value) == version


@pytest.mark.parametrize("value", ["", "x", "1.0", "1_0", "٣", "2147483648", "9" * 5000, "1\n", "0x1", "-"])
def test_version_that_is_no_integer(value: str) -> None:
    with pytest.raises(ProtocolError, match=r"The client requested a non-integer protocol version\."):
        negotiate.read_version(value)


@pytest.mark.parametrize(("value", "minimum", "shown"), [("-1", 0, "-1"), (None, 1, "0"), ("1", 2, "1")])
def test_version_below_the_minimum(value: str | None, minimum: int, shown: str) -> None:
    with pytest.raises(ProtocolError, match=f"The client requested version '{shown}', but the server does not support"):
        negotiate.read_version(value, minimum=minimum)


@pytest.mark.parametrize(
    ("value", "is_allowed", "transports", "used"),
    [
        ("true", True, ("WebSockets", "LongPolling"), True),
        ("True", True, ("WebSockets",), True),
        ("false", True, ("WebSockets",), False),
        (None, True, ("WebSockets",), False),
        ("true", False, ("WebSockets",), False),
        ("true", True, ("LongPolling",), False),
    ],
)
def test_stateful_reconnect_needs_both_sides_and_websockets(
    value: str | None, is_allowed: bool, transports: tuple[negotiate.TransportName, ...], used: bool
) -> None:
    assert negotiate.uses_stateful_reconnect(value, is_allowed=is_allowed, transports=transports) is used

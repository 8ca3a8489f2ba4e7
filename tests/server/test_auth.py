"""Who is let in: tokens, the anonymous rule, Host and Origin."""

import pytest
from starlette.requests import HTTPConnection

from hub.server.auth import ANONYMOUS, Gate, Refused, User, bearer_token

ANN = User(id="ann", organisation="acme", roles=frozenset({"admin"}))


def request(query: str = "", **headers: str) -> HTTPConnection:
    named = {"host": "127.0.0.1:8000", **{name.replace("_", "-"): value for name, value in headers.items()}}
    raw = [(name.encode(), value.encode()) for name, value in named.items()]
    return HTTPConnection({"type": "http", "headers": raw, "query_string": query.encode(), "path": "/hub"})


@pytest.mark.parametrize(
    ("query", "headers", "token"),
    [
        ("", {}, None),
        ("", {"authorization": "Bearer abc"}, "abc"),
        ("", {"authorization": "bearer  abc "}, "abc"),
        ("", {"authorization": "Basic abc"}, None),
        ("access_token=abc", {}, "abc"),
        ("access_token=", {}, None),
        ("access_token=query", {"authorization": "Bearer header"}, "header"),
    ],
)
def test_where_the_token_is(query: str, headers: dict[str, str], token: str | None) -> None:
    assert bearer_token(request(query, **headers)) == token


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1", "[::1]:80", "LOCALHOST", "dev.example"])
async def test_anonymous_on_this_machine(host: str) -> None:
    gate = Gate(anonymous_allowed=True, allowed_hosts=["dev.example"])
    assert await gate.admit(request(host=host)) is ANONYMOUS


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 403),
        ({"host": ""}, 403),
        ({"host": "[::1"}, 403),
        ({"host": "127.0.0.1.evil.example"}, 403),
        ({"forwarded": "for=1.2.3.4"}, 403),
        ({"x_forwarded_for": "1.2.3.4"}, 403),
        ({"x_forwarded_whatever": "1"}, 403),
        ({"x_real_ip": "1.2.3.4"}, 403),
        ({"via": "1.1 proxy"}, 403),
        ({"origin": "https://evil.example"}, 403),
    ],
)
async def test_anonymous_from_elsewhere_is_refused(headers: dict[str, str], status: int) -> None:
    with pytest.raises(Refused) as caught:
        await Gate(anonymous_allowed=True).admit(request(**headers))
    assert caught.value.status == status


async def test_anonymous_is_off_unless_allowed() -> None:
    with pytest.raises(Refused) as caught:
        await Gate().admit(request())
    assert caught.value.status == 401


async def test_authenticate_may_be_plain_or_a_coroutine_and_rules_alone() -> None:
    async def later(request: HTTPConnection) -> User | None:
        return ANN if bearer_token(request) == "good" else None

    def now(request: HTTPConnection) -> User | None:
        return ANN if bearer_token(request) == "good" else None

    for gate in (Gate(authenticate=later, anonymous_allowed=True), Gate(authenticate=now)):
        assert await gate.admit(request("access_token=good", host="hub.example", via="1.1 proxy")) is ANN
        with pytest.raises(Refused) as caught:
            await gate.admit(request("access_token=bad"))
        assert caught.value.status == 401


@pytest.mark.parametrize(
    ("origin", "host", "passes"),
    [
        ("http://hub.example", "hub.example", True),
        ("https://hub.example", "hub.example:443", True),
        ("http://hub.example:8000", "hub.example:8000", True),
        ("http://HUB.example", "hub.EXAMPLE", True),
        ("https://addin.example", "hub.example", True),
        ("https://addin.example:444", "hub.example", False),
        ("http://hub.example:8001", "hub.example:8000", False),
        ("http://hub.example", "hub.example:8000", False),
        ("http://hub.example.evil", "hub.example", False),
        ("null", "hub.example", False),
        ("file://", "hub.example", False),
        ("http://[::1", "hub.example", False),
        ("ftp://hub.example", "hub.example", False),
    ],
)
def test_origin_rule(origin: str, host: str, passes: bool) -> None:
    gate = Gate(allowed_origins=["https://addin.example"])
    if passes:
        gate.check_origin(request(origin=origin, host=host))
    else:
        with pytest.raises(Refused):
            gate.check_origin(request(origin=origin, host=host))
    Gate(allowed_origins=["*"]).check_origin(request(origin=origin, host=host))

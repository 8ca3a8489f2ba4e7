"""Who is let in: tokens, the anonymous rule, Host and Origin."""

import pytest
from starlette.requests import HTTPConnection

from hub.errors import CallError
from hub.server.auth import ANONYMOUS, Gate, Refused, User, bearer_token, token_of

ANN = User(id="ann", organisation="acme", roles=frozenset({"admin"}))


def request(query: str = "", method: str = "GET", **headers: str) -> HTTPConnection:
    named = {"host": "127.0.0.1:8000", **{name.replace("_", "-"): value for name, value in headers.items()}}
    raw = [(name.encode(), value.encode()) for name, value in named.items()]
    return HTTPConnection(
        {"type": "http", "headers": raw, "query_string": query.encode(), "path": "/hub", "method": method}
    )


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
        ({"cf-connecting-ip": "203.0.113.9"}, 403),
        ({"x-client-ip": "203.0.113.9"}, 403),
        ({"origin": "https://evil.example"}, 403),
    ],
)
async def test_anonymous_from_elsewhere_is_refused(headers: dict[str, str], status: int) -> None:
    with pytest.raises(Refused) as caught:
        await Gate(anonymous_allowed=True).admit(request(**headers))
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("end", "address", "passes"),
    [
        ("server", "127.0.0.1", True),
        ("server", "127.8.8.8", True),
        ("server", "::1", True),
        ("server", "::ffff:127.0.0.1", True),
        ("server", "/run/hub.sock", True),
        ("server", "10.0.0.5", False),
        ("server", "0.0.0.0", False),
        ("server", "::ffff:10.0.0.5", False),
        ("server", "fe80::1%eth0", False),
        ("client", "10.0.0.5", False),
        ("client", "2001:db8::1", False),
    ],
)
async def test_anonymous_use_stays_on_this_machine_whatever_the_server_is_bound_to(
    end: str, address: str, passes: bool
) -> None:
    asked = request()
    asked.scope[end] = (address, 8000)
    gate = Gate(anonymous_allowed=True)
    if passes:
        assert await gate.admit(asked) is ANONYMOUS
    else:
        with pytest.raises(Refused):
            await gate.admit(asked)


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
        ("https://evil-addin.example", "hub.example", False),
        ("https://addin.example.evil.example", "hub.example", False),
        ("https://x.addin.example", "hub.example", False),
        ("https://addin.example.", "hub.example", False),
        ("https://ADDIN.example", "hub.example", True),
        ("https://addin.example:443", "hub.example", True),
        ("http://addin.example", "hub.example", False),
        ("https://user@addin.example", "hub.example", False),
        ("https://addin.example@evil.example", "hub.example", False),
        ("https://addin.example#@evil.example", "hub.example", False),
        ("https://evil.example/https://addin.example", "hub.example", False),
        ("https://evil.example?https://addin.example", "hub.example", False),
        ("https://evil.example\\addin.example", "hub.example", False),
        (" https://addin.example", "hub.example", False),
        ("https://addin.example https://evil.example", "hub.example", False),
        ("https://team.wide.example", "hub.example", True),
        ("https://a.b.wide.example", "hub.example", True),
        ("https://wide.example", "hub.example", False),
        ("https://evil-wide.example", "hub.example", False),
        ("https://wide.example.evil.example", "hub.example", False),
        ("https://team.wide.example:8443", "hub.example", False),
        ("http://hub.example.", "hub.example", False),
        ("http://user@hub.example", "hub.example", False),
        ("http://hub.example:99999", "hub.example", False),
        ("", "hub.example", False),
        ("http://hub.example", "", False),
        ("http://hub.example", "user@hub.example", False),
    ],
)
def test_origin_rule(origin: str, host: str, passes: bool) -> None:
    gate = Gate(allowed_origins=["https://addin.example", "https://*.wide.example"])
    if passes:
        gate.check_origin(request(origin=origin, host=host))
    else:
        with pytest.raises(Refused):
            gate.check_origin(request(origin=origin, host=host))
    Gate(allowed_origins=["*"]).check_origin(request(origin=origin, host=host))


@pytest.mark.parametrize(
    "origin", ["example.com", "https://", "https://a.example/path", "https://*", "https://a.*.b", "null"]
)
def test_what_is_no_origin_is_no_setting(origin: str) -> None:
    with pytest.raises(ValueError, match="no origin"):
        Gate(allowed_origins=[origin])


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({"origin": "http://hub.example"}, True),
        ({"origin": "https://addin.example"}, True),
        ({"sec_fetch_site": "same-origin"}, True),
        ({}, False),
        ({"origin": "https://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"sec_fetch_site": "cross-site"}, False),
        ({"sec_fetch_site": "none"}, False),
        ({"origin": "https://evil.example", "sec_fetch_site": "same-origin"}, False),
    ],
    ids=str,
)
async def test_a_cookie_is_taken_from_known_pages_only(headers: dict[str, str], passes: bool) -> None:
    def read(request: HTTPConnection) -> User | None:
        return ANN if token_of(request, "hub") == "good" else None

    for origins in (["https://addin.example"], ["https://addin.example", "*"]):
        gate = Gate(authenticate=read, token_cookie="hub", allowed_origins=origins)
        asked = request(host="hub.example", cookie="hub=good", **headers)
        if passes:
            assert await gate.admit(asked) is ANN
        else:
            with pytest.raises(Refused) as caught:
                await gate.admit(asked)
            assert caught.value.status == 403
    # A bearer token is sent by a page's own code, never by the browser alone.
    gate = Gate(authenticate=read, token_cookie="hub")
    assert await gate.admit(request(cookie="hub=old", authorization="Bearer good")) is ANN


async def test_the_challenge() -> None:
    with pytest.raises(Refused) as caught:
        await Gate(authenticate=lambda request: None).admit(request())
    assert caught.value.headers == {"www-authenticate": "Bearer"}


class TestRefresh:
    """A newer token over an open connection."""

    def gate(self, fresh: User | Refused | None) -> Gate:
        def authenticate(request: HTTPConnection) -> User | None:
            assert bearer_token(request) == "new"
            assert request.headers.keys() == ["authorization"]
            if isinstance(fresh, Refused):
                raise fresh
            return fresh

        return Gate(authenticate=authenticate)

    async def test_the_same_user_goes_on(self) -> None:
        fresh = User(id="ann", organisation="acme", expires_at=5)
        assert await self.gate(fresh).refresh("new", ANN) is fresh
        assert await Gate(anonymous_allowed=True).refresh("whatever", ANONYMOUS) is ANONYMOUS

    @pytest.mark.parametrize(
        ("fresh", "code"),
        [
            (User(id="bob", organisation="acme"), "forbidden"),
            (User(id="ann", organisation="other"), "forbidden"),
            (User(id="ann"), "forbidden"),
            (User(id="ann", organisation="acme", anonymous=True), "forbidden"),
            (None, "token_expired"),
            (Refused(401, "The token has expired."), "token_expired"),
            (Refused(503, "The keys are away."), "unavailable"),
        ],
        ids=["user", "organisation", "none", "anonymous", "nobody", "refused", "away"],
    )
    async def test_anybody_else_does_not(self, fresh: User | Refused | None, code: str) -> None:
        with pytest.raises(CallError) as caught:
            await self.gate(fresh).refresh("new", ANN)
        assert caught.value.code == code

    @pytest.mark.parametrize("token", ["", "a\nb", "a\r\nx: y", "ä", "\x00", "a" * 16_385])
    async def test_what_is_no_token(self, token: str) -> None:
        with pytest.raises(CallError) as caught:
            await Gate(authenticate=lambda request: ANN).refresh(token, ANN)
        assert caught.value.code == "token_expired"


def test_no_two_users_have_one_key() -> None:
    users = [
        User(id=name, organisation=organisation)
        for name in ("ann", "a/ann", "/ann", "acme/ann", "%2Fann", "b", "a/b", "b/c", "anonymous", "/anonymous")
        for organisation in (None, "acme", "a", "a/b", "a%2Fb", "/", "%")
    ]
    users.append(ANONYMOUS)
    assert len({user.key for user in users}) == len(users)
    assert (User(id="ann").key, User(id="ann@acme.example").key) == ("ann", "ann@acme.example")
    assert ANN.key == "acme/ann"


@pytest.mark.parametrize(
    ("method", "headers", "origins", "passes"),
    [
        ("POST", {"sec_fetch_site": "cross-site"}, [], False),
        ("DELETE", {"sec_fetch_site": "same-site"}, [], False),
        ("POST", {"sec_fetch_site": "cross-site"}, ["*"], True),
        ("POST", {"sec_fetch_site": "cross-site", "origin": "https://addin.example"}, ["https://addin.example"], True),
        ("POST", {"sec_fetch_site": "same-origin"}, [], True),
        ("POST", {"sec_fetch_site": "none"}, [], True),
        ("POST", {}, [], True),
        ("GET", {"sec_fetch_site": "cross-site"}, [], True),
    ],
)
async def test_without_an_origin_the_site_counts(
    method: str, headers: dict[str, str], origins: list[str], passes: bool
) -> None:
    gate = Gate(anonymous_allowed=True, allowed_origins=origins)
    if passes:
        assert await gate.admit(request(method=method, **headers)) is ANONYMOUS
    else:
        with pytest.raises(Refused) as caught:
            await gate.admit(request(method=method, **headers))
        assert caught.value.status == 403

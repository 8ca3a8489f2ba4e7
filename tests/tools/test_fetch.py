"""`fetch`, on a real server on this machine, which is allowed here by name."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from hub.tools.base import ToolContext, ToolError
from hub.tools.fetch import fetch_tool, is_public

LOOPBACK = "127.0.0.1"


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        port = self.connection.getsockname()[1]
        hops = {"/away": "http://127.0.0.1:1/", "/local": f"http://inner.test:{port}/", "/file": "file:///etc/passwd"}
        if self.path in hops or self.path.startswith("/hop"):
            left = int(self.path[4:] or 0) if self.path.startswith("/hop") else 0
            self.answer(302, b"", Location=hops.get(self.path) or (f"/hop{left - 1}" if left else "/page"))
        elif self.path == "/image":
            self.answer(200, b"png", Content_Type="image/png")
        elif self.path == "/packed":
            self.answer(200, b"x", Content_Type="text/plain", Content_Encoding="gzip")
        elif self.path == "/latin":
            self.answer(200, b"caf\xe9", Content_Type="text/plain; charset=ISO-8859-1")
        elif self.path == "/codec":
            self.answer(200, "é".encode(), Content_Type="text/plain; charset=punycode")
        elif self.path == "/long":
            self.answer(200, b"x" * 5_000, Content_Type="text/plain")
        elif self.path == "/never":
            self.server.hang.wait()  # type: ignore[attr-defined]  # of the fixture
        else:
            self.answer(404 if self.path == "/none" else 200, f"at {self.headers['Host']}".encode())

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content_Type": "text/html", "Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = ThreadingHTTPServer((LOOPBACK, 0), Pages)
    server.hang = threading.Event()  # type: ignore[attr-defined]  # what /never waits for
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield int(server.server_address[1])
    server.hang.set()  # type: ignore[attr-defined]  # see above
    server.shutdown()
    server.server_close()
    thread.join()


class Names:
    """A DNS of our own, which gives the next answer of a name each time it is asked, the last one for ever."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self.answers = {f"{name}.test": [*each] for name, each in answers.items()}
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        answers = self.answers.get(host)
        if answers is None:
            raise OSError("unknown")
        return answers.pop(0) if len(answers) > 1 else answers[0]


async def read(url: str, names: Names, allowed: Sequence[str], **options: Any) -> dict[str, Any]:
    tool = fetch_tool(
        allowed,
        is_allowed_address=lambda address: address == LOOPBACK or is_public(address),
        resolve=names.resolve,
        **options,
    )
    context = ToolContext(
        user="ann", organisation=None, session_id="s", run_id="r", call_id="c", report=lambda fraction, note: None
    )
    result = await tool.run({"url": url}, context)
    assert isinstance(result, dict)
    return result


async def test_reads_text_by_the_name_of_the_host(port: int) -> None:
    names = Names(site=[[LOOPBACK]])
    site = f"site.test:{port}"
    page = await read(f"http://{site}/page", names, [site])
    assert page == {
        "url": f"http://{site}/page", "status": 200, "contentType": "text/html", "text": f"at {site}",
        "truncated": False,
    }  # fmt: skip
    assert (await read(f"http://{site}/none", names, [f"*.test:{port}"]))["status"] == 404
    assert (await read(f"http://{site}/latin", names, [site]))["text"] == "café"
    assert (await read(f"http://{site}/codec", names, [site]))["text"] == "é"
    long = await read(f"http://{site}/long", names, [site], max_bytes=1_000)
    assert (len(long["text"]), long["truncated"]) == (1_000, True)


async def test_a_name_is_resolved_once_for_a_request(port: int) -> None:
    """What it is bound to afterwards leads nowhere."""
    names = Names(site=[[LOOPBACK], ["10.0.0.1"]])
    site = f"site.test:{port}"
    assert (await read(f"http://{site}/page", names, [site]))["status"] == 200
    assert names.asked == ["site.test"]
    with pytest.raises(ToolError, match="at an address that may not be read"):
        await read(f"http://{site}/page", names, [site])


async def test_redirects_are_checked_as_the_first_address_is(port: int) -> None:
    names = Names(site=[[LOOPBACK]], inner=[["192.168.0.1"]])
    site = f"site.test:{port}"
    assert (await read(f"http://{site}/hop2", names, [site]))["url"] == f"http://{site}/page"
    assert names.asked == ["site.test"] * 4
    for path, problem in {
        "hop3": "leads on more than 3 times",
        "away": "127.0.0.1 .port 1. is not one of those",
        "local": "inner.test is at an address that may not be read",
        "file": "Only http",
    }.items():
        with pytest.raises(ToolError, match=problem):
            await read(f"http://{site}/{path}", names, [site, f"inner.test:{port}"])


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("ftp://site.test/", "Only http"),
        ("file:///etc/passwd", "Only http"),
        ("http:///x", "Only http"),
        ("site.test", "Only http"),
        ("http://[::1", "no address"),
        ("http://site.test:99999999/", "is not one of those"),
        ("http://ann:pw@site.test/", "user name or a password"),
        ("http://site.test@other.test/", "user name or a password"),
        ("http://other.test/", "other.test .port 80. is not one of those"),
        ("http://site.test.other.test/", "is not one of those"),
        ("http://notsite.test/", "is not one of those"),
        ("http://site.test:22/", "port 22. is not one of those"),
        ("http://2130706433/", "is not one of those"),
        ("http://0177.0.0.1/", "no address"),
        ("http://[::ffff:127.0.0.1]/", "is not one of those"),
        ("http://unknown.test/", "unknown.test is not known"),
        ("http://mixed.test/", "may not be read"),
        ("http://x." + "y" * 2_000, "Wrong arguments"),
    ],
)
async def test_refuses(url: str, problem: str) -> None:
    names = Names(site=[[LOOPBACK]], mixed=[["93.184.215.14", "10.0.0.1"]])
    with pytest.raises(ToolError, match=problem):
        await read(url, names, ["site.test", "mixed.test", "unknown.test"])


async def test_refuses_what_is_no_text_or_takes_too_long(port: int) -> None:
    names = Names(site=[[LOOPBACK]])
    site = f"site.test:{port}"
    for path, problem in {
        "image": "no text, but image/png",
        "packed": "compressed",
        "never": "did not answer in",
    }.items():
        with pytest.raises(ToolError, match=problem):
            await read(f"http://{site}/{path}", names, [site], timeout_s=0.5 if path == "never" else 20)
    names.answers["closed.test"] = [[LOOPBACK]]
    with pytest.raises(ToolError, match="could not be read"):
        await read("http://closed.test:1/", names, ["closed.test:1"])
    with pytest.raises(ToolError, match="could not be read"):  # no TLS there
        await read(f"https://{site}/page", names, [site])


@pytest.mark.parametrize("host", [LOOPBACK, "2130706433", "0x7f.1", "127.1", "localhost"])
async def test_every_form_of_this_machine_is_refused_by_its_address(host: str, port: int) -> None:
    """Even if somebody allows it by name; resolved by the system."""
    context = ToolContext(
        user="ann", organisation=None, session_id="s", run_id="r", call_id="c", report=lambda fraction, note: None
    )
    with pytest.raises(ToolError, match="may not be read"):
        await fetch_tool([f"{host}:{port}"]).run({"url": f"http://{host}:{port}/page"}, context)


def test_public_addresses() -> None:
    for address in ("93.184.215.14", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"):
        assert is_public(address), address
    for address in (
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1"),
        *("::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "fe80::1", "fe80::1%1", "fc00::1"),
        *("ff02::1", "fec0::1", "2001:db8::1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::1", "100::1"),
    ):
        assert not is_public(address), address


async def test_two_calls_share_nothing(port: int) -> None:
    names = Names(site=[[LOOPBACK]])
    site = f"site.test:{port}"
    pages = await asyncio.gather(*(read(f"http://{site}/page", names, [site]) for _ in range(5)))
    assert [page["status"] for page in pages] == [200] * 5

"""The command, as a person starts it: real processes."""

import asyncio
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from hub.terminal.link import open_link
from tests.running import HUBLINE, clean_environment, running


def hubline(
    *arguments: str, folder: Path, stdin: str = "", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [HUBLINE, *arguments],
        cwd=folder,
        env=clean_environment(folder, environment),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_version(tmp_path: Path) -> None:
    assert hubline("--version", folder=tmp_path).stdout == f"hubline {version('hubline')}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["serve", "--prot", "8000"], "hubline serve does not know --prot; the nearest is --port."),
        (
            ["serve", "--bakplane=redis://:s3cret@x"],
            "hubline serve does not know --bakplane; the nearest is --backplane.",
        ),
        (["chat", "--sesion", "x"], "hubline chat does not know --sesion; the nearest is --session."),
        (["serve", "8000"], "hubline serve does not know 8000; hubline serve --help names all."),
    ],
)
def test_a_misspelled_flag_is_told_the_nearest(words: list[str], said: str, tmp_path: Path) -> None:
    ended = hubline(*words, folder=tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", f"hubline: {said}\n")


def test_help_names_every_documented_flag(tmp_path: Path) -> None:
    text = hubline("serve", "--help", folder=tmp_path).stdout
    for flag in ("host", "port", "workers", "backplane", "provider", "model", "certfile", "keyfile"):
        assert f"--{flag} " in text
    assert "HUBLINE_" in text


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def is_one_sentence(text: str) -> bool:
    return text.startswith("hubline: ") and text.endswith(".\n") and text.count("\n") == 1 and "Traceback" not in text


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        (["--port", "65536"], "--port"),
        (["--port", "http"], "--port"),
        (["--host", "0.0.0.0"], "--host"),
        (["--host", "::"], "--host"),
        (["--workers", "2"], "--workers"),
        (["--workers", "2", "--backplane", "memory://"], "--workers"),
        (["--backplane", "redis://127.0.0.1"], "HUBLINE_TOKEN_SECRET"),
        (["--backplane", "mysql://x"], "--backplane"),
        (["--backplane", "sqlite:////proc/hub.db"], "/proc/hub.db"),
        (["--backplane", "sqlite:///folder"], "folder"),
        (["--backplane", "sqlite:///text.db"], "text.db"),
        (["--backplane", "sqlite:///missing/hub.db"], "missing"),
        (["--provider", "nobody"], "nobody"),
        (["--provider", "anthropic"], "ANTHROPIC_API_KEY"),
        (["--certfile", "missing.pem"], "--certfile"),
        (["--certfile", "text.db"], "--certfile"),
        (["--keyfile", "text.db"], "--certfile"),
        (["--log-level", "loud"], "--log-level"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_start_that_cannot_be_is_one_sentence(tmp_path: Path, flags: list[str], names: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.db").write_text("This is no database and no certificate.\n" * 50, encoding="utf-8")
    answer = hubline("serve", "--port", "0", *flags, folder=tmp_path)
    assert answer.returncode == 2, answer.stderr
    assert is_one_sentence(answer.stderr), answer.stderr
    assert names in answer.stderr
    assert answer.stdout == ""


@pytest.mark.parametrize("key", ["", "sk-ant-1\nsk-ant-2", "sk-änt-1"])
def test_a_malformed_key_is_one_sentence_without_the_key(tmp_path: Path, key: str) -> None:
    answer = hubline("serve", "--port", "0", folder=tmp_path, environment={"ANTHROPIC_API_KEY": key})
    assert (answer.returncode, is_one_sentence(answer.stderr)) == (2, True), answer.stderr
    assert "sk-" not in answer.stderr


def test_a_taken_port_is_one_sentence(tmp_path: Path, taken_port: int) -> None:
    answer = hubline("serve", "--port", str(taken_port), folder=tmp_path)
    assert (answer.returncode, is_one_sentence(answer.stderr)) == (2, True), answer.stderr
    assert str(taken_port) in answer.stderr
    assert not list(tmp_path.glob("*.db")), "nothing is left behind"


def test_a_setting_of_the_environment_is_named_by_its_variable(tmp_path: Path) -> None:
    answer = hubline("serve", folder=tmp_path, environment={"HUBLINE_PORT": "tcp://10.0.0.1:80"})
    assert (answer.returncode, is_one_sentence(answer.stderr)) == (2, True), answer.stderr
    assert "HUBLINE_PORT" in answer.stderr


def test_it_serves_and_the_banner_says_what(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        with urllib.request.urlopen(f"{server.url}/healthz") as answer:
            assert answer.status == 200
        assert server.end() == 0
    assert (tmp_path / "hubline.db").exists()
    for said in (server.url, "demo", "ANTHROPIC_API_KEY", "hubline.db", "this machine"):
        assert said in server.banner


def test_memory_leaves_no_file(tmp_path: Path) -> None:
    with running(tmp_path, "--backplane", "memory://") as server:
        assert server.end() == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_well_though_clients_are_connected(tmp_path: Path, number: int) -> None:
    with running(tmp_path, "--shutdown-timeout-s", "2") as server:
        async with open_link(server.url) as link:
            await link.invoke("OpenSession")
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)  # sends nothing
            code = await asyncio.to_thread(server.end, number)
            writer.close()
        assert code == 0
        assert await reader.read() == b""
    assert not any("Traceback" in line or "level=error" in line for line in server.log), server.log


async def test_a_waiting_poll_is_told_to_come_again_at_the_end(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        async with httpx2.AsyncClient(base_url=server.url) as client:
            negotiated = (await client.post("/hub/negotiate?negotiateVersion=1")).json()
            query = {"id": negotiated["connectionToken"]}
            assert (await client.get("/hub", params=query)).content == b""
            await client.post("/hub", params=query, content=b'{"protocol":"json","version":1}\x1e')
            assert (await client.get("/hub", params=query)).content == b"{}\x1e"
            poll = asyncio.create_task(client.get("/hub", params=query))
            # Another client's answer shows that the poll, sent before, has arrived.
            async with open_link(server.url) as link:
                await link.invoke("OpenSession")
            code = await asyncio.to_thread(server.end)
            assert b'"allowReconnect":true' in (await poll).content
    assert code == 0
    assert not any("Traceback" in line or "level=error" in line for line in server.log), server.log


async def test_no_token_reaches_the_log(tmp_path: Path) -> None:
    address = "/hub?id=secret-connection&access_token=secret-access"
    with running(tmp_path, "--log-level", "debug") as server:
        with pytest.raises((InvalidStatus, ConnectionClosed)):
            async with connect(f"ws://127.0.0.1:{server.port}{address}") as socket:
                await socket.recv()
        server.end()
    assert "secret" not in "".join(server.log) + server.banner


class TestPipe:
    """`hubline chat` with something piped in."""

    def test_the_answer_goes_to_stdout(self, tmp_path: Path) -> None:
        with running(tmp_path, "--demo-pace", "0") as server:
            table = "name,price\npen,2\nink,5\n"
            answer = hubline("chat", "--url", server.url, folder=tmp_path, stdin=f"What is the total price?\n{table}")
            assert answer.returncode == 0, answer.stderr
            assert "7" in answer.stdout
            assert "✓" in answer.stderr, "tools are told of beside the answer"
            assert "\x1b" not in answer.stdout + answer.stderr

    def test_a_session_goes_on(self, tmp_path: Path) -> None:
        async def open_session(url: str) -> None:
            async with open_link(url) as link:
                await link.invoke("OpenSession", {"sessionId": "s-1"})

        with running(tmp_path, "--demo-pace", "0") as server:
            asyncio.run(open_session(server.url))
            first = hubline("chat", "--url", server.url, "--session", "s-1", folder=tmp_path, stdin="Hello")
            second = hubline("chat", "--url", server.url, "--session", "s-1", folder=tmp_path, stdin="Hello again")
        assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
        assert first.stdout.strip() not in second.stdout or first.stdout == second.stdout, "history is not the answer"

    def test_nobody_there(self, tmp_path: Path) -> None:
        answer = hubline("chat", "--url", "http://127.0.0.1:1", folder=tmp_path, stdin="Hello")
        assert (answer.returncode, is_one_sentence(answer.stderr.replace("?", "."))) == (
            1,
            True,
        ) or "?" in answer.stderr
        assert "hubline serve" in answer.stderr
        assert "Traceback" not in answer.stderr

    def test_a_reader_that_goes_ends_it(self, tmp_path: Path) -> None:
        with running(tmp_path, "--backplane", "memory://", "--demo-pace", "0") as server:
            chat = subprocess.Popen(
                [HUBLINE, "chat", "--url", server.url],
                env=clean_environment(tmp_path),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            assert chat.stdout is not None
            chat.stdout.close()  # as `| head` does once it has enough
            _, complaint = chat.communicate("Write a long text about tea, 2,000 words", timeout=60)
        assert (chat.returncode, complaint) == (1, "")

    def test_nothing_to_send(self, tmp_path: Path) -> None:
        answer = hubline("chat", folder=tmp_path, stdin=" \n")
        assert (answer.returncode, is_one_sentence(answer.stderr)) == (2, True)


def test_chat_says_what_to_do_where_no_hub_is(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        ended = hubline("chat", "--url", f"{server.url}/ai", folder=tmp_path, stdin="Hello")
    assert ended.returncode != 0
    assert "the path that the hub is mounted at" in ended.stderr

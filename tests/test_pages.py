"""All pages of docs/: what they name is there, and what they show as code is run, here or where `RUN_IN` says."""

import asyncio
import re
import shutil
import socket
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from starlette.requests import HTTPConnection

from hub import Hubline, User
from hub.config import PREFIX, Settings, flag_of
from hub.errors import HubError
from tests.running import HUBLINE, clean_environment, running

ROOT = Path(__file__).parent.parent
PAGES = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}
SECRET = "0123456789abcdef0123456789abcdef"

RUN_IN = {
    "authentication.md": {"sh": "tests/test_pages.py", "js": "tests/test_pages.py", "python": "tests/test_pages.py"},
    "client_tools.md": {"js": "tests/hosts/test_docs_of_client_tools.py"},
    "files.md": {"js": "tests/test_pages.py", "python": "tests/files/test_files_page.py"},
    "hooks.md": {"python": "tests/hooks/test_hooks_page.py"},
    "http.md": {"sh": "tests/api/test_http_page.py"},
    "providers.md": {"sh": "tests/test_providers_page.py", "json": "tests/test_providers_page.py"},
    "tools.md": {"python": "tests/tools/test_tools_page.py"},
}


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGES[page], re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_all_code_of_a_page_is_run(page: str) -> None:
    languages = set(re.findall(r"^```(\w+)$", PAGES[page], re.MULTILINE))
    assert languages == set(RUN_IN.get(page, ()))
    for path in RUN_IN.get(page, {}).values():
        assert page in (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_settings_and_files_that_there_are(page: str) -> None:
    text = PAGES[page]
    flags = {flag_of(name) for name in Settings.model_fields}
    others = {
        "--approve",
        "--url",
        "--session",
        "--token",
        "--user",
        "--role",
        "--org",
        "--name",
        "--ttl",
    }  # of other commands
    assert set(re.findall(r"`(--[\w-]+)", text)) <= flags | others
    variables = {name.upper() for name in Settings.model_fields} | {"TOKEN"}
    assert set(re.findall(rf"{PREFIX}([A-Z][A-Z_]*[A-Z])\b", text)) <= variables
    links = [
        link
        for link in re.findall(r"\]\(([^)#]+)", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
        if "://" not in link
    ]
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_the_commands_let_others_in(tmp_path: Path) -> None:
    assert shutil.which("openssl") is not None, "the tests need openssl"
    (block,) = blocks("authentication.md", "sh")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    served = f"hubline serve --host 0.0.0.0 --port {port} > log & until curl -sf {url}/healthz > up; do sleep 0.1; done"
    script = block.replace("hubline serve --host 0.0.0.0 &", served).replace(
        "hubline chat", f"hubline chat --url {url}"
    )
    script = script.replace("hubline ", f"{HUBLINE} ")
    assert script.count(HUBLINE) == 3
    ended = subprocess.run(
        ["sh", "-c", f"{script}\ncode=$?; kill $!; wait; exit $code"],
        cwd=tmp_path, env=clean_environment(tmp_path), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip()


async def node(code: str) -> str:
    """What the module prints, which ends by itself."""
    process = await asyncio.create_subprocess_exec(
        "node", "--input-type=module", "--eval", code,
        cwd=ROOT / "tests" / "interop", stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(60):
            printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0
    return printed.decode()


@pytest.mark.interop
async def test_the_client_brings_a_new_token(tmp_path: Path) -> None:
    environment = {"HUBLINE_JWT_SECRET": SECRET, "HUBLINE_TOKEN_WARNING_S": "86400"}

    def token(ttl: str) -> str:
        made = subprocess.run(
            [HUBLINE, "token", "--user", "ann", "--ttl", ttl],
            cwd=tmp_path, env=clean_environment(tmp_path, environment), capture_output=True, text=True, check=True,
        )  # fmt: skip
        return made.stdout.strip()

    first, second = await asyncio.to_thread(token, "1h"), await asyncio.to_thread(token, "3d")
    (block,) = blocks("authentication.md", "js")
    with running(tmp_path, environment=environment) as hub:
        printed = await node(
            f"""
            import * as signalR from "@microsoft/signalr";
            const newToken = async () => "{second}";
            const connection = new signalR.HubConnectionBuilder()
                .withUrl("{hub.url}/hub", {{ accessTokenFactory: () => "{first}" }}).configureLogging("none").build();
            const invoke = connection.invoke.bind(connection);
            connection.invoke = async (...call) => {{
                const answer = await invoke(...call);
                console.log(call[0], answer.expiresAt > Date.now() + 2 * 86400000);
                setTimeout(() => connection.stop(), 0);
                return answer;
            }};
            {block}
            await connection.start();
            """
        )
    assert printed == "RefreshToken true\n"


@pytest.mark.interop
async def test_the_client_sends_a_file(tmp_path: Path) -> None:
    (block,) = blocks("files.md", "js")
    with running(tmp_path, "--demo-pace", "0") as hub:
        printed = await node(
            f"""
            import * as signalR from "@microsoft/signalr";
            const connection = new signalR.HubConnectionBuilder()
                .withUrl("{hub.url}/hub").configureLogging("none").build();
            await connection.start();
            const {{ sessionId }} = await connection.invoke("OpenSession");
            const image = Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), Buffer.alloc(30000)]);
            const [base64, size, messageId] = [image.toString("base64"), image.length, "m1"];
            {block}
            let messages = [];
            while (messages.length === 0) ({{ messages }} = await connection.invoke("History", sessionId));
            console.log(messages[0].parts.map((part) => part.name ?? part.text).join("|"), messages[0].parts[1].size);
            await connection.stop();
            """
        )
    assert printed == "What is this?|dot.png 30008\n"


async def test_the_rule_of_ones_own_admits_by_a_cookie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # its sessions are kept where it runs
    (code,) = blocks("authentication.md", "python")

    async def find_session(cookie: str | None) -> object:
        if cookie != "good":
            return None
        return SimpleNamespace(user="ann", company="acme", roles=["admin"], ends_ms=None)

    found: dict[str, object] = {"db": SimpleNamespace(find_session=find_session)}
    exec(compile(code, "docs/authentication.md", "exec"), found)
    app, rule = found["app"], found["current_user"]
    assert isinstance(app, Hubline)
    assert callable(rule)

    def asked(cookie: str) -> HTTPConnection:
        return HTTPConnection({"type": "http", "headers": [(b"cookie", f"session={cookie}".encode())], "path": "/hub"})

    assert await rule(asked("bad")) is None
    ann = await rule(asked("good"))
    assert ann == User(id="ann", organisation="acme", roles=frozenset({"admin"}))
    async with app.lifespan():
        async with app.test_client("/board", user=ann) as client:
            assert await client.invoke("Clear") is None
        async with app.test_client("/board", user=User(id="bob")) as client:
            with pytest.raises(HubError, match="unauthorized"):
                await client.invoke("Clear")

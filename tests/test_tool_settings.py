"""The settings of the tools: what they bring into an application, and what a wrong one is told."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from hub import Hubline, config
from hub.errors import SettingsError

THINGS = str(Path(__file__).parent / "tools" / "mcp" / "things.py")


@pytest.mark.parametrize(
    ("servers", "problem"),
    [
        ("things", "Invalid JSON"),
        ("[1]", "should be an object"),
        ('{"a b": {"command": "x"}}', "HUBLINE_MCP_SERVERS is wrong at a b"),
        ('{"a": {}}', "a command or a url for a, and not both"),
        ('{"a": {"command": "x", "url": "http://x"}}', "and not both"),
        ('{"a": {"url": "ftp://x"}}', "HUBLINE_MCP_SERVERS is wrong at a.url"),
        ('{"a": {"command": "x", "environment": {"KEY": "s3cret"}}}', "wrong at a.environment: There is no such key"),
        ('{"a": {"comand": "x"}}', "wrong at a.comand: There is no such key; the nearest is command."),
        ('{"a": {"command": "x", "cwd": "/"}}', "no such key; there are command, args, env, url, headers."),
    ],
)
def test_wrong_servers_are_told_in_a_sentence_without_their_secrets(servers: str, problem: str) -> None:
    with pytest.raises(SettingsError) as refused:
        config.load({"mcp_servers": servers})
    assert problem in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_servers_stand_in_the_environment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBLINE_MCP_SERVERS", '{"a": {"url": "http://x/mcp", "headers": {"Authorization": "s3cret"}}}')
    settings = config.load({})
    assert settings.mcp_server_entries["a"].headers == {"Authorization": "s3cret"}
    assert "s3cret" not in repr(settings)
    assert config.flag_of("mcp_servers") is None


def test_the_calculator_is_there_by_default() -> None:
    assert Hubline(backplane="memory://", mcp_servers=None).tools.get("calculate") is not None


async def test_tools_of_servers_come_while_the_application_runs() -> None:
    things = {"things": {"command": sys.executable, "args": [THINGS, "stdio"]}, "dead": {"command": "/nonexistent"}}
    app = Hubline(backplane="memory://", mcp_servers=things)
    assert json.loads(app.settings.mcp_servers.get_secret_value() if app.settings.mcp_servers else "") == things
    async with app.lifespan(), asyncio.timeout(60):
        while app.tools.get("things_stock") is None:  # noqa: ASYNC110  # another process
            await asyncio.sleep(0.01)


def test_fetch_is_there_for_hosts_that_are_allowed() -> None:
    assert Hubline(backplane="memory://").tools.get("fetch") is None
    app = Hubline(backplane="memory://", fetch_allowed_hosts="docs.python.org, *.Example.com:8443")
    assert app.settings.fetch_allowed_hosts == ("docs.python.org", "*.example.com:8443")
    assert app.tools.get("fetch") is not None


@pytest.mark.parametrize("hosts", ["*", "https://example.com", "a/b", "*.*", "ann@example.com", "[::1]"])
def test_a_host_that_is_none_is_refused(hosts: str) -> None:
    with pytest.raises(SettingsError, match="HUBLINE_FETCH_ALLOWED_HOSTS"):
        config.load({"fetch_allowed_hosts": hosts})

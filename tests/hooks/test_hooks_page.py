"""The page about hooks: each example runs as it stands there, and its limits and settings are those of the code."""

import inspect
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from hub.app import Hubline
from hub.config import flag_of, load
from hub.errors import HubError
from hub.hook_settings import PII_KINDS, HookSettings
from hub.hooks.output import MAX_EVENTS, MAX_VALUE_BYTES
from hub.hooks.registry import MAX_CONTEXT_BYTES, Hooks
from tests.provider_server.server import ProviderServer
from tests.providers.hubs import Chatting, Event

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")
EXAMPLES: list[str] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@dataclass
class Example:
    """An application of the page, asked by one user."""

    chat: Chatting
    provider: ProviderServer

    async def ask(self, text: str) -> list[Event]:
        events = await self.chat.ask(text)
        assert events[-1]["type"] == "done" and events[-1]["outcome"] == "completed", events
        return events

    @property
    def seen(self) -> str:
        """What the model was sent last."""
        return str(self.provider.requests[-1].body["messages"])


@asynccontextmanager
async def running(code: str, patch: pytest.MonkeyPatch) -> AsyncIterator[Example]:
    async with ProviderServer() as provider:
        for name, value in {
            "OPENAI_API_KEY": provider.api_key,
            "OPENAI_BASE_URL": provider.openai_url,
            "HUBLINE_BACKPLANE": "memory://",
        }.items():
            patch.setenv(name, value)
        found: dict[str, object] = {"__name__": "app"}
        exec(compile(code, "app.py", "exec"), found)
        app = found["app"]
        assert isinstance(app, Hubline)
        async with app.lifespan(), app.test_client() as client:
            opened = await client.invoke("OpenSession", {})
            assert isinstance(opened, dict)
            yield Example(Chatting(client, opened["sessionId"]), provider)


def customs(events: list[Event], name: str) -> list[object]:
    return [event["value"] for event in events if event["type"] == "custom" and event["name"] == name]


def test_a_hook_is_ten_lines() -> None:
    assert len(EXAMPLES) == 3
    for code in EXAMPLES:
        hook = code.split("app = Hubline()\n")[1].strip()
        assert len(hook.splitlines()) <= 10


async def test_the_check_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(EXAMPLES[0], monkeypatch) as app:
        await app.ask("When does Project Bluebird start?")
        assert "When does the project start?" in app.seen and "Bluebird" not in app.seen
        events = await app.ask("My password is tea.")
        assert [event["code"] for event in events if event["type"] == "notice"] == ["input_flagged"]
        assert "Do not repeat passwords." in app.seen
        with pytest.raises(HubError, match=r"\[invalid_arguments\] This holds a private key"):
            await app.ask("-----BEGIN PRIVATE KEY-----")


async def test_the_context_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(EXAMPLES[1], monkeypatch) as app:
        events = await app.ask("What is the price of tea?")
        assert customs(events, "sources") == [[{"title": "Price list", "url": "https://example.org/prices"}]]
        assert "Tea costs 3" in app.seen
        assert customs(await app.ask("Thank you"), "sources") == []


async def test_the_output_of_the_page(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    async with running(EXAMPLES[2], monkeypatch) as app:
        events = await app.ask("Say something")
    text = "".join(event["delta"] for event in events if event["type"] == "text")
    assert customs(events, "words")[-1] == len(text.split()) > 0
    assert f"{events[-1]['runId']} completed" in capsys.readouterr().out


async def test_the_notes_are_found_and_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "trips").mkdir()
    (tmp_path / "trips" / "lake.md").write_text("The lake is open from May.", encoding="utf-8")
    (tmp_path / "tea.md").write_text("Green tea wants water of 80 degrees.", encoding="utf-8")
    monkeypatch.setenv("NOTES", str(tmp_path))
    async with running((ROOT / "examples" / "notes.py").read_text(encoding="utf-8"), monkeypatch) as app:
        events = await app.ask("When is the lake open?")
        assert customs(events, "sources") == [[{"title": str(Path("trips", "lake.md"))}]]
        assert "open from May" in app.seen and "Green tea" not in app.seen


def test_settings_and_limits_are_those_of_the_code() -> None:
    settings = load({})
    shown = dict(re.findall(r"^\| `--([a-z-]+)` \| ([^|]*) \|", PAGE, re.MULTILINE))
    assert [flag_of(name) for name in HookSettings.model_fields if f"--{name.replace('_', '-')}" not in PAGE] == []
    for flag, default in shown.items():
        value = getattr(settings, flag.replace("-", "_"))
        assert default.strip() == ("" if value == () else "false" if value is False else str(round(value)))
    assert set(PII_KINDS) == set(re.search(r"some of `([a-z ]+)`", PAGE)[1].split())  # type: ignore[index]  # it is there
    assert f"{MAX_VALUE_BYTES // 1024} KiB as JSON, {MAX_EVENTS} of them" in PAGE
    assert f"beyond {MAX_CONTEXT_BYTES // 1024} KiB" in PAGE
    for name in ("input_check", "add_context", "on_output"):
        limit = inspect.signature(getattr(Hooks, name)).parameters["timeout_s"].default
        assert inspect.signature(getattr(Hubline, name)).parameters["timeout_s"].default == limit
        assert f"`{name}(timeout_s={limit:g}" in PAGE

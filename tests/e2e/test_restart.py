"""The server dies, ends, and comes back on the same port and file."""

import signal
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.e2e.tab import HUB_AWAY, Tab, Tabs
from tests.running import Running, running

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

ENVIRONMENT = {"HUBLINE_DEMO_PACE": "50", "HUBLINE_LEASE_S": "0.5", "HUBLINE_DRAIN_S": "0"}


async def begin(tab: Tab) -> str:
    """A long answer under way; what it has said."""
    await tab.send("Write a long text about tea")
    await expect(tab.answer.locator(".markdown p").first).to_be_visible()
    await tab.has_status("streaming")
    return await tab.answer.locator(".markdown").inner_text()


def again(folder: Path, server: Running) -> tuple[Path, str, str]:
    return folder, "--port", str(server.port)


async def is_interrupted(tab: Tab, kept: str) -> None:
    await tab.is_online()
    await tab.has_status("interrupted", tab.answers.first)
    await expect(tab.answers.first.get_by_test_id("status")).to_contain_text("Interrupted")
    text = await tab.answers.first.locator(".markdown").inner_text()
    assert text.startswith(kept.rstrip())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_a_server_that_ends_in_mid_answer(tmp_path: Path, tabs: Tabs, number: int) -> None:
    """The page says so, keeps the text, and goes on with the next server."""
    with running(tmp_path, environment=ENVIRONMENT) as server:
        tab = await tabs.open(server.url)
        kept = await begin(tab)
        tabs.accept(HUB_AWAY)
        server.end(number)
        await expect(tab.get("connection-state")).not_to_have_attribute("data-state", "online")
        await expect(tab.get("connection-bar")).to_be_visible()
        assert (await tab.answer.locator(".markdown").inner_text()).startswith(kept.rstrip())
        await tab.send("What can you do?")  # waits for the next one
        await expect(tab.get("unsent")).to_have_count(1)
    with running(*again(tmp_path, server), environment=ENVIRONMENT):
        await is_interrupted(tab, kept)
        await expect(tab.get("unsent")).to_have_count(0)
        await expect(tab.answers).to_have_count(2)
        await tab.has_status("complete")
        await expect(tab.answer).to_contain_text("Work on a table")
        fresh = await tabs.open(server.url, await tab.session_id())
        await is_interrupted(fresh, kept)
        await fresh.has_status("complete")
        assert await fresh.transcript() == await tab.transcript()


async def test_a_server_that_ends_between_answers(tmp_path: Path, tabs: Tabs) -> None:
    with running(tmp_path, environment=ENVIRONMENT) as server:
        tab = await tabs.open(server.url)
        await tab.send("Hello")
        await tab.has_status("complete")
        tabs.accept(HUB_AWAY)
        server.end(signal.SIGTERM)
        await tab.has_connection("reconnecting")
        await expect(tab.title).to_have_text("Hello")
    with running(*again(tmp_path, server), environment=ENVIRONMENT):
        await tab.try_now()
        await tab.is_online()
        await tab.send("Thank you")
        await expect(tab.answers).to_have_count(2)
        await tab.has_status("complete")
        await expect(tab.rows).to_have_count(1)

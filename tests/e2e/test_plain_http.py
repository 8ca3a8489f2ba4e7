"""The viewer on networks that let only some of it through: no WebSockets, or nothing of SignalR at all."""

import re

import pytest
from playwright.async_api import Route, expect

from tests.e2e.live import LiveHub
from tests.e2e.tab import HUB_AWAY, Tab, Tabs

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

OF_THE_HUB = re.compile(r"/hub(/|\?|$)")
BROKEN_OFF = re.compile(r"failed: http.*(ERR_|aborted)")


async def eaten(route: Route) -> None:
    await route.abort()


async def without_signalr(hub: LiveHub, tabs: Tabs, session_id: str | None = None) -> Tab:
    tabs.accept(HUB_AWAY)
    tabs.accept(BROKEN_OFF)
    await tabs.context.route(OF_THE_HUB, eaten)
    return await tabs.open(hub.url, session_id)


async def test_without_signalr_it_says_so_and_all_goes_on(hub: LiveHub, tabs: Tabs, tab: Tab) -> None:
    other = await without_signalr(hub, tabs)
    await expect(other.get("connection-note")).to_contain_text("plain HTTP")
    await other.send("Tell me")
    step = await hub.puppet.step()
    step.say("Half an ")
    await other.reads("Half an")
    step.answer("answer.")
    await other.reads("Half an answer.")
    await other.has_status("complete")
    await expect(tab.rows).to_have_count(1)  # the tab on SignalR hears of it


async def test_stop_over_plain_http(hub: LiveHub, tabs: Tabs) -> None:
    tab = await without_signalr(hub, tabs)
    await tab.send("Tell me")
    step = await hub.puppet.step()
    step.say("Half an answer")
    await tab.reads("Half an answer")
    await tab.get("stop").click()
    await tab.has_status("stopped")
    await step.closed.wait()


async def test_it_comes_back_to_signalr_when_the_network_is_better(hub: LiveHub, tabs: Tabs) -> None:
    tab = await without_signalr(hub, tabs)
    await expect(tab.get("connection-note")).to_have_count(1)
    await tabs.context.unroute(OF_THE_HUB, eaten)
    await tab.page.reload()
    await tab.is_online()
    await expect(tab.get("connection-note")).to_have_count(0)


async def test_without_websockets_it_is_signalr_all_the_same(hub: LiveHub, tabs: Tabs) -> None:
    tabs.accept(HUB_AWAY)
    await tabs.context.add_init_script("delete globalThis.WebSocket")
    tab = await tabs.open(hub.url)
    await expect(tab.get("connection-note")).to_have_count(0)
    await tab.send("Tell me")
    (await hub.puppet.step()).answer("Whole.")
    await tab.reads("Whole.")
    await tab.has_status("complete")

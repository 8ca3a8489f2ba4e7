"""One browser for all tests, a profile of its own and a hub of its own for each."""

import re
import shutil
from collections.abc import AsyncIterator, Generator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from tests.e2e.live import LiveHub, live_hub
from tests.e2e.tab import Tab, Tabs
from tests.e2e.wire import Network, network_to

BROWSER_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SLOWEST_MS = 15_000
"""How long anything that a test waits for may take on a machine that has other things to do."""

RESULTS = Path(__file__).parents[2] / "test-results"
FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.fail("These tests need Chromium: install it (Debian: apt-get install chromium) and run them again.")
    expect.set_options(timeout=SLOWEST_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(BROWSER_FLAGS))
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def tabs(browser: Browser, request: pytest.FixtureRequest) -> AsyncIterator[Tabs]:
    """A fresh browser profile. Nothing may go wrong in its tabs but what the test accepts."""
    context = await browser.new_context(viewport={"width": 1100, "height": 760})
    context.set_default_timeout(SLOWEST_MS)
    tabs = Tabs(context)
    await context.route("**/*", tabs.guard)
    yield tabs
    if request.node.stash.get(FAILED, False):
        RESULTS.mkdir(exist_ok=True)
        for number, page in enumerate(context.pages):
            name = re.sub(r"\W+", "-", request.node.name)
            await page.screenshot(path=RESULTS / f"{name}-{number}.png")
    await tabs.close()
    await context.close()
    assert tabs.unexpected() == []


@pytest_asyncio.fixture(loop_scope="session")
async def hub() -> AsyncIterator[LiveHub]:
    async with live_hub() as hub:
        yield hub


@pytest_asyncio.fixture(loop_scope="session")
async def tab(hub: LiveHub, tabs: Tabs) -> Tab:
    """A tab with a new chat on `hub`."""
    return await tabs.open(hub.url)


@pytest_asyncio.fixture(loop_scope="session")
async def network(hub: LiveHub) -> AsyncIterator[Network]:
    """A way to `hub` that can be broken."""
    async with network_to(hub.port) as network:
        yield network

"""The official browser bundle, unmodified, in real Chromium, on a page of the hub's own origin: the same scenarios."""

import json
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, async_playwright

from tests.interop.node import ScenarioFailed, scenarios
from tests.interop.stage import Stage

pytestmark = [pytest.mark.interop, pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(stage: Stage) -> AsyncIterator[Page]:
    async def ask_stage(method: str, arguments: str) -> str:
        return json.dumps(await stage.call(method, json.loads(arguments)))

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page()
        await page.expose_function("askStage", ask_stage)
        await page.goto(f"{stage.url}/interop/page.html")
        yield page
        await browser.close()


@pytest.mark.parametrize("encoding", ["json", "messagepack"])
@pytest.mark.parametrize(("module", "scenario"), scenarios("scenarios"))
async def test_scenario(stage: Stage, page: Page, module: str, scenario: str, encoding: str) -> None:
    wanted = {"module": module, "scenario": scenario, "encoding": encoding, "url": stage.url, "seed": 1}
    result = await page.evaluate("wanted => window.run(wanted)", wanted)
    if not result["ok"]:
        raise ScenarioFailed(f"{module} {scenario} ({encoding}): {result['error']}")
    assert stage.refused() == []

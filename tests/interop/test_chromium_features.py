"""The official browser bundle in real Chromium: the features in all five combinations, by HTTP and HTTPS, and what
only a page can show."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from tests.interop.feature_stage import FeatureStage, open_feature_stage
from tests.interop.node import ScenarioFailed
from tests.interop.test_chromium_client import CHROMIUM, FLAGS
from tests.interop.test_features import ESSENTIAL, FEATURES
from tests.interop.test_transports import COMBINATIONS

pytestmark = [pytest.mark.interop, pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

PAGES = "./in_pages/pages.mjs"
IN_PAGES = ESSENTIAL | {
    "cookies_of_the_negotiation_come_along",
    "dates_bytes_and_guids",
    "headers_and_query",
    "negotiations_that_fail",
    "results_for_others",
    "silence_of_the_server",
    "with_a_token",
}
"""What browsers do by means of their own. The rest is the same code as in Node."""
BY_TLS = {"comes_back_by_itself", "streams_to_the_client", "uploads"}

ALL_COMBINATIONS = pytest.mark.parametrize(("encoding", "transport"), COMBINATIONS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def features(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FeatureStage]:
    async with open_feature_stage(tmp_path_factory.mktemp("certificate")) as stage:
        yield stage


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@asynccontextmanager
async def opened(browser: Browser, stage: FeatureStage, url: str) -> AsyncIterator[Page]:
    async def ask_stage(method: str, arguments: str) -> str:
        return json.dumps(await stage.call(method, json.loads(arguments)))

    context = await browser.new_context(ignore_https_errors=True)  # the certificate has signed itself
    page = await context.new_page()
    await page.expose_function("askStage", ask_stage)
    await page.goto(f"{url}/interop/page.html")
    yield page
    await context.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(browser: Browser, features: FeatureStage) -> AsyncIterator[Page]:
    async with opened(browser, features, features.http) as page:
        yield page


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def secure_page(browser: Browser, features: FeatureStage) -> AsyncIterator[Page]:
    async with opened(browser, features, features.https) as page:
        yield page


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def foreign_page(browser: Browser, features: FeatureStage) -> AsyncIterator[Page]:
    async with opened(browser, features, features.elsewhere) as page:
        yield page


@ALL_COMBINATIONS
@pytest.mark.parametrize(("module", "scenario"), [each for each in FEATURES if each[1] in IN_PAGES])
async def test_feature(
    features: FeatureStage, page: Page, module: str, scenario: str, encoding: str, transport: str
) -> None:
    await play(features, page, features.http, module, scenario, encoding, transport=transport)


@ALL_COMBINATIONS
@pytest.mark.parametrize(("module", "scenario"), [each for each in FEATURES if each[1] in BY_TLS])
async def test_over_tls(
    features: FeatureStage, secure_page: Page, module: str, scenario: str, encoding: str, transport: str
) -> None:
    await play(features, secure_page, features.https, module, scenario, encoding, transport=transport)


@ALL_COMBINATIONS
async def test_from_another_origin(features: FeatureStage, page: Page, encoding: str, transport: str) -> None:
    await play(features, page, features.http, PAGES, "from_another_origin", encoding, transport=transport)


@ALL_COMBINATIONS
async def test_from_a_foreign_origin(features: FeatureStage, foreign_page: Page, encoding: str, transport: str) -> None:
    await play(
        features, foreign_page, features.elsewhere, PAGES, "from_a_foreign_origin", encoding, transport=transport
    )


@pytest.mark.parametrize("encoding", ["json", "messagepack"])
async def test_without_websockets(features: FeatureStage, page: Page, encoding: str) -> None:
    await play(features, page, features.http, PAGES, "without_websockets", encoding)


async def test_in_a_worker(features: FeatureStage, page: Page) -> None:
    await play(features, page, features.http, PAGES, "in_a_worker", "json")


async def play(
    stage: FeatureStage, page: Page, url: str, module: str, scenario: str, encoding: str, **options: object
) -> None:
    stage.reset()
    wanted = {"module": module, "scenario": scenario, "encoding": encoding, "url": url, "seed": 1, "options": options}
    result = await page.evaluate("wanted => window.run(wanted)", wanted)
    if not result["ok"]:
        raise ScenarioFailed(f"{module} {scenario} ({encoding}, {options}): {result['error']}")

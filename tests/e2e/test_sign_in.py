"""The viewer at a hub that asks for a token."""

import re
import time
from collections.abc import AsyncIterator

import jwt
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from hub.app import Hubline
from tests.e2e.live import serve

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

SECRET = "a secret of the tests, 0123456789 and longer"


def token(seconds: int = 60) -> str:
    return jwt.encode({"sub": "ann", "exp": int(time.time()) + seconds}, SECRET, algorithm="HS256")


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page at a hub that takes tokens; each test has both for itself."""
    app = Hubline(backplane="memory://", provider="demo", demo_pace="0", jwt_secret=SECRET, jwt_leeway_s="0")
    async with serve(app, app) as port:
        context = await browser.new_context()
        page = await context.new_page()
        await page.goto(f"http://127.0.0.1:{port}/")
        yield page
        await context.close()


async def is_in_state(page: Page, state: str) -> None:
    await expect(page.get_by_test_id("connection-state")).to_have_attribute("data-state", state)


async def give(page: Page, text: str) -> None:
    await page.get_by_test_id("token").fill(text)
    await page.get_by_test_id("use-token").click()


async def test_a_token_connects_and_is_kept_for_this_tab_only(page: Page) -> None:
    good = token()
    await expect(page.get_by_test_id("sign-in")).to_contain_text("asks for a token")
    await expect(page.get_by_test_id("token")).to_have_attribute("type", "password")
    await expect(page.get_by_test_id("connection-state")).to_have_text("Signed out")
    await give(page, f" {good}\n")
    await is_in_state(page, "online")
    await expect(page.get_by_test_id("sign-in")).to_have_count(0)
    await page.get_by_test_id("composer").fill("Hello")
    await page.get_by_test_id("composer").press("Enter")
    await expect(page.locator("article[data-role=assistant]")).to_have_attribute("data-status", "complete")
    await page.reload()
    await is_in_state(page, "online")
    assert good not in page.url
    assert good not in str(await page.evaluate("JSON.stringify(localStorage) + document.cookie"))
    other = await page.context.new_page()
    await other.goto(page.url)
    await expect(other.get_by_test_id("sign-in")).to_be_visible()


async def test_a_bad_token_is_asked_for_again(page: Page) -> None:
    await give(page, "nonsense")
    await expect(page.get_by_test_id("sign-in")).to_contain_text("does not take this token")
    await give(page, token(-60))
    await expect(page.get_by_test_id("sign-in")).to_contain_text("does not take this token")
    await give(page, token())
    await is_in_state(page, "online")


async def test_when_the_token_ends_another_is_asked_for(page: Page) -> None:
    await give(page, token(3))
    await is_in_state(page, "online")
    await expect(page.get_by_test_id("sign-in")).to_contain_text(re.compile("does not take this token"))
    await give(page, token())
    await is_in_state(page, "online")

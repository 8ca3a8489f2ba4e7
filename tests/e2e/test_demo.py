"""The whole of it as a user meets it: `hubline serve`, no key, a pasted table."""

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.e2e.tab import Tabs
from tests.running import running

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

TABLE = """region,product,units,price
North,Tea,120,4.50
South,Tea,80,4.75
North,Coffee,200,7.00
South,Coffee,150,6.50
West,Tea,60,5.25"""


async def test_a_pasted_table_is_summed_by_tools(tmp_path: Path, tabs: Tabs) -> None:
    with running(tmp_path, environment={"HUBLINE_DEMO_PACE": "400"}) as server:
        tab = await tabs.open(server.url)
        await expect(tab.get("empty")).to_be_visible()
        await tab.send(f"What are the total units per region, and the average price?\n\n{TABLE}")
        await expect(tab.get("model")).to_have_text("demo")
        await tab.has_status("complete")
        cards = tab.answer.get_by_test_id("tool-card")
        await expect(cards).to_have_count(2)
        for card in await cards.all():
            await expect(card).to_have_attribute("data-state", "success")
            await expect(card.locator(".tool-title")).not_to_be_empty()
            await card.locator("summary").click()
            await expect(card.get_by_role("heading", name="Result")).to_be_visible()
        await expect(tab.answer).to_contain_text("demo")
        said = " ".join(await tab.answer.locator(".markdown").all_inner_texts())
        for region, units in (("North", 320), ("South", 230), ("West", 60)):
            assert re.search(rf"{region}\W+{units}\b", said), said
        assert re.search(r"\b5\.60?\b", said), said
        await expect(tab.answer.get_by_test_id("rates")).to_have_text(
            re.compile(r"first text after .* · \d+ tokens/s · \d+ tokens")
        )
        # The table is still known to the next question; and everything is there after a reload.
        await tab.send("And the highest price?")
        await expect(tab.answers).to_have_count(2)
        await tab.has_status("complete")
        await expect(tab.answer.locator(".markdown").last).to_contain_text("7")
        before = await tab.answer.locator(".markdown").all_text_contents()
        await tab.page.reload()
        await expect(tab.answers).to_have_count(2)
        await expect(tab.answer.locator(".markdown")).to_have_text(before)
        await tabs.close()


async def test_a_long_text_is_stopped_and_continued_over_a_reload(tmp_path: Path, tabs: Tabs) -> None:
    with running(tmp_path, environment={"HUBLINE_DEMO_PACE": "200"}) as server:
        tab = await tabs.open(server.url)
        await tab.get("example").nth(1).click()
        await expect(tab.answer.locator(".markdown p").first).to_be_visible()
        await tab.page.reload()
        await tab.has_status("streaming")
        before = await tab.answer.locator(".markdown").inner_text()
        await expect(tab.answer.locator(".markdown")).not_to_have_text(before)
        await tab.get("stop").click()
        await tab.has_status("stopped")
        kept = await tab.answer.locator(".markdown").inner_text()
        assert kept.startswith(before[:100])
        await tab.act("continue")
        await tab.has_status("streaming")
        await tab.page.keyboard.press("Escape")
        await tab.has_status("stopped")
        await tabs.close()

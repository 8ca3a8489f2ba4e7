"""What an answer rests on: marks in its text, and the list of its sources."""

import re

import pytest
from msgspec.structs import replace
from playwright.async_api import Locator, expect

from hub.chat.parts import Citation
from tests.e2e.live import LiveHub
from tests.e2e.tab import Tab, Tabs
from tests.e2e.test_accessible import NAMELESS

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

REPORT = Citation(source="document", title="report.pdf", quote="Total: 7", page=3, start=0, end=13)
PAGE = Citation(source="web", title="Prices", url="https://a.example/prices", start=14, end=30)
EVIL = Citation(source="web", title="Evil", url="javascript:alert(1)", start=14, end=30)


def marks(tab: Tab) -> Locator:
    return tab.answer.get_by_test_id("mark")


async def cited(hub: LiveHub, tab: Tab) -> None:
    await tab.send("What is the total?")
    step = await hub.puppet.step()
    step.say("It is **seven**.")
    await tab.reads("It is seven.")
    step.cite(replace(REPORT, end=16))
    await expect(marks(tab)).to_have_text(["1"])
    step.say(" And prices rise.")
    step.cite(replace(PAGE, end=33), replace(EVIL, end=33), replace(REPORT, end=33))
    step.end()
    await tab.has_status("complete")


async def test_passages_have_marks_and_the_answer_a_list_of_sources(hub: LiveHub, tabs: Tabs, tab: Tab) -> None:
    tabs.accept(re.compile(r"favicon\.svg net::ERR_ABORTED"))
    await cited(hub, tab)
    for is_reloaded in (False, True):
        if is_reloaded:
            await tab.page.reload()
        await expect(marks(tab)).to_have_text(["1", "2", "3", "1"])
        await tab.reads("It is seven.1 And prices rise.231")
        await expect(tab.answer.get_by_test_id("sources").locator("summary")).to_have_text("3 sources")
    await expect(marks(tab).first).to_have_attribute("title", "report.pdf, page 3: “Total: 7”")
    assert await tab.page.evaluate(NAMELESS) == []
    await tab.answer.get_by_test_id("copy").hover()  # what is copied has no marks
    assert "\ue000" not in str(await tab.page.evaluate("document.body.textContent"))


async def test_a_mark_leads_to_its_source_by_keyboard(hub: LiveHub, tab: Tab) -> None:
    await cited(hub, tab)
    sources = tab.answer.get_by_test_id("source")
    await expect(sources.first).to_be_hidden()
    await tab.page.get_by_role("button", name="Source 2: Prices").focus()
    await tab.page.keyboard.press("Enter")
    await expect(sources.nth(1)).to_be_focused()
    await expect(sources.nth(1).get_by_role("link", name="Prices")).to_have_attribute(
        "href", "https://a.example/prices"
    )
    await expect(sources.first).to_have_text("report.pdf, page 3Total: 7")
    await expect(sources.nth(2).get_by_role("link")).to_have_count(0)  # no address that one may go to
    await marks(tab).first.click()
    await expect(sources.first).to_be_focused()

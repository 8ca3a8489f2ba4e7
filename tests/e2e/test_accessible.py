"""For screen readers and keyboards: boundaries are announced, the text is not; everything has a name."""

import pytest
from playwright.async_api import expect

from tests.e2e.live import LiveHub
from tests.e2e.tab import Tab

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

RECORD = """
() => {
  window.announced = [];
  const announcer = document.querySelector("[data-testid=announcer]");
  const note = () => announcer.textContent && window.announced.push(announcer.textContent);
  new MutationObserver(note).observe(announcer, { childList: true, characterData: true, subtree: true });
}
"""
LIVE_REGIONS_WITH_AN_ANSWER = """
() => [...document.querySelectorAll("[aria-live], [role=status], [role=alert], [role=log], output, [role=timer]")]
  .filter((region) => region.querySelector("article") || region.closest("article"))
  .map((region) => region.outerHTML)
"""
# What a screen reader would have no name for.
NAMELESS = """
() => [...document.querySelectorAll("button, a, input, textarea, progress, [role=region], [role=group], nav, article")]
  .filter((element) => element.offsetParent !== null)
  .filter((element) => !(element.getAttribute("aria-label") || element.textContent.trim() || element.labels?.length))
  .map((element) => element.outerHTML)
"""
DUPLICATE_IDS = (
    "() => { const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);"
    " return ids.filter((id, index) => ids.indexOf(id) !== index); }"
)


async def test_only_boundaries_are_announced(hub: LiveHub, tab: Tab) -> None:
    await tab.page.evaluate(RECORD)
    await tab.send("Count")
    step = await hub.puppet.step()
    for number in range(200):
        step.say(f"{number} ")
        if number % 20 == 0:
            await expect(tab.answer).to_contain_text(f"{number}")
    assert await tab.page.evaluate(LIVE_REGIONS_WITH_AN_ANSWER) == []
    await expect(tab.answer).to_have_attribute("aria-busy", "true")
    step.end()
    await tab.has_status("complete")
    await expect(tab.answer).to_have_attribute("aria-busy", "false")
    await expect(tab.get("announcer")).to_have_text("Answer complete.")
    assert await tab.page.evaluate("window.announced") == ["Answer started.", "Answer complete."]


async def test_a_stop_is_announced_as_such(hub: LiveHub, tab: Tab) -> None:
    await tab.send("Count")
    (await hub.puppet.step()).say("1")
    await tab.reads("1")
    await tab.page.keyboard.press("Escape")
    await expect(tab.get("announcer")).to_have_text("Answer stopped.")


async def test_a_reload_announces_nothing_of_the_past(hub: LiveHub, tab: Tab) -> None:
    await tab.send("Count")
    (await hub.puppet.step()).answer("1")
    await tab.has_status("complete")
    await tab.page.reload()
    await tab.has_status("complete")
    await expect(tab.get("announcer")).to_be_empty()


async def test_everything_has_a_name(hub: LiveHub, tab: Tab) -> None:
    assert await tab.page.evaluate(NAMELESS) == []
    await tab.send("Everything")
    step = await hub.puppet.step()
    step.think("Hm.")
    step.end_thought()
    step.say("Text, `code`, [link](https://a.example/)\n\n| a |\n|---|\n| 1 |\n\n```python\nx = 1\n```\n")
    step.call("c1", "no_such_tool", {})
    step.end("tool_calls")
    (await hub.puppet.step()).answer("- [x] done")
    await tab.has_status("complete")
    assert await tab.page.evaluate(NAMELESS) == []
    for button in ("rename", "delete"):
        await tab.get(button).click()
        assert await tab.page.evaluate(NAMELESS) == []
        await tab.page.keyboard.press("Escape")
    assert await tab.page.evaluate(DUPLICATE_IDS) == []
    await expect(tab.page.get_by_role("textbox", name="Message")).to_be_visible()
    await expect(tab.page.get_by_role("navigation", name="Chats")).to_be_visible()
    await expect(tab.page.get_by_role("article", name="Answer")).to_be_visible()
    assert await tab.page.locator("html").get_attribute("lang") == "en"


async def test_the_focus_stays_where_one_writes(hub: LiveHub, tab: Tab) -> None:
    """Whatever comes meanwhile, what is being typed is left alone."""
    await tab.send("Count")
    step = await hub.puppet.step()
    await tab.composer.press_sequentially("half a sen")
    step.say("One. ")
    await tab.reads("One. ")
    await tab.composer.press_sequentially("tence")
    step.answer("Two.")
    await tab.has_status("complete")
    await expect(tab.composer).to_be_focused()
    await expect(tab.composer).to_have_value("half a sentence")


async def test_what_the_agent_may_do_is_explained_by_keyboard(hub: LiveHub, tab: Tab) -> None:
    await tab.send("Count")
    step = await hub.puppet.step()
    await tab.has_status("streaming")
    await tab.get("autonomy").focus()
    await tab.page.keyboard.press("Enter")
    await expect(tab.get("autonomy-hint")).to_have_text("Reading tools run, writing ones need approval.")
    await tab.page.keyboard.press("Escape")
    await expect(tab.get("autonomy-hint")).to_have_count(0)
    step.answer("One.")  # the key was for the hint: the answer goes on
    await tab.has_status("complete")


async def test_tool_cards_and_thoughts_unfold_by_keyboard(hub: LiveHub, tab: Tab) -> None:
    await tab.send("Think")
    step = await hub.puppet.step()
    step.think("A thought.")
    step.end_thought()
    step.answer("Done.")
    await tab.has_status("complete")
    summary = tab.answer.get_by_test_id("thinking").locator("summary")
    await summary.focus()
    await tab.page.keyboard.press("Enter")
    await expect(tab.answer.get_by_text("A thought.")).to_be_visible()
    await tab.page.keyboard.press("Enter")
    await expect(tab.answer.get_by_text("A thought.")).to_be_hidden()

"""Asking again: an edited question, another answer."""

import pytest
from playwright.async_api import expect

from tests.e2e.live import LiveHub
from tests.e2e.puppet import texts_of
from tests.e2e.tab import Tab, Tabs

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

# A label that shows for a moment only is seen by what watched for it before the press.
WATCH_LABELS = """
() => {
  window.labels = [];
  const note = () => document.querySelectorAll("[data-testid=copy]").forEach((b) => window.labels.push(b.textContent));
  new MutationObserver(note).observe(document.body, { childList: true, characterData: true, subtree: true });
}
"""


async def exchange(hub: LiveHub, tab: Tab, question: str, answer: str) -> None:
    await tab.send(question)
    (await hub.puppet.step()).answer(answer)
    await tab.reads(answer)
    await tab.has_status("complete")


async def test_an_edit_replaces_the_question_and_all_after_it(hub: LiveHub, tabs: Tabs, tab: Tab) -> None:
    await exchange(hub, tab, "First", "One.")
    await exchange(hub, tab, "Secnod", "What?")
    await exchange(hub, tab, "Third", "Three.")
    other = await tabs.open(hub.url, await tab.session_id())
    await other.reads("Three.")
    await tab.act("edit", tab.questions.nth(1))
    await expect(tab.get("editing")).to_be_visible()
    await expect(tab.composer).to_have_value("Secnod")
    await expect(tab.composer).to_be_focused()
    await tab.send("Second")
    step = await hub.puppet.step()
    assert texts_of(step.request) == ["First", "One.", "Second"]
    step.answer("Two.")
    for each in (tab, other):
        await each.reads("Two.")
        assert await each.transcript() == ["First", "One.", "Second", "Two."]
    await expect(tab.get("editing")).to_have_count(0)
    await tab.page.reload()
    await tab.reads("Two.")
    assert await tab.transcript() == ["First", "One.", "Second", "Two."]


async def test_escape_leaves_the_edit_and_stops_nothing(hub: LiveHub, tab: Tab) -> None:
    await exchange(hub, tab, "First", "One.")
    await tab.send("Second")
    step = await hub.puppet.step()
    await tab.act("edit", tab.questions.first)
    await expect(tab.get("editing")).to_be_visible()
    await tab.page.keyboard.press("Escape")
    await expect(tab.get("editing")).to_have_count(0)
    await expect(tab.composer).to_have_value("")
    step.answer("Two.")
    await tab.reads("Two.")
    await tab.has_status("complete")


async def test_an_edit_of_the_question_under_way_stops_its_answer(hub: LiveHub, tab: Tab) -> None:
    await tab.send("Frist")
    step = await hub.puppet.step()
    step.say("What do you")
    await tab.reads("What do you")
    await tab.act("edit", tab.questions.first)
    await tab.send("First")
    await step.closed.wait()
    again = await hub.puppet.step()
    assert again.asked == "First"
    again.answer("One.")
    await tab.reads("One.")
    await expect(tab.answers).to_have_count(1)
    assert await tab.transcript() == ["First", "One."]


async def test_another_answer_takes_the_place_of_the_first(hub: LiveHub, tabs: Tabs, tab: Tab) -> None:
    await exchange(hub, tab, "Tell me a joke", "Knock knock.")
    other = await tabs.open(hub.url, await tab.session_id())
    await tab.act("regenerate")
    step = await hub.puppet.step()
    assert step.asked == "Tell me a joke"
    step.say("A horse walks ")
    await tab.reads("A horse walks ")
    await other.reads("A horse walks ")
    step.answer("into a bar.")
    for each in (tab, other):
        await each.has_status("complete")
        assert await each.transcript() == ["Tell me a joke", "A horse walks into a bar."]
        await expect(each.answer).to_contain_text("answered again")


async def test_only_the_newest_answer_can_be_given_again(hub: LiveHub, tab: Tab) -> None:
    await exchange(hub, tab, "First", "One.")
    await exchange(hub, tab, "Second", "Two.")
    await expect(tab.get("regenerate")).to_have_count(1)
    await expect(tab.answer.get_by_test_id("regenerate")).to_have_count(1)


async def test_a_rating_is_seen_everywhere_and_can_be_taken_back(hub: LiveHub, tabs: Tabs, tab: Tab) -> None:
    await exchange(hub, tab, "First", "One.")
    other = await tabs.open(hub.url, await tab.session_id())
    await tab.act("rate-up")
    for each in (tab, other):
        await expect(each.answer.get_by_test_id("rate-up")).to_have_attribute("aria-pressed", "true")
    await other.act("rate-down")
    for each in (tab, other):
        await expect(each.answer.get_by_test_id("rate-up")).to_have_attribute("aria-pressed", "false")
        await expect(each.answer.get_by_test_id("rate-down")).to_have_attribute("aria-pressed", "true")
    await tab.act("rate-down")
    await expect(other.answer.get_by_test_id("rate-down")).to_have_attribute("aria-pressed", "false")


async def test_an_answer_is_copied_as_it_was_written(hub: LiveHub, tabs: Tabs, tab: Tab) -> None:
    await tabs.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=hub.url)
    await exchange(hub, tab, "First", "plain")
    await tab.send("Second")
    (await hub.puppet.step()).answer("**bold** and `code`")
    await tab.reads("bold and code")  # the second answer is there; the first one is complete, too
    await tab.has_status("complete")
    await tab.page.evaluate(WATCH_LABELS)
    await tab.act("copy")
    await tab.page.wait_for_function("window.labels.includes('Copied')")
    assert await tab.page.evaluate("navigator.clipboard.readText()") == "**bold** and `code`"


async def test_an_answer_is_copied_where_the_browser_has_no_clipboard_for_pages(
    hub: LiveHub, tabs: Tabs, tab: Tab
) -> None:
    await tabs.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=hub.url)
    await exchange(hub, tab, "First", "plain")
    await tab.page.evaluate("navigator.clipboard.writeText = undefined")
    await tab.page.evaluate(WATCH_LABELS)
    await tab.act("copy")
    await tab.page.wait_for_function("window.labels.includes('Copied')")
    assert await tab.page.evaluate("navigator.clipboard.readText()") == "plain"

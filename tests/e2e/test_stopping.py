"""Stop: from this tab and from another, early and late; and what can be asked of an answer that was stopped."""

import pytest
from playwright.async_api import expect

from tests.e2e.live import LiveHub
from tests.e2e.puppet import Step, texts_of
from tests.e2e.tab import Tab, Tabs

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def streaming(hub: LiveHub, tab: Tab, text: str = "Half an answer") -> Step:
    await tab.send("Tell me")
    step = await hub.puppet.step()
    step.say(text)
    await tab.reads(text)
    return step


async def works_again(hub: LiveHub, tab: Tab) -> None:
    await tab.send("And then?")
    (await hub.puppet.step()).answer("Then it went on.")
    await tab.reads("Then it went on.")
    await tab.has_status("complete")


@pytest.mark.parametrize("how", ["button", "escape"])
async def test_stop_keeps_what_was_said(hub: LiveHub, tab: Tab, how: str) -> None:
    step = await streaming(hub, tab)
    if how == "button":
        await tab.get("stop").click()
    else:
        await tab.page.keyboard.press("Escape")
    await tab.has_status("stopped")
    await step.closed.wait()
    await tab.reads("Half an answer")
    await expect(tab.answer.get_by_test_id("status")).to_have_text("Stopped")
    await expect(tab.get("stop")).to_have_count(0)
    await expect(tab.composer).to_be_focused()
    await works_again(hub, tab)


async def test_stop_before_the_first_delta(hub: LiveHub, tab: Tab) -> None:
    await tab.send("Tell me")
    step = await hub.puppet.step()
    await tab.page.keyboard.press("Escape")
    await tab.has_status("stopped")
    await step.closed.wait()
    await works_again(hub, tab)


async def test_stop_from_another_tab(hub: LiveHub, tabs: Tabs, tab: Tab) -> None:
    step = await streaming(hub, tab)
    other = await tabs.open(hub.url, await tab.session_id())
    await other.reads("Half an answer")
    await other.get("stop").click()
    for each in (tab, other):
        await each.has_status("stopped")
        await each.reads("Half an answer")
        await expect(each.get("stop")).to_have_count(0)
    await step.closed.wait()
    await works_again(hub, tab)
    await other.reads("Then it went on.")


async def test_stop_after_the_end_does_nothing(hub: LiveHub, tab: Tab) -> None:
    step = await streaming(hub, tab)
    step.end()
    await tab.has_status("complete")
    await tab.page.keyboard.press("Escape")
    await works_again(hub, tab)
    await tab.has_status("complete", tab.answers.first)


async def test_a_stopped_answer_can_be_continued(hub: LiveHub, tab: Tab) -> None:
    await streaming(hub, tab, "One, two, ")
    await tab.get("stop").click()
    await tab.has_status("stopped")
    await tab.act("continue")
    step = await hub.puppet.step()
    step.answer("three, four.")
    await tab.has_status("complete")
    # As a part of the same answer, or as the next one: nothing of either is lost, and the question is not repeated.
    said = " ".join(await tab.transcript())
    assert said.split() == ["Tell", "me", "One,", "two,", "three,", "four."]


async def test_the_next_message_waits_its_turn(hub: LiveHub, tab: Tab) -> None:
    step = await streaming(hub, tab)
    for number in (1, 2):
        await tab.send(f"Next {number}")
        await expect(tab.get("queued").nth(number - 1)).to_contain_text(f"place {number}")
    step.end()
    second = await hub.puppet.step()
    assert texts_of(second.request) == ["Tell me", "Half an answer", "Next 1"]
    await expect(tab.get("queued")).to_have_count(1)
    await expect(tab.get("queued")).to_contain_text("place 1")
    second.answer("Answer 1")
    (await hub.puppet.step()).answer("Answer 2")
    await tab.reads("Answer 2", tab.answers.nth(2))
    await expect(tab.get("queued")).to_have_count(0)
    assert await tab.transcript() == ["Tell me", "Half an answer", "Next 1", "Answer 1", "Next 2", "Answer 2"]


async def test_a_message_that_waits_can_be_cancelled(hub: LiveHub, tabs: Tabs, tab: Tab) -> None:
    step = await streaming(hub, tab)
    await tab.send("Never mind")
    await tab.send("But this")
    await expect(tab.get("queued")).to_have_count(2)
    other = await tabs.open(hub.url, await tab.session_id())
    await other.get("cancel-queued").first.click()
    for each in (tab, other):
        await expect(each.get("queued")).to_have_count(1)
    await tab.has_status("streaming", tab.answers.first)  # the active one goes on
    step.end()
    following = await hub.puppet.step()
    assert following.asked == "But this"
    following.answer("This.")
    for each in (tab, other):
        await each.reads("This.")
        await each.has_status("complete")
    assert not hub.puppet.is_asked
    assert await tab.transcript() == await other.transcript()

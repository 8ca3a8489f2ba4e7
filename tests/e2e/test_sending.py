"""Sending a message, and watching the answer come."""

import re

import pytest
from playwright.async_api import expect

from tests.e2e.live import LiveHub
from tests.e2e.tab import Tab, Tabs

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_an_answer_grows_as_it_comes(hub: LiveHub, tab: Tab) -> None:
    await expect(tab.get("empty")).to_be_visible()
    await tab.send("Tell me")
    await expect(tab.questions).to_have_text(re.compile("Tell me"))
    step = await hub.puppet.step()
    await tab.has_status("streaming")
    await expect(tab.answer.get_by_test_id("waiting")).to_be_visible()
    step.say("One ")
    await tab.reads("One ")
    await expect(tab.answer.get_by_test_id("waiting")).to_have_count(0)
    step.say("two ")
    await tab.reads("One two ")
    step.say("three.")
    await tab.reads("One two three.")
    await tab.has_status("streaming")
    step.end()
    await tab.has_status("complete")
    await tab.reads("One two three.")


async def test_the_cursor_stands_behind_the_last_letter_while_it_streams(hub: LiveHub, tab: Tab) -> None:
    cursor = "p => getComputedStyle(p, '::after').content"
    await tab.send("Tell me")
    step = await hub.puppet.step()
    step.say("First.\n\nSecond")
    await tab.reads("First.Second")
    paragraphs = tab.answer.locator(".markdown p")
    assert await paragraphs.first.evaluate(cursor) == "none"
    assert await paragraphs.last.evaluate(cursor) == '""'
    step.end()
    await tab.has_status("complete")
    assert await paragraphs.last.evaluate(cursor) == "none"


async def test_time_to_first_text_and_speed_are_shown(hub: LiveHub, tab: Tab) -> None:
    await tab.send("Tell me")
    step = await hub.puppet.step()
    step.say("one two three four ")
    await expect(tab.answer.get_by_test_id("rates")).to_have_text(re.compile(r"^first text after \d+(\.\d)? m?s"))
    step.say("five")
    step.end()
    await tab.has_status("complete")
    await expect(tab.answer.get_by_test_id("rates")).to_have_text(
        re.compile(r"^first text after \S+ m?s · \d+ tokens/s · 5 tokens$")
    )


async def test_everything_works_by_keyboard(hub: LiveHub, tab: Tab) -> None:
    """Type, send, stop, copy: without a pointer; and the focus stays where one writes."""
    keyboard = tab.page.keyboard
    await expect(tab.composer).to_be_focused()
    await keyboard.type("first line")
    await keyboard.press("Shift+Enter")
    await keyboard.type("second line")
    await keyboard.press("Enter")
    await expect(tab.composer).to_be_focused()
    step = await hub.puppet.step()
    assert step.asked == "first line\nsecond line"
    step.say("So it")
    await tab.reads("So it")
    await expect(tab.composer).to_be_focused()
    await keyboard.press("Escape")
    await tab.has_status("stopped")
    await expect(tab.composer).to_be_focused()
    # Backwards from the composer are the actions of the last message.
    await keyboard.press("Shift+Tab")
    await expect(tab.answer.get_by_test_id("rate-down")).to_be_focused()
    for _ in range(3):
        await keyboard.press("Shift+Tab")
    await expect(tab.answer.get_by_test_id("regenerate")).to_be_focused()
    await keyboard.press("Enter")
    step = await hub.puppet.step()
    step.answer("So it goes.")
    await tab.reads("So it goes.")


async def test_a_message_being_composed_is_not_sent_by_enter(tab: Tab) -> None:
    """An input method takes Enter for itself."""
    await tab.composer.fill("日本")
    await tab.composer.dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    await expect(tab.composer).to_have_value("日本")
    await expect(tab.questions).to_have_count(0)


async def test_what_is_half_written_is_there_after_a_reload_in_its_own_chat(hub: LiveHub, tabs: Tabs, tab: Tab) -> None:
    tabs.accept(re.compile(r"favicon\.svg net::ERR_ABORTED"))  # the first reload may break off its loading
    await tab.composer.fill("half a que")
    await tab.page.reload()
    await expect(tab.composer).to_have_value("half a que")
    await tab.composer.press_sequentially("stion")
    await tab.composer.press("Enter")
    (await hub.puppet.step()).answer("An answer.")
    await tab.has_status("complete")
    await expect(tab.composer).to_have_value("")
    await tab.composer.fill("and half an")
    await tab.act("edit", tab.questions.first)  # what is edited meanwhile is not in its way
    await expect(tab.composer).to_have_value("half a question")
    await tab.page.reload()
    await expect(tab.composer).to_have_value("and half an")
    await tab.get("new-chat").click()
    await expect(tab.composer).to_have_value("")
    await tab.rows.first.click()
    await expect(tab.composer).to_have_value("and half an")
    await tab.composer.press("Enter")
    (await hub.puppet.step()).answer("Another.")
    await tab.reads("Another.")
    await tab.page.reload()
    await tab.reads("Another.")
    await expect(tab.composer).to_have_value("")


async def test_an_example_is_sent_by_a_click(hub: LiveHub, tab: Tab) -> None:
    await tab.get("example").nth(2).click()
    step = await hub.puppet.step()
    assert step.asked == "What can you do?"
    step.answer("Much.")
    await tab.has_status("complete")
    await expect(tab.title).not_to_have_text("New chat")


async def test_a_message_over_the_limit_is_refused_in_a_sentence(tab: Tab) -> None:
    # Set as a paste would: typing a megabyte takes its time.
    await tab.composer.evaluate(
        "(field, text) => { field.value = text; field.dispatchEvent(new Event('input', {bubbles: true})); }",
        "x" * 1_100_000,
    )
    await tab.get("send").click()
    await expect(tab.get("complaint")).to_contain_text("too long to send")
    await tab.is_online()

"""The list of chats, and what can be done to a chat as a whole."""

import asyncio

import pytest
from playwright.async_api import expect

from hub.providers.base import Request
from hub.server.auth import ANONYMOUS
from tests.e2e.live import LiveHub
from tests.e2e.puppet import texts_of
from tests.e2e.tab import Tab, Tabs

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


def echo(request: Request) -> list[str]:
    return [f"You said: {texts_of(request)[-1]}"]


async def fill(hub: LiveHub, session_id: str, count: int) -> None:
    """A session in which so many questions were asked and answered."""
    hub.puppet.replies = echo
    async with hub.app.test_client(user=ANONYMOUS) as client:
        await client.invoke("OpenSession", {"sessionId": session_id})
        for number in range(count):
            run = client.stream("Chat", session_id, {"messageId": f"q{number}", "content": f"Question {number}"})
            assert [event async for event in run]
    hub.puppet.replies = None


async def test_the_list_is_live_in_all_tabs(hub: LiveHub, tabs: Tabs, tab: Tab) -> None:
    other = await tabs.open(hub.url)
    await tab.send("A first chat")
    step = await hub.puppet.step()
    for each in (tab, other):
        await expect(each.rows).to_have_count(1)
        await expect(each.rows.first).to_contain_text("A first chat")
        await expect(each.rows.first.get_by_label("Answering")).to_be_visible()
    step.answer("Yes.")
    for each in (tab, other):
        await expect(each.rows.first.get_by_label("Answering")).to_have_count(0)
    await other.send("A second chat")
    (await hub.puppet.step()).answer("Yes.")
    for each in (tab, other):
        await expect(each.rows).to_have_count(2)
        await expect(each.rows.first).to_contain_text("A second chat")


async def test_one_goes_from_chat_to_chat_and_back(hub: LiveHub, tab: Tab) -> None:
    hub.puppet.replies = echo
    for name in ("one", "two"):
        await tab.get("new-chat").click()
        await tab.send(f"Chat {name}")
        await tab.has_status("complete")
    await tab.rows.filter(has_text="Chat one").click()
    await tab.reads("You said: Chat one")
    await expect(tab.title).to_have_text("Chat one")
    await expect(tab.page).to_have_title("Chat one · Hubline")
    await expect(tab.composer).to_be_focused()
    await tab.page.go_back()
    await tab.reads("You said: Chat two")
    await tab.page.go_forward()
    await tab.reads("You said: Chat one")


async def test_an_answer_goes_on_while_another_chat_is_open(hub: LiveHub, tab: Tab) -> None:
    await tab.send("Slow one")
    slow = await hub.puppet.step()
    slow.say("Once ")
    await tab.reads("Once ")
    await tab.get("new-chat").click()
    await expect(tab.get("stop")).to_have_count(0)
    await tab.send("Quick one")
    (await hub.puppet.step()).answer("Done.")
    await tab.reads("Done.")
    slow.answer("upon a time.")
    await tab.rows.filter(has_text="Slow one").click()
    await tab.reads("Once upon a time.")
    await tab.has_status("complete")


async def test_what_was_answered_unseen_is_unread_until_it_is_opened(hub: LiveHub, tabs: Tabs, tab: Tab) -> None:
    await tab.send("First")
    first = await hub.puppet.step()
    await tab.get("new-chat").click()
    await tab.send("Second")
    (await hub.puppet.step()).answer("Two.")
    await tab.has_status("complete")
    first.answer("One.")
    row = tab.rows.filter(has_text="First")
    await expect(row).to_contain_text("(unread)")
    await expect(tab.rows.filter(has_text="Second")).not_to_contain_text("(unread)")
    other = await tabs.open(hub.url, await tab.session_id())
    await expect(other.rows.filter(has_text="First")).to_contain_text("(unread)")
    await row.click()
    await tab.reads("One.")
    await expect(other.rows.filter(has_text="First")).not_to_contain_text("(unread)")
    await tab.rows.filter(has_text="Second").click()
    await expect(row).not_to_contain_text("(unread)")


async def test_a_new_title_shows_in_both_tabs(hub: LiveHub, tabs: Tabs, tab: Tab) -> None:
    hub.puppet.replies = echo
    await tab.send("Old name")
    await tab.has_status("complete")
    other = await tabs.open(hub.url, await tab.session_id())
    await tab.get("rename").click()
    await expect(tab.get("rename-input")).to_be_focused()
    await expect(tab.get("rename-input")).to_have_value("Old name")
    await tab.get("rename-input").fill("New <b>name</b>")
    await tab.get("rename-input").press("Enter")
    for each in (tab, other):
        await expect(each.title).to_have_text("New <b>name</b>")
        await expect(each.rows.first).to_contain_text("New <b>name</b>")
    await tab.get("rename").click()
    await tab.get("rename-input").fill("Never")
    await tab.get("rename-input").press("Escape")
    await expect(tab.title).to_have_text("New <b>name</b>")


async def test_a_deleted_chat_is_gone_in_both_tabs(hub: LiveHub, tabs: Tabs, tab: Tab) -> None:
    hub.puppet.replies = echo
    await tab.send("Short-lived")
    await tab.has_status("complete")
    other = await tabs.open(hub.url, await tab.session_id())
    await other.has_status("complete")
    await tab.get("delete").click()
    await expect(tab.page.get_by_role("button", name="Keep")).to_be_focused()
    await tab.get("confirm-delete").click()
    await expect(tab.get("empty")).to_be_visible()
    await expect(other.get("gone")).to_contain_text("was deleted")
    for each in (tab, other):
        await expect(each.rows).to_have_count(0)
    await other.get("new-chat").click()
    await other.send("Another")
    await other.reads("You said: Another")


async def test_deleting_a_chat_ends_its_answer(hub: LiveHub, tab: Tab) -> None:
    await tab.send("Tell me")
    step = await hub.puppet.step()
    step.say("Well")
    await tab.reads("Well")
    await tab.get("delete").click()
    await tab.get("confirm-delete").click()
    await expect(tab.get("empty")).to_be_visible()
    await asyncio.wait_for(step.closed.wait(), 10)


async def test_an_address_of_no_chat_says_so(hub: LiveHub, tabs: Tabs) -> None:
    tab = await tabs.open(hub.url, "s-nowhere")
    await expect(tab.get("gone")).to_contain_text("This chat does not exist or was deleted.")
    await expect(tab.title).to_have_text("Chat not found")


async def test_what_is_written_where_no_chat_is_begins_a_new_one(hub: LiveHub, tabs: Tabs) -> None:
    hub.puppet.replies = echo
    tab = await tabs.open(hub.url, "s-nowhere")
    await expect(tab.get("gone")).to_be_visible()
    await tab.send("Hello")
    await tab.reads("You said: Hello")
    await expect(tab.get("gone")).to_have_count(0)
    assert await tab.session_id() != "s-nowhere"
    await tab.page.reload()
    await tab.reads("You said: Hello")


async def test_older_messages_are_loaded_and_the_view_stays(hub: LiveHub, tabs: Tabs) -> None:
    await fill(hub, "long", 45)
    tab = await tabs.open(hub.url, "long")
    await tab.reads("You said: Question 44")
    await expect(tab.questions).to_have_count(25)
    await expect(tab.answer).to_be_in_viewport()
    button = tab.get("load-older")
    await button.scroll_into_view_if_needed()
    first = tab.questions.get_by_text("Question 20", exact=True)
    before = await first.bounding_box()
    await button.click()
    await expect(tab.questions).to_have_count(40)
    after = await first.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["y"] - after["y"]) < 3
    await button.click()
    await expect(tab.questions).to_have_count(45)
    await expect(button).to_have_count(0)
    texts = await tab.questions.locator(".plain").all_text_contents()
    assert texts == [f"Question {number}" for number in range(45)]
    await tab.get("jump").click()
    await expect(tab.answer).to_be_in_viewport()
    await expect(tab.get("jump")).to_have_count(0)


async def test_the_end_stays_in_view_until_one_scrolls_away(hub: LiveHub, tabs: Tabs) -> None:
    await fill(hub, "scrolled", 20)
    tab = await tabs.open(hub.url, "scrolled")
    await tab.send("More")
    step = await hub.puppet.step()
    step.say("\n\n".join(f"Paragraph {number}" for number in range(40)))
    await expect(tab.answer.get_by_text("Paragraph 39")).to_be_in_viewport()
    await tab.page.mouse.move(700, 300)
    await tab.page.mouse.wheel(0, -1500)
    await expect(tab.get("jump")).to_be_visible()
    await expect(tab.answer.get_by_text("Paragraph 39")).not_to_be_in_viewport()
    step.answer("\n\nParagraph 40")
    await tab.has_status("complete")
    await expect(tab.answer.get_by_text("Paragraph 40")).not_to_be_in_viewport()
    await tab.get("jump").click()
    await expect(tab.answer.get_by_text("Paragraph 40")).to_be_in_viewport()


async def test_more_chats_than_a_page_are_there_to_be_shown(hub: LiveHub, tabs: Tabs) -> None:
    async with hub.app.test_client(user=ANONYMOUS) as client:
        for number in range(230):
            await client.invoke("OpenSession", {"sessionId": f"n{number}", "title": f"Chat {number}"})
    tab = await tabs.open(hub.url)
    await expect(tab.rows).to_have_count(200)
    await tab.get("more-sessions").click()
    await expect(tab.rows).to_have_count(230)
    await expect(tab.get("more-sessions")).to_have_count(0)

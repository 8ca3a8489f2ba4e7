"""Who is here, who comes and goes, who has said what, and who has answered."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from hub.errors import ProviderError
from hub.server.auth import User
from tests.api.serving import by_name
from tests.e2e.live import LiveHub, live_hub
from tests.e2e.tab import Tab, Tabs
from tests.e2e.test_accessible import NAMELESS

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


# What was said, which the page itself forgets after a while.
RECORD = """
() => {
  window.said = [];
  const news = document.querySelector("[data-testid=people-news]");
  const note = () => news.textContent && window.said.push(news.textContent);
  new MutationObserver(note).observe(news, { childList: true, characterData: true, subtree: true });
}
"""


async def has_heard(tab: Tab, *texts: str) -> None:
    await tab.page.wait_for_function("texts => texts.every((text) => window.said.includes(text))", arg=list(texts))


async def types_until_seen(typist: Tab, watcher: Tab) -> None:
    """A pause would end it."""
    async with asyncio.timeout(30):
        while not await watcher.get("writing").count():
            await typist.composer.press("a")


@pytest_asyncio.fixture(loop_scope="session")
async def shared() -> AsyncIterator[LiveHub]:
    """A hub with a session of ann's, in which bob may write."""
    async with live_hub(authenticate=by_name, presence_gather_s=0.01, presence_grace_s=0.05) as hub:
        async with hub.app.test_client(user=User(id="ann")) as ann:
            await ann.invoke("OpenSession", {"sessionId": "plans"})
            await ann.invoke("ShareSession", "plans", "bob", "editor")
        yield hub


async def test_who_is_here_is_shown_and_who_comes_and_goes_is_said(shared: LiveHub, tabs: Tabs) -> None:
    ann = await tabs.open(shared.url, "plans", "ann")
    await expect(ann.get("model")).to_be_visible()
    await expect(ann.get("people")).to_have_count(0)  # alone
    await ann.page.evaluate(RECORD)
    bob = await tabs.open(shared.url, "plans", "bob")
    await expect(ann.get("people")).to_have_text("You, bob")
    await expect(bob.get("people")).to_have_text("You, ann")
    await has_heard(ann, "bob is here.")
    await expect(bob.get("people-news")).to_be_empty()
    third = await tabs.open(shared.url, "plans", "bob")
    await expect(third.get("people")).to_have_text("You, ann")
    await ann.get("people").focus()
    await ann.page.keyboard.press("Enter")
    await expect(ann.get("people-list").locator("li")).to_have_text(["You owner", "bob editor · 2 times"])
    assert await ann.page.evaluate(NAMELESS) == []
    await ann.page.keyboard.press("Escape")
    await expect(ann.get("people-list")).to_have_count(0)
    await bob.page.close()
    await expect(ann.get("people")).to_have_text("You, bob")
    await third.page.close()
    await expect(ann.get("people")).to_have_count(0)
    await has_heard(ann, "bob has left.")


async def test_questions_of_others_have_their_names(shared: LiveHub, tabs: Tabs) -> None:
    ann = await tabs.open(shared.url, "plans", "ann")
    bob = await tabs.open(shared.url, "plans", "bob")
    await bob.send("Shall we?")
    (await shared.puppet.step()).answer("Yes.")
    for tab in (ann, bob):
        await tab.has_status("complete")
    await expect(ann.questions.get_by_test_id("author")).to_have_text("bob")
    await expect(ann.page.get_by_role("article", name="bob")).to_be_visible()
    await expect(bob.page.get_by_role("article", name="You")).to_be_visible()
    await expect(bob.get("author")).to_have_count(0)


async def test_others_see_that_one_is_writing(shared: LiveHub, tabs: Tabs) -> None:
    ann = await tabs.open(shared.url, "plans", "ann")
    bob = await tabs.open(shared.url, "plans", "bob")
    await expect(bob.get("people")).to_have_text("You, ann")
    await types_until_seen(bob, ann)
    assert await ann.get("writing").all_text_contents() in (["bob is writing…"], [])
    await expect(bob.get("writing")).to_have_count(0)
    await bob.composer.fill("")
    await expect(ann.get("writing")).to_have_count(0)
    await types_until_seen(bob, ann)
    await bob.composer.press("Enter")
    await expect(ann.get("writing")).to_have_count(0)


async def test_presence_is_of_the_open_chat_and_comes_back_after_a_reload(shared: LiveHub, tabs: Tabs) -> None:
    tabs.accept(re.compile(r"favicon\.svg net::ERR_ABORTED"))
    ann = await tabs.open(shared.url, "plans", "ann")
    bob = await tabs.open(shared.url, "plans", "bob")
    await expect(ann.get("people")).to_have_text("You, bob")
    await bob.get("new-chat").click()
    await expect(bob.get("people")).to_have_count(0)
    await expect(ann.get("people")).to_have_count(0)
    await bob.rows.first.click()
    await expect(ann.get("people")).to_have_text("You, bob")
    await bob.page.reload()
    await expect(bob.get("people")).to_have_text("You, ann")
    await expect(ann.get("people")).to_have_text("You, bob")


async def test_every_answer_says_who_gave_it(hub: LiveHub, tab: Tab) -> None:
    await tab.send("Tell me")
    step = await hub.puppet.step()
    await expect(tab.answer.get_by_test_id("answered-by")).to_have_text("puppet · puppet-1")
    step.answer("That.")
    await tab.has_status("complete")
    await tab.page.reload()
    await expect(tab.answer.get_by_test_id("answered-by")).to_have_text("puppet · puppet-1")


async def test_after_a_fall_back_it_is_the_one_who_answered(tabs: Tabs) -> None:
    tabs.accept(re.compile(r"favicon\.svg net::ERR_ABORTED"))
    async with live_hub(fallback_providers=["demo"], demo_pace=0) as hub:
        tab = await tabs.open(hub.url)
        await tab.send("What can you do?")
        (await hub.puppet.step()).fail(ProviderError("provider_unreachable", "It is asleep."))
        await tab.has_status("complete")
        answered = tab.answer.get_by_test_id("answered-by")
        await expect(answered).to_have_text(re.compile("^demo"))
        await expect(tab.answer.get_by_test_id("notice")).to_contain_text("demo answers instead")
        await tab.page.reload()
        await expect(answered).to_have_text(re.compile("^demo"))
        await tabs.close()

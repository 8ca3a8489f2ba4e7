"""Reload, more tabs, and networks that fail: nothing is lost, nothing comes twice."""

import re

import pytest
from playwright.async_api import expect

from tests.e2e.live import LiveHub
from tests.e2e.puppet import Step
from tests.e2e.tab import HUB_AWAY, Tab, Tabs
from tests.e2e.wire import Network

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

WORDS = [f"w{number} " for number in range(60)]
"""A script in which every loss, repetition and change of order shows."""


def said(count: int) -> re.Pattern[str]:
    return re.compile(f"^{''.join(WORDS[:count]).strip()} ?$")


async def begin(hub: LiveHub, tab: Tab, count: int) -> Step:
    """An answer that has said so many words."""
    await tab.send("Count")
    step = await hub.puppet.step()
    await go_on(step, 0, count)
    await tab.reads(said(count))
    return step


async def go_on(step: Step, first: int, end: int) -> None:
    for word in WORDS[first:end]:
        step.say(word)


async def finish(step: Step, first: int) -> None:
    await go_on(step, first, len(WORDS))
    step.end()


async def is_whole(*tabs: Tab) -> None:
    for tab in tabs:
        await tab.reads(said(len(WORDS)))
        await tab.has_status("complete")
        await expect(tab.answers).to_have_count(1)
        await expect(tab.questions).to_have_count(1)
    assert len({tuple(await tab.transcript()) for tab in tabs}) == 1


async def test_a_reload_in_the_middle_goes_on_live(hub: LiveHub, tab: Tab) -> None:
    step = await begin(hub, tab, 20)
    await tab.page.reload()
    await tab.reads(said(20))
    await tab.has_status("streaming")
    await go_on(step, 20, 40)
    await tab.reads(said(40))
    await finish(step, 40)
    await is_whole(tab)


async def test_what_is_said_during_the_reload_is_there(hub: LiveHub, tab: Tab) -> None:
    step = await begin(hub, tab, 10)
    await tab.page.goto("about:blank")
    await finish(step, 10)
    await tab.page.go_back()
    await is_whole(tab)


async def test_a_second_tab_is_in_step(hub: LiveHub, tabs: Tabs, tab: Tab) -> None:
    step = await begin(hub, tab, 15)
    second = await tabs.open(hub.url, await tab.session_id())
    await second.reads(said(15))
    await go_on(step, 15, 30)
    for each in (tab, second):
        await each.reads(said(30))
    await finish(step, 30)
    late = await tabs.open(hub.url, await tab.session_id())
    await is_whole(tab, second, late)


async def test_a_message_from_one_tab_shows_in_the_other(hub: LiveHub, tabs: Tabs, tab: Tab) -> None:
    step = await begin(hub, tab, 5)
    await finish(step, 5)
    second = await tabs.open(hub.url, await tab.session_id())
    await is_whole(tab, second)
    await second.send("From here")
    await expect(tab.questions.last).to_contain_text("From here")
    (await hub.puppet.step()).answer("To there")
    for each in (tab, second):
        await each.reads("To there")
        await each.has_status("complete")
    assert await tab.transcript() == await second.transcript()


async def test_a_cut_in_the_middle_loses_nothing(hub: LiveHub, tabs: Tabs, network: Network) -> None:
    tab = await tabs.open(network.url)
    step = await begin(hub, tab, 10)
    for end in (20, 30):
        network.cut()
        await go_on(step, end - 10, end)
        await tab.reads(said(end))
        await tab.is_online()
    await finish(step, 30)
    await is_whole(tab)


async def test_cuts_at_any_moment_lose_nothing(hub: LiveHub, tabs: Tabs, network: Network) -> None:
    """Between deltas, and while they are on their way."""
    tab = await tabs.open(network.url)
    step = await begin(hub, tab, 1)
    for number in range(1, len(WORDS)):
        step.say(WORDS[number])
        if number % 12 == 0:
            await tab.is_online()
            network.cut()
            await tab.has_connection(re.compile("reconnecting|online"))
    step.end()
    await is_whole(tab)


async def test_a_hub_that_cannot_be_reached_is_shown_and_found_again(
    hub: LiveHub, tabs: Tabs, network: Network
) -> None:
    tab = await tabs.open(network.url)
    step = await begin(hub, tab, 10)
    tabs.accept(HUB_AWAY)
    network.go()
    await tab.has_connection("reconnecting")
    await expect(tab.get("connection-bar")).to_contain_text("Trying again")
    await tab.reads(said(10))  # what is there stays
    await go_on(step, 10, 30)
    await tab.has_connection("offline")  # after some attempts it is called what it is
    await expect(tab.get("connection-bar")).to_contain_text("The hub cannot be reached")
    await network.come()
    await tab.try_now()
    await tab.is_online()
    await expect(tab.get("connection-bar")).to_have_count(0)
    await tab.reads(said(30))
    await finish(step, 30)
    await is_whole(tab)


async def test_offline_and_back(hub: LiveHub, tabs: Tabs, network: Network) -> None:
    """Messages written offline wait, visibly, over a reload too, and go out once, in order."""
    tab = await tabs.open(network.url)
    step = await begin(hub, tab, 10)
    tabs.accept(HUB_AWAY)
    network.freeze()  # nobody is told; the browser knows only that its network changed
    await tabs.context.set_offline(True)
    await tab.has_connection(re.compile("reconnecting|offline"))
    await tab.send("Written offline 1")
    await tab.send("Written offline 2")
    await expect(tab.get("unsent")).to_have_count(2)
    await expect(tab.get("unsent-state")).to_have_text(["Waits for the connection"] * 2)
    await expect(tab.composer).to_be_focused()
    await finish(step, 10)
    network.cut()
    network.thaw()
    await tabs.context.set_offline(False)
    await tab.is_online()
    await tab.reads(said(len(WORDS)), tab.answers.first)
    for number in (1, 2):
        step = await hub.puppet.step()
        assert step.asked == f"Written offline {number}"
        step.answer(f"Answer {number}")
    await tab.reads("Answer 2")
    await tab.has_status("complete")
    await expect(tab.get("unsent")).to_have_count(0)
    assert [text.strip() for text in await tab.transcript()] == [
        "Count",
        "".join(WORDS).strip(),
        "Written offline 1",
        "Answer 1",
        "Written offline 2",
        "Answer 2",
    ]
    assert not hub.puppet.is_asked


async def test_a_message_written_offline_can_be_taken_back(hub: LiveHub, tabs: Tabs, network: Network) -> None:
    tab = await tabs.open(network.url)
    tabs.accept(HUB_AWAY)
    network.go()
    await tab.has_connection("reconnecting")
    await tab.send("Never mind")
    await tab.send("But this")
    await tab.get("discard").first.click()
    await expect(tab.get("unsent")).to_have_count(1)
    await network.come()
    await tab.try_now()
    step = await hub.puppet.step()
    assert step.asked == "But this"
    step.answer("This.")
    await tab.has_status("complete")
    await expect(tab.questions).to_have_count(1)
    assert not hub.puppet.is_asked


async def test_a_message_whose_answer_was_lost_on_the_way_is_not_sent_twice(
    hub: LiveHub, tabs: Tabs, network: Network
) -> None:
    """The hub has it, and the browser does not know."""
    tab = await tabs.open(network.url)
    step = await begin(hub, tab, 1)
    await finish(step, 1)
    await is_whole(tab)
    network.deafen()
    await tab.send("Once")
    step = await hub.puppet.step()
    step.answer("Yes, once.")
    network.cut()
    network.hear()
    await tab.reads("Yes, once.")
    await tab.has_status("complete")
    await expect(tab.get("unsent")).to_have_count(0)
    await expect(tab.questions).to_have_count(2)
    await expect(tab.answers).to_have_count(2)
    assert not hub.puppet.is_asked


async def test_a_message_written_offline_outlives_a_closed_tab(hub: LiveHub, tabs: Tabs, network: Network) -> None:
    tab = await tabs.open(network.url)
    step = await begin(hub, tab, 1)
    await finish(step, 1)
    await is_whole(tab)
    tabs.accept(HUB_AWAY)
    network.go()
    await tab.has_connection("reconnecting")
    await tab.send("Remember me")
    await expect(tab.get("unsent")).to_have_count(1)
    session_id = await tab.session_id()
    await tab.page.close()
    await network.come()
    again = await tabs.open(network.url, session_id)
    step = await hub.puppet.step()
    assert step.asked == "Remember me"
    step.answer("I do.")
    await again.reads("I do.")
    await expect(again.get("unsent")).to_have_count(0)


async def test_stop_while_the_hub_is_away_says_that_it_was_not_done(hub: LiveHub, tabs: Tabs, network: Network) -> None:
    tab = await tabs.open(network.url)
    step = await begin(hub, tab, 10)
    tabs.accept(HUB_AWAY)
    network.go()
    await tab.has_connection("reconnecting")
    await tab.get("stop").click()
    await expect(tab.get("complaint")).to_contain_text("the answer goes on")
    await network.come()
    await tab.try_now()
    await finish(step, 10)
    await is_whole(tab)

"""Tools at work, thinking, notices and errors, as the viewer shows them."""

import asyncio
import re

import pytest
from playwright.async_api import expect

from hub.errors import ProviderError
from hub.terminal.link import open_link
from hub.tools.base import ToolContext, ToolError
from tests.e2e.live import LiveHub
from tests.e2e.tab import Tab, Tabs

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


class Counting:
    """A tool that goes on when the test lets it."""

    def __init__(self, hub: LiveHub) -> None:
        self._reports: asyncio.Queue[tuple[float | None, str | None] | str | dict[str, int] | ToolError] = (
            asyncio.Queue()
        )

        @hub.app.tool(name="count_stock", title="Count the stock")
        async def count_stock(sku: str, ctx: ToolContext) -> dict[str, int]:
            """Counts."""
            while True:
                report = await self._reports.get()
                if isinstance(report, ToolError):
                    raise report
                if isinstance(report, dict):
                    return report
                if isinstance(report, str):
                    await ctx.output(report)
                else:
                    await ctx.progress(*report)

    def report(self, fraction: float | None, note: str | None) -> None:
        self._reports.put_nowait((fraction, note))

    def put_out(self, text: str) -> None:
        self._reports.put_nowait(text)

    def finish(self, result: dict[str, int] | ToolError) -> None:
        self._reports.put_nowait(result)


async def begin_call(hub: LiveHub, tab: Tab) -> None:
    await tab.send("How many are there?")
    step = await hub.puppet.step()
    step.say("I count.")
    step.call("c1", "count_stock", {"sku": "A-7"})
    step.end("tool_calls")


async def test_a_tool_call_shows_its_title_state_progress_and_result(hub: LiveHub, tabs: Tabs) -> None:
    counting = Counting(hub)
    tab = await tabs.open(hub.url)
    await begin_call(hub, tab)
    card = tab.answer.get_by_test_id("tool-card")
    await expect(card).to_have_attribute("data-state", "running")
    await expect(card).to_contain_text("Count the stock")
    await expect(card.get_by_test_id("tool-state")).to_have_text("Running")
    counting.report(None, "opening the book")
    await expect(card.get_by_test_id("tool-progress")).to_contain_text("opening the book")
    assert await card.locator("progress").get_attribute("value") is None
    counting.report(0.25, "shelf 1 of 4")
    await expect(card.locator("progress")).to_have_attribute("value", "0.25")
    await expect(card.get_by_test_id("tool-progress")).to_contain_text("shelf 1 of 4")
    counting.report(0.75, "shelf 3 of 4")
    await expect(card.locator("progress")).to_have_attribute("value", "0.75")
    counting.finish({"onHand": 42})
    await expect(card).to_have_attribute("data-state", "success")
    await expect(card.get_by_test_id("tool-state")).to_have_text(re.compile(r"^Done · \d+(\.\d)? m?s$"))
    await expect(card.get_by_test_id("tool-progress")).to_have_count(0)
    (await hub.puppet.step()).answer("There are 42.")
    await tab.has_status("complete")
    await expect(tab.answer.locator(".markdown")).to_have_text(["I count.", "There are 42."])
    await card.locator("summary").click()
    await expect(card).to_contain_text('"sku": "A-7"')
    await expect(card).to_contain_text('"onHand": 42')


async def test_who_joins_during_a_tool_call_sees_its_progress(hub: LiveHub, tabs: Tabs) -> None:
    counting = Counting(hub)
    tab = await tabs.open(hub.url)
    await begin_call(hub, tab)
    counting.report(0.5, "half way")
    await expect(tab.get("tool-progress")).to_contain_text("half way")
    late = await tabs.open(hub.url, await tab.session_id())
    await expect(late.get("tool-progress")).to_contain_text("half way")
    await expect(late.answer.locator("progress")).to_have_attribute("value", "0.5")
    counting.finish({"onHand": 1})
    await expect(late.get("tool-card")).to_have_attribute("data-state", "success")
    (await hub.puppet.step()).answer("One.")
    for each in (tab, late):
        await each.has_status("complete")
    assert await tab.transcript() == await late.transcript()


async def test_what_a_tool_puts_out_is_shown_while_it_runs(hub: LiveHub, tabs: Tabs) -> None:
    counting = Counting(hub)
    tab = await tabs.open(hub.url)
    await begin_call(hub, tab)
    output = tab.get("tool-output")
    counting.put_out("shelf 1: 20\n")
    await expect(output).to_have_text("shelf 1: 20")
    counting.put_out("shelf 2: 22\n" * 40)
    await expect(output).to_contain_text("shelf 2: 22")
    at_end = "box => box.scrollTop > 0 && box.scrollHeight - box.scrollTop - box.clientHeight < 8"
    assert await output.evaluate(at_end)
    late = await tabs.open(hub.url, await tab.session_id())
    await expect(late.get("tool-output")).to_contain_text("shelf 2: 22")
    counting.finish({"onHand": 42})
    await expect(tab.get("tool-card")).to_have_attribute("data-state", "success")
    await expect(output).to_have_count(0)
    (await hub.puppet.step()).answer("There are 42.")
    await tab.has_status("complete")


async def test_a_call_of_a_client_shows_what_the_client_calls_itself(hub: LiveHub, tabs: Tabs) -> None:
    tab = await tabs.open(hub.url)
    await tab.send("Hello")
    (await hub.puppet.step()).answer("Hello.")
    await tab.has_status("complete")
    session_id = await tab.session_id()
    async with open_link(hub.url) as link:
        tools = [{"name": "write_range"}]
        await link.invoke("RegisterTools", session_id, {"name": "Budget.xlsx", "tools": tools})
        await tab.send("Write it")
        step = await hub.puppet.step()
        step.call("c1", "write_range", {"range": "A1", "values": [[1]]})
        step.end("tool_calls")
        host = tab.get("tool-host")
        await expect(host).to_have_text("in Budget.xlsx")
        await expect(tab.page.get_by_role("region", name="in Budget.xlsx")).to_be_visible()
        await tab.page.reload()
        await expect(host).to_have_text("in Budget.xlsx")
        await tab.get("deny").click()
        (await hub.puppet.step()).answer("Then not.")
        await tab.has_status("complete")


async def test_a_tool_that_fails_says_why(hub: LiveHub, tabs: Tabs) -> None:
    counting = Counting(hub)
    tab = await tabs.open(hub.url)
    await begin_call(hub, tab)
    counting.finish(ToolError("The book is locked."))
    card = tab.answer.get_by_test_id("tool-card")
    await expect(card).to_have_attribute("data-state", "failed")
    await card.locator("summary").click()
    await expect(card).to_contain_text("The book is locked.")
    (await hub.puppet.step()).answer("I could not look.")
    await tab.has_status("complete")


async def test_a_stop_during_a_tool_interrupts_it_and_the_next_message_works(hub: LiveHub, tabs: Tabs) -> None:
    Counting(hub)
    tab = await tabs.open(hub.url)
    await begin_call(hub, tab)
    card = tab.get("tool-card").first
    await expect(card).to_have_attribute("data-state", "running")
    await tab.get("stop").click()
    await tab.has_status("stopped")
    await expect(card).to_have_attribute("data-state", "interrupted")
    await tab.send("And now?")
    (await hub.puppet.step()).answer("Now it works.")
    await tab.reads("Now it works.")


async def test_thinking_is_there_to_unfold(hub: LiveHub, tab: Tab) -> None:
    await tab.send("Think")
    step = await hub.puppet.step()
    step.think("First I ask ")
    thinking = tab.answer.get_by_test_id("thinking")
    await expect(thinking.locator("summary")).to_have_text("Thinking…")
    await thinking.locator("summary").click()
    step.think("what is wanted.")
    await expect(thinking).to_contain_text("First I ask what is wanted.")
    step.end_thought()
    step.answer("Done.")
    await tab.has_status("complete")
    await expect(thinking.locator("summary")).to_have_text("Thoughts")
    await expect(thinking).to_contain_text("First I ask what is wanted.")  # it stays unfolded
    await tab.reads("Done.")


async def test_a_retry_is_a_notice_and_a_refused_key_an_error(hub: LiveHub, tab: Tab) -> None:
    await tab.send("Anyone?")
    first = await hub.puppet.step()
    first.fail(
        ProviderError("provider_overloaded", "The provider has too much to do.", retryable=True, retry_after_s=0.01)
    )
    notice = tab.answer.get_by_test_id("notice")
    await expect(notice).to_have_attribute("data-code", "retrying")
    await expect(notice).to_contain_text("too much to do")
    second = await hub.puppet.step()
    second.fail(ProviderError("provider_auth", "The provider rejected the key: check ANTHROPIC_API_KEY."))
    await tab.has_status("failed")
    error = tab.answer.get_by_role("alert")
    await expect(error).to_have_attribute("data-code", "provider_auth")
    await expect(error).to_have_text("The provider rejected the key: check ANTHROPIC_API_KEY.")
    await expect(tab.answer.get_by_test_id("regenerate")).to_have_text("Try again")


async def test_a_failure_in_the_middle_keeps_the_text_and_is_still_told_after_a_reload(hub: LiveHub, tab: Tab) -> None:
    await tab.send("Tell me")
    step = await hub.puppet.step()
    step.say("It was a dark and")
    await tab.reads("It was a dark and")
    step.fail(ProviderError("provider_truncated", "The answer broke off."))
    await tab.has_status("failed")
    await tab.page.reload()
    await tab.has_status("failed")
    await tab.reads("It was a dark and")
    await expect(tab.answer.get_by_role("alert")).to_have_text("The answer broke off.")

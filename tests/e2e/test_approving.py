"""Approvals in the viewer: what is asked, and allowing, denying, editing it."""

import json

import pytest
from playwright.async_api import expect

from tests.e2e.live import LiveHub
from tests.e2e.puppet import Step
from tests.e2e.tab import Tab, Tabs
from tests.e2e.test_accessible import NAMELESS

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

FIRST = {"range": "A1", "formula": "=SUM(B1:B9)"}


class Sheet:
    """A tool that writes."""

    def __init__(self, hub: LiveHub) -> None:
        self.written: list[dict[str, str]] = []

        @hub.app.tool(name="apply_formula", title="Apply a formula", access="write")
        async def apply_formula(range: str, formula: str) -> str:
            self.written.append({"range": range, "formula": formula})
            return "applied"


async def ask(hub: LiveHub, tab: Tab, *, call_id: str = "c1") -> None:
    await tab.send("Sum it")
    step: Step = await hub.puppet.step()
    step.call(call_id, "apply_formula", FIRST)
    step.end("tool_calls")
    await expect(tab.get("approval")).to_be_visible()


async def done(hub: LiveHub, tab: Tab, state: str) -> None:
    card = tab.answer.get_by_test_id("tool-card")
    await expect(card).to_have_attribute("data-state", state)
    (await hub.puppet.step()).answer("So be it.")
    await tab.has_status("complete")
    await expect(tab.get("approval")).to_have_count(0)


async def test_a_call_is_allowed(hub: LiveHub, tabs: Tabs) -> None:
    sheet = Sheet(hub)
    tab = await tabs.open(hub.url)
    await ask(hub, tab)
    await expect(tab.get("tool-state")).to_have_text("Waiting for approval")
    await expect(tab.get("approval-reason")).to_have_text("In the mode agent-default, tools that write need approval.")
    await expect(tab.get("approval-arguments")).to_contain_text("=SUM(B1:B9)")
    await expect(tab.get("announcer")).to_have_text("A tool call waits for approval.")
    assert await tab.page.evaluate(NAMELESS) == []
    assert sheet.written == []
    await tab.get("approve").click()
    await done(hub, tab, "success")
    assert sheet.written == [FIRST]
    await tab.answer.locator("summary").click()
    await expect(tab.answer.get_by_test_id("tool-card")).to_contain_text("Allowed by anonymous")


async def test_a_call_is_denied_with_a_reason_for_the_model(hub: LiveHub, tabs: Tabs) -> None:
    sheet = Sheet(hub)
    tab = await tabs.open(hub.url)
    await ask(hub, tab)
    await tab.get("deny-reason").fill("Not in this sheet.")
    await tab.get("deny").click()
    await done(hub, tab, "denied")
    assert sheet.written == []
    await tab.answer.locator("summary").click()
    await expect(tab.answer.get_by_test_id("tool-card")).to_contain_text("Not in this sheet.")


async def test_arguments_are_edited_and_have_to_be_json(hub: LiveHub, tabs: Tabs) -> None:
    sheet = Sheet(hub)
    tab = await tabs.open(hub.url)
    await ask(hub, tab)
    await tab.get("edit-arguments").click()
    editor = tab.get("approval-editor")
    assert json.loads(await editor.input_value()) == FIRST
    for wrong, why in (("{", "This is not JSON"), ("[1]", "The arguments must be an object")):
        await editor.fill(wrong)
        await expect(tab.get("approval-problem")).to_contain_text(why)
        await expect(tab.get("approve")).to_be_disabled()
    edited = {"range": "C1", "formula": "=MAX(B1:B9)"}
    await editor.fill(json.dumps(edited))
    await expect(tab.get("approval-problem")).to_have_count(0)
    await tab.get("approve").click()
    await done(hub, tab, "success")
    assert sheet.written == [edited]


async def test_an_edit_that_needs_an_approval_of_its_own_is_asked_about_again(hub: LiveHub, tabs: Tabs) -> None:
    sheet = Sheet(hub)
    tab = await tabs.open(hub.url)
    await ask(hub, tab)
    await tab.get("edit-arguments").click()
    slipped = {"range": "C1", "formula": '=WEBSERVICE("http://x.test")'}
    await tab.get("approval-editor").fill(json.dumps(slipped))
    await tab.get("approve").click()
    await expect(tab.get("approval")).to_have_attribute("data-attempt", "2")
    await expect(tab.get("approval-reason")).to_contain_text("WEBSERVICE")
    await expect(tab.get("approval-arguments")).to_contain_text("WEBSERVICE")
    assert sheet.written == []
    await tab.get("deny").click()
    await done(hub, tab, "denied")


async def test_an_edit_that_does_not_fit_stays_to_be_mended(hub: LiveHub, tabs: Tabs) -> None:
    sheet = Sheet(hub)
    tab = await tabs.open(hub.url)
    await ask(hub, tab)
    await expect(tab.get("autonomy")).to_have_text("agent-default")  # as the reason calls it
    await tab.get("edit-arguments").click()
    editor = tab.get("approval-editor")
    slipped = '{"range": "C1", "formla": "=MAX(B1:B9)"}'
    await editor.fill(slipped)
    await tab.get("approve").click()
    await expect(tab.get("approval")).to_have_attribute("data-attempt", "2")
    reason = tab.get("approval-reason")
    await expect(reason).to_contain_text("The edited arguments were not taken.")
    await expect(reason).to_contain_text("formula")
    await expect(reason).to_have_class("problem")
    await expect(editor).to_have_value(slipped)
    mended = {"range": "C1", "formula": "=MAX(B1:B9)"}
    await editor.fill(json.dumps(mended))
    await tab.get("approve").click()
    await done(hub, tab, "success")
    assert sheet.written == [mended]


async def test_what_is_allowed_for_the_chat_is_not_asked_again(hub: LiveHub, tabs: Tabs) -> None:
    sheet = Sheet(hub)
    tab = await tabs.open(hub.url)
    await ask(hub, tab)
    await tab.get("approval-scope").select_option("session")
    await tab.get("approve").click()
    await done(hub, tab, "success")
    await tab.send("Once more")
    step = await hub.puppet.step()
    step.call("c2", "apply_formula", FIRST)
    step.end("tool_calls")
    (await hub.puppet.step()).answer("Done again.")
    await tab.reads("Done again.")
    assert sheet.written == [FIRST, FIRST]


async def test_who_joins_or_reloads_can_answer_and_all_see_it(hub: LiveHub, tabs: Tabs) -> None:
    Sheet(hub)
    tab = await tabs.open(hub.url)
    await ask(hub, tab)
    late = await tabs.open(hub.url, await tab.session_id())
    await expect(late.get("approval-arguments")).to_contain_text("=SUM(B1:B9)")
    await tab.page.reload()
    await expect(tab.get("approval")).to_be_visible()
    await late.get("approve").click()
    await done(hub, tab, "success")
    await late.has_status("complete")
    assert await tab.transcript() == await late.transcript()


async def test_a_stop_takes_the_question_back(hub: LiveHub, tabs: Tabs) -> None:
    sheet = Sheet(hub)
    tab = await tabs.open(hub.url)
    await ask(hub, tab)
    await tab.get("stop").click()
    await tab.has_status("stopped")
    await expect(tab.get("approval")).to_have_count(0)
    await expect(tab.get("tool-card")).to_have_attribute("data-state", "interrupted")
    assert sheet.written == []
    await tab.send("And now?")
    (await hub.puppet.step()).answer("Now it works.")
    await tab.reads("Now it works.")

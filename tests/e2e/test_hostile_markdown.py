"""Answers are not trusted: none runs a script, loads anything, or makes a link that is not plain."""

import re

import pytest
from playwright.async_api import expect

from tests.e2e.hostile import HOSTILE
from tests.e2e.live import LiveHub
from tests.e2e.tab import Tab

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

INSPECT = """
() => {
  const answers = [...document.querySelectorAll("article")];
  const allowed = new Set(("DIV P SPAN PRE CODE A STRONG EM DEL BR HR UL OL LI BLOCKQUOTE TABLE THEAD TBODY TR TH TD "
    + "H3 H4 H5 H6 INPUT BUTTON svg path").split(" "));
  const attributes = new Set(("class href title target rel tabindex role aria-label aria-expanded type checked "
    + "disabled start data-testid data-highlighted data-code").split(" "));
  const problems = [];
  for (const element of answers.flatMap((answer) => [...answer.querySelectorAll(".body *")])) {
    if (!allowed.has(element.tagName)) problems.push(`element ${element.tagName}`);
    for (const { name, value } of element.attributes) {
      if (!attributes.has(name)) problems.push(`attribute ${name}=${value}`);
    }
    if (element.tagName === "INPUT" && !(element.type === "checkbox" && element.disabled)) problems.push("input");
    if (element.tagName === "A") {
      if (!["http:", "https:", "mailto:"].includes(element.protocol)) problems.push(`link ${element.href}`);
      if (element.username || element.password) problems.push(`link ${element.href}`);
      if (element.target !== "_blank") problems.push(`target of ${element.href}`);
      for (const word of ["noopener", "noreferrer"]) {
        if (!element.relList.contains(word)) problems.push(`rel of ${element.href}`);
      }
      if (element.title !== element.href) problems.push(`title of ${element.href}`);
    }
  }
  return { problems, pwned: "pwned" in window, unshown: document.querySelectorAll("[data-testid=unshown]").length };
}
"""
PER_CHAT = 20
"""A chat with all of them would take long to look through."""
HARMLESS = {"problems": [], "pwned": False, "unshown": 0}


async def test_hostile_markdown_stays_text(hub: LiveHub, tab: Tab) -> None:
    """Whole, and cut at its middle while it streams; from the model, and from the user."""
    for number, text in enumerate(HOSTILE):
        if number % PER_CHAT == 0:
            await tab.get("new-chat").click()
            await expect(tab.get("empty")).to_be_visible()
        await tab.send(f"{number} {text}" if len(text) < 200 else str(number))
        step = await hub.puppet.step()
        half = len(text) // 2
        step.say(f"Begin {number}\n\n{text[:half]}")
        await expect(tab.answer).to_contain_text(f"Begin {number}")
        assert await tab.page.evaluate(INSPECT) == HARMLESS, f"the beginning of {text!r}"
        step.say(text[half:])
        step.say(f"\n\nEnd {number}")
        step.end()
        await tab.has_status("complete")
        assert await tab.page.evaluate(INSPECT) == HARMLESS, repr(text)
    await expect(tab.composer).to_be_focused()
    assert await tab.page.evaluate("'pwned' in window") is False


async def test_clicking_what_looks_like_a_link_runs_nothing(hub: LiveHub, tab: Tab) -> None:
    await tab.send("Links")
    step = await hub.puppet.step()
    step.answer("[one](javascript:window.pwned=1) [two](#s=other) [three](/healthz)")
    await tab.has_status("complete")
    address = tab.page.url
    for text in ("one", "two", "three"):
        await tab.answer.get_by_text(text, exact=True).click()
    assert await tab.page.evaluate("'pwned' in window") is False
    assert tab.page.url == address


async def test_good_links_work(hub: LiveHub, tab: Tab) -> None:
    await tab.send("Links")
    step = await hub.puppet.step()
    step.answer("[Docs](https://docs.example/a?b=c#d), <https://auto.example/>, www.bare.example, <me@mail.example>")
    await tab.has_status("complete")
    links = tab.answer.locator("a")
    await expect(links).to_have_text(["Docs", "https://auto.example/", "www.bare.example", "me@mail.example"])
    assert [await link.get_attribute("href") for link in await links.all()] == [
        "https://docs.example/a?b=c#d",
        "https://auto.example/",
        "http://www.bare.example/",
        "mailto:me@mail.example",
    ]


async def test_an_image_from_elsewhere_is_a_link_and_is_not_loaded(hub: LiveHub, tab: Tab) -> None:
    """The request itself would tell a secret."""
    await tab.send("Image")
    step = await hub.puppet.step()
    step.answer("![a chart](https://elsewhere.example/chart.png?secret=1)")
    await tab.has_status("complete")
    await expect(tab.answer.get_by_role("link")).to_have_text(re.compile("a chart"))
    await expect(tab.answer.locator("img")).to_have_count(0)


async def test_code_is_coloured_once_its_block_has_closed(hub: LiveHub, tab: Tab) -> None:
    await tab.send("Code")
    step = await hub.puppet.step()
    step.say("```python\ndef f():\n    return 'x'\n")
    code = tab.answer.get_by_test_id("code-block")
    await expect(code).to_contain_text("return 'x'")
    await expect(code.locator("pre")).to_have_attribute("data-highlighted", "no")
    step.say("```\n\nThat was it.")
    await expect(code.locator("pre")).to_have_attribute("data-highlighted", "yes")
    await tab.has_status("streaming")
    await expect(code.locator(".hl-keyword").first).to_have_text("def")
    await expect(code.locator("code")).to_have_text("def f():\n    return 'x'")
    step.end()
    await tab.has_status("complete")


async def test_long_code_is_folded_and_unfolds(hub: LiveHub, tab: Tab) -> None:
    lines = [f"line {number}" for number in range(100)]
    await tab.send("Code")
    step = await hub.puppet.step()
    step.answer("```\n" + "\n".join(lines) + "\n```\n\nThat was it.")
    await tab.has_status("complete")
    code = tab.answer.get_by_test_id("code-block")
    folded = await code.bounding_box()
    await code.get_by_role("button", name="Show all 100 lines").click()
    await expect(code.get_by_role("button", name="Show less")).to_have_attribute("aria-expanded", "true")
    unfolded = await code.bounding_box()
    assert folded is not None
    assert unfolded is not None
    assert unfolded["height"] > 3 * folded["height"]


async def test_a_message_that_cannot_be_shown_leaves_the_rest_alive(hub: LiveHub, tab: Tab) -> None:
    """Quotes nested deeper than any stack: the message shows its text, and the hub hears of it."""
    await tab.send("Before")
    (await hub.puppet.step()).answer("All is *well*.")
    await tab.has_status("complete")
    await tab.send("Break")
    (await hub.puppet.step()).answer(">" * 4000 + " deep")
    broken = tab.answers.nth(1)
    await tab.has_status("complete", broken)
    await expect(broken.get_by_test_id("unshown")).to_be_visible()
    await expect(broken.locator("pre")).to_contain_text("> deep")
    await expect(tab.get("notice")).to_have_attribute("data-code", "client_error")
    await expect(tab.get("notice")).to_contain_text("A message could not be shown")
    await tab.send("After")
    step = await hub.puppet.step()
    assert any("could not be shown" in text for text in step.request.client_errors)
    step.answer("Still *here*.")
    await tab.reads("Still here.")
    await tab.has_status("complete")
    await expect(tab.answers.first.locator("em")).to_have_text("well")
    await expect(tab.answer.locator("em")).to_have_text("here")
    await tab.act("regenerate", tab.answer)
    (await hub.puppet.step()).answer("Again.")
    await tab.reads("Again.")

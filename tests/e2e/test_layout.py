"""Narrow panes, dark mode, and the viewer below a prefix."""

import pytest
from playwright.async_api import Page, expect
from starlette.applications import Starlette
from starlette.routing import Mount

from tests.e2e.live import LiveHub, new_app, serve
from tests.e2e.puppet import Puppet, Step
from tests.e2e.tab import Tab, Tabs

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

WIDE = (
    "A_very_long_word_without_a_break_" * 8
    + "\n\n"
    + "https://a.example/"
    + "x" * 300
    + "\n\n|"
    + "column|" * 12
    + "\n|"
    + "---|" * 12
    + "\n|"
    + "12345678|" * 12
    + "\n\n```python\n"
    + "x = "
    + "1 + " * 100
    + "1\n```\n\n`"
    + "y" * 200
    + "`"
)
# The contrast of a text with what is behind it, as WCAG 2 counts it; colours as the browser would paint them.
CONTRAST = """
(element) => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const channels = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (rgb) => rgb
    .map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = [];
  for (let box = element; box; box = box.parentElement) behind.unshift(getComputedStyle(box).backgroundColor);
  const back = channels(behind);
  const front = channels([...behind, getComputedStyle(element).color]);
  const [low, high] = [luminance(back), luminance(front)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}
"""
ENOUGH = 4.5  # WCAG AA, for text of any size


async def scrolls_sideways(page: Page) -> bool:
    return bool(
        await page.evaluate(
            "() => [document.documentElement, document.querySelector('main'), document.querySelector('.scroll')]"
            ".some((box) => box.scrollWidth > box.clientWidth)"
        )
    )


def everything(step: Step) -> None:
    step.think("Hm.")
    step.end_thought()
    step.say(
        "Some text with `code` and a [link](https://a.example/).\n\n> a quote\n\n```python\n# why\nx = 'y' + 1\n```\n"
    )
    step.call("c1", "no_such_tool", {})
    step.end("tool_calls")


async def test_a_narrow_pane_never_scrolls_sideways(hub: LiveHub, tab: Tab) -> None:
    await tab.page.set_viewport_size({"width": 320, "height": 600})
    assert not await scrolls_sideways(tab.page)
    await tab.send("w" * 400)
    step = await hub.puppet.step()
    step.say(WIDE)
    await expect(tab.answer).to_contain_text("yyyy")
    assert not await scrolls_sideways(tab.page)
    everything(step)
    (await hub.puppet.step()).answer("Done.")
    await tab.has_status("complete")
    assert not await scrolls_sideways(tab.page)
    for testid in ("rename", "delete"):
        await tab.get(testid).click()
        assert not await scrolls_sideways(tab.page)
        await tab.page.keyboard.press("Escape")
    await expect(tab.composer).to_be_in_viewport()
    await expect(tab.get("send")).to_be_in_viewport()


async def test_in_a_narrow_pane_the_chats_are_behind_a_button(hub: LiveHub, tab: Tab) -> None:
    await tab.page.set_viewport_size({"width": 320, "height": 600})
    await tab.send("First")
    (await hub.puppet.step()).answer("One.")
    await tab.has_status("complete")
    await expect(tab.get("new-chat")).to_be_hidden()
    await tab.get("menu").click()
    await expect(tab.rows).to_be_visible()
    await tab.get("new-chat").click()
    await expect(tab.get("empty")).to_be_visible()
    await expect(tab.get("new-chat")).to_be_hidden()


async def test_in_a_narrow_pane_a_sentence_in_a_table_has_room(hub: LiveHub, tab: Tab) -> None:
    await tab.page.set_viewport_size({"width": 320, "height": 600})
    await tab.send("A table")
    sentence = "Delivered late, as the keeper of the lighthouse was away"
    (await hub.puppet.step()).answer(f"|Order|Region|Amount|Comment|\n|---|---|---|---|\n|1|North|18540|{sentence}|\n")
    await tab.has_status("complete")
    cell = await tab.answer.locator("td").last.bounding_box()
    assert cell is not None
    assert cell["width"] > 240
    assert cell["height"] < 100
    assert not await scrolls_sideways(tab.page)


async def test_nothing_moves_while_a_chat_is_renamed_or_deleted(hub: LiveHub, tab: Tab) -> None:
    empty = await tab.page.locator(".header").bounding_box()
    await tab.send("A chat")
    (await hub.puppet.step()).answer("Yes.")
    await tab.has_status("complete")
    for testid in ("rename", "delete"):
        await tab.get(testid).click()
        await expect(tab.get(testid)).to_have_count(0)
        assert await tab.page.locator(".header").bounding_box() == empty
        await tab.get("rename-input" if testid == "rename" else "confirm-delete").press("Escape")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_text_stands_out_from_what_is_behind_it(hub: LiveHub, tab: Tab, scheme: str) -> None:
    await tab.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    await tab.send("Everything")
    everything(await hub.puppet.step())
    await tab.has_status("streaming")
    (await hub.puppet.step()).answer("Done.")
    await tab.has_status("complete")
    await expect(tab.answer.locator(".hl-comment")).to_be_visible()
    await tab.act("edit", tab.questions.first)
    background = await tab.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert (background == "rgb(251, 250, 248)") is (scheme == "light")
    places = (
        "article .plain",
        ".markdown p",
        ".markdown a",
        ".markdown blockquote p",
        ".markdown :not(pre) > code",
        ".code-bar span",
        ".hl-comment",
        ".hl-string",
        ".hl-number",
        ".tool-title",
        ".tool-state",
        ".thinking summary",
        ".rates",
        ".actions button",
        ".header h1",
        ".settings",
        ".chip",
        ".link-text",
        ".session-title",
        ".session .muted",
        ".new-chat",
        ".editing",
        ".composer textarea",
    )
    found = {place: await tab.page.locator(place).first.evaluate(CONTRAST) for place in places}
    assert {place: contrast for place, contrast in found.items() if contrast < ENOUGH} == {}


async def test_mounted_below_a_prefix(tabs: Tabs) -> None:
    """Page, assets and socket; with and without the slash at the end."""
    puppet = Puppet()
    app = new_app(puppet)
    async with serve(Starlette(routes=[Mount("/ai", app)]), app) as port:
        tab = await tabs.open(f"http://127.0.0.1:{port}/ai")
        assert tab.page.url == f"http://127.0.0.1:{port}/ai/"
        await tab.send("Code")
        (await puppet.step()).answer("```python\nreturn 1\n```\n\nDone.")
        await tab.has_status("complete")
        await expect(tab.answer.locator(".hl-keyword")).to_have_text("return")  # loaded later, from below the prefix
        await tab.page.reload()
        await tab.has_status("complete")
        await expect(tab.answer.locator(".hl-keyword")).to_have_text("return")
        await tabs.close()

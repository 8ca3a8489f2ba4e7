"""Files in the viewer: added by button, by dropping and by pasting; shown, and saved again."""

import asyncio
import base64
import re
from pathlib import Path

import pytest
from playwright.async_api import FilePayload, Locator, Page, Route, expect

from hub.tools.base import ToolContext
from tests.e2e.live import LiveHub, live_hub
from tests.e2e.tab import HUB_AWAY, Tab, Tabs
from tests.e2e.test_plain_http import without_signalr
from tests.files.uploading import PNG

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

UPLOADS = re.compile(r"/api/sessions/[^/]+/files")
TABLE = b"month,sum\nMay,3\n"
GIVE = """
(target, {name, type, content, event}) => {
  const bytes = Uint8Array.from(atob(content), (char) => char.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type }));
  const options = { bubbles: true, cancelable: true };
  target.dispatchEvent(event === "paste"
    ? new ClipboardEvent("paste", { ...options, clipboardData: transfer })
    : new DragEvent(event, { ...options, dataTransfer: transfer }));
}
"""


def payload(name: str, media_type: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": media_type, "buffer": content}


PICTURE = payload("dot.png", "image/png", PNG)


def chips(tab: Tab) -> Locator:
    return tab.get("attachment")


async def choose(tab: Tab, *files: FilePayload) -> None:
    await tab.get("file-input").set_input_files(list(files))


async def give(target: Locator, event: str, file: FilePayload) -> None:
    content = base64.b64encode(file["buffer"]).decode()
    await target.evaluate(GIVE, {"name": file["name"], "type": file["mimeType"], "content": content, "event": event})


async def is_shown(picture: Locator) -> None:
    """Once its bytes are there and are a picture."""
    await picture.scroll_into_view_if_needed()
    await expect(picture.locator("img")).to_have_js_property("naturalWidth", 1)


async def saved(page: Page, message: Locator, number: int = 0) -> tuple[str, bytes]:
    async with page.expect_download() as download:
        await message.get_by_test_id("save-file").nth(number).click()
    got = await download.value
    return got.suggested_filename, await asyncio.to_thread(Path(await got.path()).read_bytes)


async def test_files_go_with_the_next_message_and_are_there_again_after_a_reload(hub: LiveHub, tabs: Tabs) -> None:
    tabs.accept(re.compile(r"favicon\.svg net::ERR_ABORTED"))
    tab = await tabs.open(hub.url)
    await tab.composer.fill("half a")
    await choose(tab, PICTURE, payload("months.csv", "application/vnd.ms-excel", TABLE))
    await expect(chips(tab)).to_have_count(2)
    for chip in await chips(tab).all():
        await expect(chip).to_have_attribute("data-state", "ready")
    await expect(tab.composer).to_be_focused()
    await tab.session_id()
    await tab.page.keyboard.type(" question")
    await tab.page.keyboard.press("Enter")
    await expect(chips(tab)).to_have_count(0)
    step = await hub.puppet.step()
    assert step.asked == "half a question"
    assert sorted(step.request.files.values()) == sorted([PNG, TABLE])
    step.answer("A dot.")
    await tab.has_status("complete")
    for is_reloaded in (False, True):
        if is_reloaded:
            await tab.page.reload()
        await expect(tab.questions.first).to_contain_text("half a question")
        await is_shown(tab.questions.first.get_by_test_id("picture"))
        assert await saved(tab.page, tab.questions.first) == ("dot.png", PNG)
        assert await saved(tab.page, tab.questions.first, 1) == ("months.csv", TABLE)


async def test_files_wait_in_their_own_chat(hub: LiveHub, tab: Tab) -> None:
    await choose(tab, PICTURE)
    await expect(chips(tab)).to_have_attribute("data-state", "ready")
    await tab.get("new-chat").click()
    await expect(chips(tab)).to_have_count(0)
    await tab.rows.first.click()
    await expect(chips(tab)).to_have_attribute("data-state", "ready")
    await tab.send("Look")
    assert list((await hub.puppet.step()).request.files.values()) == [PNG]


async def test_files_are_dropped_and_pasted(hub: LiveHub, tab: Tab) -> None:
    await give(tab.get("transcript"), "dragover", PICTURE)
    await expect(tab.get("composer-form")).to_have_class(re.compile("over"))
    await give(tab.get("transcript"), "drop", PICTURE)
    await expect(chips(tab)).to_have_attribute("data-state", "ready")
    await expect(tab.get("composer-form")).not_to_have_class(re.compile("over"))
    await give(tab.composer, "paste", payload("image.png", "image/png", PNG))
    await expect(chips(tab)).to_have_count(2)
    await expect(chips(tab).last).to_have_attribute("data-state", "ready")
    await tab.get("send").click()  # files alone say something, too
    step = await hub.puppet.step()
    assert list(step.request.files.values()) == [PNG, PNG]
    step.answer("Two dots.")
    await tab.has_status("complete")
    await expect(tab.questions.first.get_by_test_id("picture")).to_have_count(2)


async def test_what_cannot_be_sent_says_why_and_holds_the_message_up_until_it_is_taken_out(tabs: Tabs) -> None:
    async with live_hub(max_file_bytes=2048) as hub:
        tab = await tabs.open(hub.url)
        await tab.composer.fill("Look")
        await choose(tab, payload("big.txt", "text/plain", b"x" * 3000), payload("run.exe", "", b"MZ"))
        await expect(chips(tab).first).to_contain_text("This file has 3 KB. At most 2 KB can be sent.")
        await expect(chips(tab).last).to_contain_text("Files of this type cannot be sent.")
        await expect(tab.get("send")).to_be_disabled()
        await expect(tab.get("files-status")).to_have_text(re.compile("Take out"))
        await tab.composer.press("Enter")
        await expect(tab.composer).to_have_value("Look")
        for name in ("big.txt", "run.exe"):  # by keyboard
            await tab.page.get_by_role("button", name=f"Take {name} out").focus()
            await tab.page.keyboard.press("Enter")
            await expect(tab.composer).to_be_focused()
        await tab.composer.press("Enter")
        (await hub.puppet.step()).answer("Nothing to see.")
        await tab.has_status("complete")
        await choose(tab, payload("dot.jpg", "image/jpeg", PNG))  # what only the hub finds out
        await expect(chips(tab)).to_contain_text("are no image/jpeg")
        tabs.accept(re.compile("status of 400"))
        await tabs.close()


async def test_an_upload_that_breaks_can_be_tried_again(hub: LiveHub, tabs: Tabs, tab: Tab) -> None:
    tabs.accept(HUB_AWAY)
    tabs.accept(re.compile(r"^failed: .*/files"))
    held: asyncio.Queue[Route] = asyncio.Queue()
    await tab.page.route(UPLOADS, held.put)
    await tab.composer.fill("Look")
    await choose(tab, PICTURE)
    await expect(chips(tab)).to_have_attribute("data-state", "uploading")
    await expect(tab.page.get_by_role("progressbar", name="Upload of dot.png")).to_be_visible()
    await expect(tab.get("send")).to_be_disabled()
    await (await held.get()).abort()
    await expect(chips(tab)).to_contain_text("The connection broke.")
    await tab.get("retry-file").click()
    await (await held.get()).continue_()
    await expect(chips(tab)).to_have_attribute("data-state", "ready")
    await tab.composer.press("Enter")
    assert list((await hub.puppet.step()).request.files.values()) == [PNG]


async def test_files_over_plain_http(hub: LiveHub, tabs: Tabs) -> None:
    tab = await without_signalr(hub, tabs)
    await tab.composer.fill("Look")
    await choose(tab, PICTURE)
    await expect(chips(tab)).to_have_attribute("data-state", "ready")
    await tab.composer.press("Enter")
    step = await hub.puppet.step()
    assert list(step.request.files.values()) == [PNG]
    step.answer("A dot.")
    await tab.has_status("complete")
    await is_shown(tab.questions.first.get_by_test_id("picture"))
    assert await saved(tab.page, tab.questions.first) == ("dot.png", PNG)


async def test_an_edited_message_keeps_its_files(hub: LiveHub, tabs: Tabs, tab: Tab) -> None:
    tabs.accept(re.compile(r"/files/.* net::ERR_ABORTED"))  # the picture of a message that is put aside
    await choose(tab, PICTURE, payload("months.csv", "text/csv", TABLE))
    await expect(chips(tab).last).to_have_attribute("data-state", "ready")
    await expect(chips(tab).first).to_have_attribute("data-state", "ready")
    await tab.send("First")
    (await hub.puppet.step()).answer("One.")
    await tab.has_status("complete")
    await tab.act("edit", tab.questions.first)
    await expect(chips(tab)).to_have_count(2)
    await tab.page.get_by_role("button", name="Take months.csv out").click()
    await tab.send("Second")
    step = await hub.puppet.step()
    assert (step.asked, list(step.request.files.values())) == ("Second", [PNG])
    step.answer("Two.")
    await tab.reads("Two.")
    await expect(chips(tab)).to_have_count(0)


async def test_files_of_tools_are_shown_and_saved(hub: LiveHub, tabs: Tabs) -> None:
    @hub.app.tool(name="draw")
    async def draw(ctx: ToolContext) -> str:
        """Draws."""
        await ctx.file("drawn.png", "image/png", PNG)
        await ctx.file("drawn.csv", "text/csv", TABLE)
        return "drawn"

    tab = await tabs.open(hub.url)
    await tab.send("Draw")
    step = await hub.puppet.step()
    step.call("c1", "draw", {})
    step.end("tool_calls")
    (await hub.puppet.step()).answer("There.")
    await tab.has_status("complete")
    picture = tab.answer.get_by_test_id("picture")
    await is_shown(picture)
    await picture.focus()
    await tab.page.keyboard.press("Enter")
    await expect(picture).to_have_attribute("aria-expanded", "true")
    assert await saved(tab.page, tab.answer) == ("drawn.png", PNG)
    assert await saved(tab.page, tab.answer, 1) == ("drawn.csv", TABLE)
    (await hub.app._backplane.files.delete(await tab.session_id()))
    await tab.answer.get_by_test_id("save-file").first.click()
    await expect(tab.get("complaint")).to_contain_text("drawn.png could not be fetched. There is no such file")
    tabs.accept(re.compile("status of 404"))

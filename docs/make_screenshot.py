"""Makes docs/viewer.png: a real conversation with the demo provider, in a real browser. From the repository's root:

.venv/bin/python -m docs.make_screenshot
"""

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.async_api import async_playwright, expect

from tests.running import running

PICTURE = Path(__file__).with_name("viewer.png")
EARLIER = ("What can you do?", "Write a short text about lighthouses")
QUESTION = """Total revenue per region, and the average of the returns?
region,month,revenue,returns
North,May,18540,21
South,May,17110,18
North,June,21480,25
South,June,25990,31"""


async def photograph(url: str, browser_path: str) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=browser_path, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page(viewport={"width": 1200, "height": 800}, color_scheme="light")
        await page.goto(url)
        answer = page.locator("article[data-role=assistant]").last
        for text in (*EARLIER, QUESTION):
            await page.get_by_test_id("new-chat").click()
            await expect(page.get_by_test_id("empty")).to_be_visible()
            await page.get_by_test_id("composer").fill(text)
            await page.get_by_test_id("composer").press("Enter")
            await expect(answer).to_have_attribute("data-status", "complete", timeout=60_000)
        await page.mouse.move(0, 0)
        await page.screenshot(path=PICTURE, animations="disabled")
        await browser.close()


def main() -> int:
    browser_path = shutil.which("chromium")
    if browser_path is None:
        print("This needs Chromium: install it (Debian: apt-get install chromium).", file=sys.stderr)
        return 1
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), environment={"HUBLINE_DEMO_PACE": "60"}) as server,
    ):
        asyncio.run(photograph(server.url, browser_path))
    print(f"{PICTURE}: {PICTURE.stat().st_size // 1024} KB")
    return 0


if __name__ == "__main__":
    sys.exit(main())

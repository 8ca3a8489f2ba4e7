"""Whether the viewer drops frames while a long answer streams in, by the browser's own trace."""

import asyncio
import json
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
from playwright.async_api import Browser, Page, async_playwright

from tests.bench import machine, servers
from tests.bench.document import PIECE_CHARS
from tests.bench.options import Options
from tests.bench.source import Plan, write_plan
from tests.bench.table import Table

PER_SECOND = 200
CHARS = 100_000
IDLE_S = 10.0
PATIENCE_MS = 30_000

BROWSER_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

# A page that paints something small in every frame: what this machine drops by itself.
_BASELINE = """data:text/html,<p id=p style="width:9em">0</p><script>
let n = 0; const tick = () => { p.textContent = ++n; requestAnimationFrame(tick) }; requestAnimationFrame(tick)
</script>"""

_WATCH = """() => {
    const seen = window.benchSeen = {gaps: [], long: [], last: performance.now()}
    const tick = (now) => { seen.gaps.push(now - seen.last); seen.last = now; requestAnimationFrame(tick) }
    requestAnimationFrame((now) => { seen.last = now; requestAnimationFrame(tick) })
    new PerformanceObserver((list) => { for (const entry of list.getEntries()) seen.long.push(entry.duration) })
        .observe({type: "long-animation-frame"})
}"""


class Frames(msgspec.Struct, kw_only=True):
    """`expected`: frames in which there was something new to show. `dropped` of them were not shown in time and so made
    a movement uneven. Times in ms."""

    seconds: float
    expected: int
    dropped: int
    dropped_in_all: int
    gaps: list[float]
    long: list[float]


def run(options: Options) -> list[Table]:
    machine.unpin()
    chars = CHARS // 10 if options.quick else CHARS
    rounds = 1 if options.quick else 2
    table = Table(
        f"smooth: the viewer in Chromium, {chars // 1000} KB of Markdown at {PER_SECOND} deltas/s",
        (
            "page",
            "seconds",
            "frames expected",
            "dropped, affecting smoothness",
            "%",
            "dropped in all",
            "longest rAF gap, ms",
            "gaps over 50 ms",
            "long animation frames",
            "longest, ms",
        ),
        notes=[
            "By PipelineReporter events of the browser's trace. The empty page paints one number in every frame: what "
            "the machine drops by itself. No GPU: frames are drawn by the same two cores."
        ],
    )
    asyncio.run(_measure_all(table, rounds, chars))
    return [table]


async def _measure_all(table: Table, rounds: int, chars: int) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        table.notes.append("Not measured: there is no Chromium here.")
        return
    with servers.hub("memory") as server:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium, args=list(BROWSER_FLAGS))
            for _ in range(rounds):
                _add(table, "empty", await _idle(browser))
                _add(table, "viewer", await _viewer(browser, server.url, chars))
            await browser.close()


def _add(table: Table, name: str, frames: Frames) -> None:
    table.add(
        name,
        f"{frames.seconds:.0f}",
        str(frames.expected),
        str(frames.dropped),
        f"{100 * frames.dropped / max(1, frames.expected):.1f}",
        str(frames.dropped_in_all),
        f"{max(frames.gaps, default=0):.0f}",
        str(sum(1 for gap in frames.gaps if gap > 50)),
        str(len(frames.long)),
        f"{max(frames.long, default=0):.0f}",
    )


async def _idle(browser: Browser) -> Frames:
    page = await browser.new_page(viewport={"width": 1100, "height": 760})
    await page.goto(_BASELINE)
    await _begin(browser, page)
    begin = time.monotonic()
    await asyncio.sleep(IDLE_S)
    return await _end(browser, page, time.monotonic() - begin)


async def _viewer(browser: Browser, url: str, chars: int) -> Frames:
    """One answer, from the moment that it is asked for until it is whole."""
    page = await browser.new_page(viewport={"width": 1100, "height": 760})
    page.set_default_timeout(PATIENCE_MS)
    await page.goto(url)
    await page.locator("[data-testid=connection-state][data-state=online]").wait_for(state="attached")
    plan = write_plan(Plan(document=chars, per_second=PER_SECOND))
    await page.get_by_test_id("composer").fill(plan)
    await _begin(browser, page)
    begin = time.monotonic()
    await page.get_by_test_id("composer").press("Enter")
    answer = page.locator("article[data-role=assistant][data-status=complete]")
    await answer.wait_for(state="attached", timeout=PATIENCE_MS + 2 * 1000 * chars / PIECE_CHARS / PER_SECOND)
    return await _end(browser, page, time.monotonic() - begin)


async def _begin(browser: Browser, page: Page) -> None:
    await page.evaluate(_WATCH)
    await browser.start_tracing(
        page=page, categories=["cc", "benchmark", "disabled-by-default-devtools.timeline.frame"]
    )


async def _end(browser: Browser, page: Page, seconds: float) -> Frames:
    trace = json.loads(await browser.stop_tracing())
    seen = await page.evaluate("() => window.benchSeen")
    await page.close()
    states: Counter[tuple[str, bool]] = Counter()
    for report in _reports(trace["traceEvents"]):
        states[report.get("state", ""), bool(report.get("affects_smoothness"))] += 1
    dropped = {smooth: states["STATE_DROPPED", smooth] for smooth in (True, False)}
    return Frames(
        seconds=seconds,
        expected=sum(count for (state, _), count in states.items() if state != "STATE_NO_UPDATE_DESIRED"),
        dropped=dropped[True],
        dropped_in_all=sum(dropped.values()),
        gaps=seen["gaps"],
        long=seen["long"],
    )


def _reports(events: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What the pages' own compositors say of each frame (the browser's window has one too)."""
    renderers = {
        event["pid"] for event in events if event["name"] == "process_name" and event["args"].get("name") == "Renderer"
    }
    for event in events:
        if event["name"] == "PipelineReporter" and event["pid"] in renderers:
            args = event.get("args", {})
            report = args.get("chrome_frame_reporter") or args.get("frame_reporter")
            if report is not None:
                yield report

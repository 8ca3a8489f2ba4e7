"""A viewer in the browser: what a user sees and does in it."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, ConsoleMessage, Error, Locator, Page, Request, Route, WebSocket, expect

# What Chromium itself reports while a hub is away; a test that takes it away says so.
HUB_AWAY = re.compile(r"net::ERR_|WebSocket connection to .* failed|Failed to load resource")


class Tab:
    """One page with the viewer."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.composer = page.get_by_test_id("composer")
        self.answers = page.locator("article[data-role=assistant]")
        self.questions = page.locator("article[data-role=user]")
        self.answer = self.answers.last
        self.title = page.get_by_test_id("title")
        self.rows = page.get_by_test_id("session-item")

    def get(self, testid: str) -> Locator:
        return self.page.get_by_test_id(testid)

    async def send(self, text: str) -> None:
        await self.composer.fill(text)
        await self.composer.press("Enter")

    async def is_online(self) -> None:
        await self.has_connection("online")

    async def has_connection(self, state: str | re.Pattern[str]) -> None:
        await expect(self.get("connection-state")).to_have_attribute("data-state", state)

    async def has_status(self, status: str, answer: Locator | None = None) -> None:
        await expect(answer or self.answer).to_have_attribute("data-status", status)

    async def reads(self, text: str | re.Pattern[str], answer: Locator | None = None) -> None:
        """Waits until the whole text of the answer is this."""
        await expect((answer or self.answer).locator(".markdown")).to_have_text(text)

    async def act(self, testid: str, message: Locator | None = None) -> None:
        """Presses a message's button, which may show only under the pointer."""
        await (message or self.answer).get_by_test_id(testid).click()

    async def try_now(self) -> None:
        """Presses "Try now", if the page has not found the hub again by itself meanwhile."""
        await self.page.evaluate("document.querySelector('[data-testid=retry-now]')?.click()")

    async def session_id(self) -> str:
        """That of the open session, once it has one."""
        await expect(self.page).to_have_url(re.compile(r"#s=."))
        return self.page.url.rpartition("#s=")[2]

    async def transcript(self) -> Sequence[str]:
        """What each message says, in order."""
        return await self.page.locator("article .body").all_text_contents()


class Tabs:
    """The tabs of one browser profile. Notes whatever goes wrong in them, and keeps them to the hub they are from."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.problems: list[str] = []
        self._origins: set[str] = set()
        self._accepted: list[re.Pattern[str]] = []
        self._is_closing = False  # from then on, what breaks off is no problem
        context.on("page", self._listen)

    async def open(self, url: str, session_id: str | None = None, token: str | None = None) -> Tab:
        """A new tab with the viewer, online; signed in with the token."""
        self._origins.add(_origin(url))
        page = await self.context.new_page()
        if token is not None:
            await page.add_init_script(f"sessionStorage.setItem('hubline:/:token', '{token}')")
        await page.goto(url if session_id is None else f"{url.rstrip('/')}/#s={session_id}")
        tab = Tab(page)
        await tab.is_online()
        return tab

    async def close(self) -> None:
        """Closes all tabs: for a test whose hub ends before its browser, which would miss it."""
        self._is_closing = True
        for page in self.context.pages:
            await page.close()

    def accept(self, problem: re.Pattern[str]) -> None:
        """From now on this is no problem."""
        self._accepted.append(problem)

    def unexpected(self) -> list[str]:
        return [text for text in self.problems if not any(known.search(text) for known in self._accepted)]

    async def guard(self, route: Route) -> None:
        """Lets no request out to another origin."""
        if _origin(route.request.url) in self._origins or route.request.url.startswith(("data:", "blob:")):
            await route.fallback()
        else:
            self._note(f"a request to {route.request.url}")
            await route.abort()

    def _note(self, problem: str) -> None:
        if not self._is_closing:
            self.problems.append(problem)

    def _listen(self, page: Page) -> None:
        page.on("console", self._on_console)
        page.on("pageerror", self._on_error)
        page.on("websocket", self._on_websocket)
        page.on("requestfailed", self._on_failed)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._note(f"console {message.type}: {message.text}")

    def _on_error(self, error: Error) -> None:
        self._note(f"an uncaught error: {error}")

    def _on_failed(self, request: Request) -> None:
        self._note(f"failed: {request.url} {request.failure}")

    def _on_websocket(self, websocket: WebSocket) -> None:
        if _origin(websocket.url.replace("ws", "http", 1)) not in self._origins:
            self._note(f"a WebSocket to {websocket.url}")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"

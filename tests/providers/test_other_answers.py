"""What is no answer of a provider though it comes from its address: pages and redirects."""

import pytest

from tests.provider_server.script import Refuse
from tests.provider_server.server import ProviderServer
from tests.providers.speakers import Speaker, failure, works_again

HTML = {"content-type": "text/html; charset=utf-8"}


@pytest.mark.parametrize(
    ("answer", "code", "retryable", "words"),
    [
        (
            Refuse(200, headers=HTML, body=b"<html>Sign in</html>"),
            "internal",
            False,
            "sent text/html, not an answer: check its address",
        ),
        (Refuse(404, headers=HTML, body=b"<html>No such page</html>"), "internal", False, "(404)"),
        (Refuse(405, headers=HTML, body=b"Not allowed"), "internal", False, "(405)"),
        (Refuse(200, headers={"content-type": "text/event-stream"}, body=b""), "provider_truncated", True, "no end"),
    ],
    ids=["page", "no_such_page", "not_allowed", "no_events"],
)
async def test_something_else_answers(
    speaker: Speaker, spoken_to: ProviderServer, answer: Refuse, code: str, retryable: bool, words: str
) -> None:
    spoken_to.add(answer)
    async with speaker.provider(spoken_to) as provider:
        came, error = await failure(provider, speaker.ask())
        assert (came, error.code, error.retryable) == ([], code, retryable)
        assert words in error.text and speaker.label in error.text
        await works_again(spoken_to, provider, speaker.ask())


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_nothing_is_sent_to_where_an_answer_points(
    speaker: Speaker, spoken_to: ProviderServer, status: int
) -> None:
    async with speaker.server() as other, speaker.provider(spoken_to) as provider:
        spoken_to.add(Refuse(status, headers={"location": f"{other.base_url}/v1/messages"}, body=b""))
        _, error = await failure(provider, speaker.ask())
        assert (error.code, error.retryable) == ("internal", False)
        assert "sent a redirect, not an answer: check its address" in error.text
        assert other.connections_made == 0
        assert len(spoken_to.requests) == 1

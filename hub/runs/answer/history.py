"""Which messages a model gets to see."""

import msgspec

from hub.chat.parts import Message, TextPart, ThinkingPart
from hub.chat.transcript import Transcript


def of_request(transcript: Transcript, run_id: str) -> list[Message]:
    """The messages for the next request of a run: what was said and stands, then the answer under way.

    What is superseded, or still waits for its turn, is left out, and so are answers in which nothing was said.
    """
    messages = _in_turn([_marked(message) for message in transcript.messages() if _stands(message)], run_id)
    under_way = transcript.runs[run_id].message()
    if under_way.parts:
        messages.append(under_way)
    return messages


def _in_turn(messages: list[Message], run_id: str) -> list[Message]:
    """Each question right before its answer, the run's own last.

    Messages stand in the order in which they were sent; one that waited was sent before the answers that it waited for.
    """
    answered_at = {message.run_id: place for place, message in enumerate(messages) if message.role == "assistant"}

    def turn(place: int, message: Message) -> tuple[int, bool]:
        if message.role == "assistant":
            return place, True
        if message.run_id == run_id:
            return len(messages), False
        return max(place, answered_at.get(message.run_id, place)), False

    order = sorted(enumerate(messages), key=lambda numbered: turn(*numbered))
    return [message for _, message in order]


def _marked(message: Message) -> Message:
    """With what the model is to know of it, where an input check has marked it."""
    advice = " ".join(flag.advice for flag in message.flags if flag.advice)
    if not advice:
        return message
    before, after = TextPart(f"({advice} The message begins here.)\n"), TextPart("\n(The marked message ends here.)")
    return msgspec.structs.replace(message, parts=[before, *message.parts, after])


def _stands(message: Message) -> bool:
    if message.status in ("superseded", "queued"):
        return False
    if message.role == "user":
        return message.status != "stopped"  # an edit that was stopped before its turn came
    return any(_says_something(part) for part in message.parts)


def _says_something(part: object) -> bool:
    match part:
        case TextPart(text=text):
            return bool(text.strip())
        case ThinkingPart():
            return False
        case _:
            return True

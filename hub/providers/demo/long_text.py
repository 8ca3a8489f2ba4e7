"""A long, readable text about any subject, the same for the same request.

The text claims nothing about its subject, since nothing is known of it here: it is about looking at a subject, in
sentences that fit any. It comes in chunks, so that the first is there at once, whatever the length.
"""

import random
from collections.abc import Iterator

import msgspec

from hub.providers.demo import phrases
from hub.providers.demo.phrases import Language, Phrases

DEFAULT_WORDS = 1_500
MAX_WORDS = 20_000
WORDS_PER_PAGE = 400


_LOOP = (
    "for number, question in enumerate(questions, start=1):",
    "    print(f'{number}. {subject}: {question}')",
)


class LongText(msgspec.Struct, frozen=True):
    """What to write. `subject` is plain text without markup; `words` is met within a few per cent."""

    subject: str
    words: int
    story: bool
    language: Language


def write(order: LongText) -> Iterator[str]:
    """The text in chunks of a sentence or a line; joined, they are the whole."""
    words = max(60, min(order.words, MAX_WORDS))
    source = phrases.STORY if order.story else phrases.ESSAY
    choose = _Chooser(f"{order.subject}|{words}|{order.story}|{order.language}", source[order.language], order.subject)
    closing = "\n\n".join(["", f"## {source[order.language].closing_heading}", choose.paragraph(3)]) + "\n"
    room = words - len(closing.split())
    for chunk in _body(choose):
        if room <= 0:
            break
        room -= len(chunk.split())
        yield chunk
    yield closing


def _body(choose: "_Chooser") -> Iterator[str]:
    """Endless: a title, an opening, then sections of paragraphs, each third or so with a list, a table or code."""
    yield f"# {choose.title()}\n\n"
    yield choose.opening()
    section = 0
    while True:
        section += 1
        yield f"\n\n## {section}. {choose.section()}\n\n"
        for paragraph in range(choose.number(2, 3)):
            if paragraph:
                yield "\n\n"
            for sentence in range(choose.number(4, 6)):
                yield (" " if sentence else "") + choose.sentence()
        match section % 4:
            case 1:
                yield from _bullets(choose)
            case 2:
                yield from _table(choose)
            case 3:
                yield from _code(choose)
            case _:
                yield from _steps(choose)


def _bullets(choose: "_Chooser") -> Iterator[str]:
    yield f"\n\n{choose.lead('list')}\n\n"
    for _ in range(choose.number(3, 5)):
        yield f"- **{choose.aspect().capitalize()}**: {choose.remark()}\n"
    yield "\n" + choose.sentence()


def _steps(choose: "_Chooser") -> Iterator[str]:
    yield f"\n\n{choose.lead('steps')}\n\n"
    for number in range(1, choose.number(4, 6)):
        yield f"{number}. {choose.remark()}\n"
    yield "\n" + choose.sentence()


def _table(choose: "_Chooser") -> Iterator[str]:
    first, second, third = choose.columns()
    rows = [f"| {choose.aspect()} | {choose.remark()} | {choose.number(1, 9)} |" for _ in range(choose.number(3, 5))]
    # In one chunk, since the text may end after any.
    yield "\n".join(
        [f"\n\n{choose.lead('table')}\n", f"| {first} | {second} | {third} |", "|---|---|---:|", *rows, "\n"]
    )
    yield choose.sentence()


def _code(choose: "_Chooser") -> Iterator[str]:
    questions = [f"    {choose.aspect()!r}," for _ in range(choose.number(3, 4))]
    program = [f"subject = {choose.subject!r}", "questions = [", *questions, "]", *_LOOP]
    yield "\n".join([f"\n\n{choose.lead('code')}\n", "```python", *program, "```", "\n"])
    yield choose.sentence()


class _Chooser:
    """Picks phrases by a seed, none again before its list is used up, so that neighbours differ."""

    def __init__(self, seed: str, source: Phrases, subject: str) -> None:
        self.subject = subject
        self._random = random.Random(seed)
        self._source = source
        self._left: dict[int, list[str]] = {}

    def _pick(self, options: tuple[str, ...]) -> str:
        left = self._left.get(id(options))
        if not left:
            left = list(options)
            self._random.shuffle(left)
            self._left[id(options)] = left
        return left.pop()

    def number(self, low: int, high: int) -> int:
        return self._random.randint(low, high)

    def _fill(self, template: str) -> str:
        text = template
        while "{" in text:
            for slot, options in self._source.slots.items():
                if f"{{{slot}}}" in text:
                    text = text.replace(f"{{{slot}}}", self._pick(options), 1)
            if "{subject}" in text:
                text = text.replace("{subject}", "\0")
        # The subject last: braces in it are not slots.
        text = text[:1].upper() + text[1:]
        if text.startswith("\0"):
            text = self.subject[:1].upper() + self.subject[1:] + text[1:]
        return text.replace("\0", self.subject)

    def title(self) -> str:
        return self._fill(self._pick(self._source.titles))

    def opening(self) -> str:
        return self._fill(self._source.opening)

    def section(self) -> str:
        return self._fill(self._pick(self._source.sections))

    def sentence(self) -> str:
        return self._fill(self._pick(self._source.sentences))

    def paragraph(self, sentences: int) -> str:
        return " ".join(self.sentence() for _ in range(sentences))

    def remark(self) -> str:
        return self._fill(self._pick(self._source.remarks))

    def aspect(self) -> str:
        return self._pick(self._source.slots["aspect"])

    def lead(self, kind: str) -> str:
        return self._fill(self._source.leads[kind])

    def columns(self) -> tuple[str, str, str]:
        return self._source.columns

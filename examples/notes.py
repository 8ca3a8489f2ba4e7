"""Answers from a folder of Markdown notes. Serve it with `NOTES=~/notes uvicorn notes:app`."""

import os
import re
from pathlib import Path

from hub import Found, Hubline, Question

NOTES = Path(os.environ.get("NOTES", "notes")).expanduser()
app = Hubline()


def words(text: str) -> set[str]:
    return set(re.findall(r"\w{4,}", text.lower()))


@app.add_context()
def notes(question: Question) -> list[Found]:  # a plain function: it runs in a thread
    asked = words(question.text)
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(NOTES.rglob("*.md"))}
    best = sorted(texts, key=lambda path: len(asked & words(texts[path])), reverse=True)[:3]
    return [Found(title=str(path.relative_to(NOTES)), text=texts[path]) for path in best if asked & words(texts[path])]

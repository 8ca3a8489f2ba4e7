"""What the demo says when it computes nothing: who it is, what it can do, that it did not understand."""

from collections.abc import Sequence

from hub.providers.demo.phrases import Language

_WHO = {
    "en": "I am a demo with fixed rules and no AI model. ",
    "de": "Ich bin eine Demo mit festen Regeln und ohne KI-Modell. ",
}
_ABSENT = {"en": " {words}: neither in the table nor a word that I know.",
           "de": " {words}: weder in der Tabelle noch ein Wort, das ich kenne."}  # fmt: skip
_CAN_DO = {
    "en": """\
- **Work on a table.** Paste one (CSV, cells from a spreadsheet, Markdown, a JSON array of objects, columns two spaces \
apart) and ask, for example:
  - *What is the average price?*
  - *Total revenue per region*
  - *Top 3 by salary*
  - *How many rows have a quantity under 10?*
- **Write a long text**, to try Stop, reload and a second tab: *Write a long text about tea, 2,000 words*
- **Think first**: *Think about it, then write a short story about a lighthouse*
- Add *slowly* or *fast* to change the pace.""",
    "de": """\
- **Mit einer Tabelle rechnen.** Eine Tabelle einfügen (CSV, Zellen aus einem Tabellenblatt, Markdown) und fragen:
  - *Was ist der durchschnittliche Preis?*
  - *Umsatz pro Region*
  - *Die 3 höchsten Gehälter*
  - *Wie viele Zeilen haben eine Menge unter 10?*
- **Einen langen Text schreiben**, um Anhalten, Neuladen und einen zweiten Tab zu probieren: \
*Schreib einen langen Text über Tee mit 2000 Wörtern*
- **Vorher nachdenken**: *Denk nach und schreib dann eine kurze Geschichte über einen Leuchtturm*
- *langsam* oder *schnell* ändert das Tempo.""",
}

_GREETING = {
    "en": "Hello! I am Hubline's demo assistant: fixed rules, no AI model, no network. Here is what I can do:\n\n",
    "de": "Hallo! Ich bin der Demo-Assistent von Hubline: feste Regeln, kein KI-Modell, kein Netz. Das kann ich:\n\n",
}
_THANKS = {
    "en": "You are welcome, as far as a demo can say so. Ask on whenever you like.\n",
    "de": "Gern geschehen, soweit eine Demo das sagen kann. Frag gern weiter.\n",
}
_UNKNOWN = {
    "en": "I did not understand that. {who}I will not guess. Here is what I can do:\n\n",
    "de": "Das habe ich nicht verstanden. {who}Ich rate nicht. Das kann ich:\n\n",
}
_FILE = {
    "en": "I cannot open files. {who}Paste the table's cells into the message.\n\n",
    "de": "Dateien kann ich nicht öffnen. {who}Füge die Zellen der Tabelle bitte in die Nachricht ein.\n\n",
}
_IMAGE = {
    "en": "I cannot see images. {who}If there is a table in it, paste its cells into the message.\n\n",
    "de": "Bilder kann ich nicht sehen. {who}Ist eine Tabelle darin, füge ihre Zellen bitte in die Nachricht ein.\n\n",
}
_TOO_LARGE = {
    "en": "That is more than this demo takes: {problem}. Send a smaller part of it and I will work on that.\n",
    "de": "Das ist mehr, als diese Demo annimmt: {problem}. Schick einen kleineren Teil, dann rechne ich damit.\n",
}
_THINKING = {
    "en": "I was asked to think first, so here is a short thought; it is for show: this demo follows fixed rules. "
    "What is wanted? {wanted} What do I have? Only what is in this session. I look for the rule that fits, and "
    "then I answer.",
    "de": "Hier soll zuerst nachgedacht werden, also ein kurzer Gedanke zur Ansicht, denn diese Demo folgt festen "
    "Regeln. Was ist gefragt? {wanted} Was habe ich? Nur, was in dieser Sitzung steht. Ich suche die passende Regel, "
    "dann antworte ich.",
}


_TABLE_READ = {
    "en": "I am a demo without an AI model, so I leave the numbers to the table tools. "
    "Your table has {rows} rows: {columns}.\n\n",
    "de": "Ich bin eine Demo ohne KI-Modell, also überlasse ich das Rechnen den Tabellenwerkzeugen. "
    "Deine Tabelle hat {rows} Zeilen: {columns}.\n\n",
}
_NO_TOOLS = {
    "en": "I understood the question, but this demo leaves computing to tools, and {tools} is not offered here. "
    "So I have no numbers for you.\n",
    "de": "Die Frage ist klar, aber diese Demo überlässt das Rechnen Werkzeugen, und {tools} gibt es hier nicht. "
    "Also habe ich keine Zahlen für dich.\n",
}
_NOT_IN_TABLE = {
    "en": "I did not understand that{words}. {who}I will not guess. Your table has the columns "
    "{columns}. Ask for example for a total, an average, the top 3, or one of these per another.\n",
    "de": "Das habe ich nicht verstanden{words}. {who}Ich rate nicht. Deine "
    "Tabelle hat die Spalten {columns}. Frag zum Beispiel nach einer Summe, einem Durchschnitt oder den 3 höchsten.\n",
}
_PARTLY = {
    "en": "One part I did not understand: {words}.",
    "de": "Einen Teil habe ich nicht verstanden: {words}.",
}
_UNUSED = {"en": "I did not use: {words}.", "de": "Nicht verwendet habe ich: {words}."}
MAX_NAMES = 12


def table_read(language: Language, rows: int, columns: Sequence[str]) -> str:
    return _TABLE_READ[language].format(rows=f"{rows:,}" if language == "en" else rows, columns=_listed(columns))


def no_tools(language: Language, tools: Sequence[str]) -> str:
    return _NO_TOOLS[language].format(tools=", ".join(f"`{tool}`" for tool in tools))


def not_in_table(
    language: Language, words: Sequence[str], absent: Sequence[str], columns: Sequence[str], *, introduced: bool
) -> str:
    """`absent` are those of the words that the table does not have, in contrast to what the demo cannot do."""
    said = f" ({', '.join(f'“{word}”' for word in words[:3])})" if words else ""
    missing = _ABSENT[language].format(words=_quoted(absent)) if absent else ""
    who = "" if introduced else _WHO[language]
    return _NOT_IN_TABLE[language].format(words=said, who=who, columns=_listed(columns)).rstrip("\n") + missing + "\n"


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(f"“{word}”" for word in words[:5])


def partly_unknown(language: Language, words: Sequence[str], absent: Sequence[str]) -> str:
    missing = _ABSENT[language].format(words=_quoted(absent)) if absent else ""
    return _PARTLY[language].format(words=_quoted(words)) + missing


def unused(language: Language, words: Sequence[str]) -> str:
    return _UNUSED[language].format(words=", ".join(f"“{word}”" for word in words[:MAX_NAMES]))


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" … (+{more})" if more > 0 else "")


def greeting(language: Language) -> str:
    return _GREETING[language] + _CAN_DO[language] + "\n"


def thanks(language: Language) -> str:
    return _THANKS[language]


def unknown(language: Language, *, introduced: bool = False) -> str:
    return _UNKNOWN[language].format(who="" if introduced else _WHO[language]) + _CAN_DO[language] + "\n"


def file_unread(language: Language, *, are_images: bool, introduced: bool = False) -> str:
    text = _IMAGE if are_images else _FILE
    return text[language].format(who="" if introduced else _WHO[language]) + _CAN_DO[language] + "\n"


def too_large(language: Language, problem: str) -> str:
    return _TOO_LARGE[language].format(problem=problem)


def thinking(language: Language, wanted: str) -> str:
    return _THINKING[language].format(wanted=f"“{wanted}”." if wanted else "")

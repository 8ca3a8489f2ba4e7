"""What a user asks for, tables aside: a language, a long text, some thinking first, a greeting, help."""

import re

from hub.providers.demo.long_text import DEFAULT_WORDS, MAX_WORDS, WORDS_PER_PAGE, LongText
from hub.providers.demo.phrases import Language

MAX_SUBJECT_CHARACTERS = 80

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_GERMAN = frozenset(
    "der die das und ist wie viel viele ein eine einen zeig zeige mir bitte über schreib schreibe summe durchschnitt "
    "durchschnittlich insgesamt pro je nach mit welche welcher welches wer hat höchste höchsten niedrigste größte "
    "teuerste zeilen spalte tabelle hallo hilfe kannst du ich von im den dem für mehr als weniger mindestens anzahl "
    "langen text geschichte wörter wörtern seiten denk gesamt zusammen fasse summiere berechne sind es gibt "
    "mittelwert moin servus danke weiter nicht kleinste größten wo was beste besten "
    "teuerster teuersten artikel preis umsatz bestand lager gehalt "
    "mitarbeiter abteilung menge durchschnittliche meisten".split()
)
_ENGLISH = frozenset(
    "the a an is are of and what which who how many much show me please write about text per by for with where in to "
    "top highest lowest average sum total count rows more than less over under give list can you help".split()
)

_WRITE = re.compile(
    r"\b(write|compose|draft|tell|generate|create|produce|give|stream|schreib|schreibe|verfass|verfasse|erzähl|erzähle|"
    r"erzeuge)\b(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_KIND = re.compile(
    r"\b(?P<story>story|tale|fairy ?tale|geschichte|märchen)\b"
    r"|\b(?:essays?|text|texts|article|report|paragraphs?|poem|blog post|novel|words?|pages?|something long"
    r"|aufsatz|artikel|bericht|gedicht|wörter|wörtern|worte|worten|seiten?)\b",
    re.IGNORECASE,
)
_LENGTH = re.compile(
    r"(?P<number>\d{1,3}(?:[,.' ]\d{3})+|\d+)(?P<thousands>\s?k)?\s*-?\s*"
    r"(?:(?P<pages>pages?|seiten?)|words?|wörtern?|worten?)\b",
    re.IGNORECASE,
)
_ABOUT = re.compile(r"\b(?:about|regarding|über|zum thema)\b\s+(?P<subject>(?!\d).+)", re.IGNORECASE | re.DOTALL)
_OF = re.compile(r"\b(?:on|of|over|von|zu)\b\s+(?P<subject>(?!\d).+)", re.IGNORECASE | re.DOTALL)
_TAIL = re.compile(
    r"[\s,;(]*\b(?:(?:with|in|of|using|and|at|mit|at least|about|around|approximately|ungefähr|etwa|on|auf)\s+)*"
    r"(?:\d[\d.,' ]*k?\s*-?\s*(?:words?|pages?|wörtern?|worten?|seiten?))\b.*$"
    r"|[\s,]+(?:please|bitte|slowly|fast|quickly|langsam|schnell|step by step)\b.*$",
    re.IGNORECASE | re.DOTALL,
)
_THINK = re.compile(
    r"\b(?:think|reason|ponder|reflect|step by step|denk|denke|überleg|überlege|nachdenken|schritt für schritt)\b",
    re.IGNORECASE,
)
_SIZES = {"short": 150, "kurz": 150, "kurze": 150, "kurzen": 150, "very long": 6_000, "sehr lang": 6_000}

_GREETING = re.compile(
    r"(?:hi|hello|hey|hiya|howdy|yo|good (?:morning|afternoon|evening|day)|greetings|hallo|moin|servus|guten "
    r"(?:tag|morgen|abend)|grüß gott)(?: (?:there|all|you|du|zusammen|demo|hubline))?"
    r"(?:[\s,.!]*(?:and )?(?:how(?: are|'re) (?:you|things)(?: doing)?|how do you do|how is it going|how's it going|"
    r"what's up|nice to meet you|wie geht es (?:dir|ihnen|euch)|wie geht'?s(?: dir)?)(?: today| heute)?)?["
    r"\s!.,?:)👋]*",
    re.IGNORECASE,
)
_THANKS = re.compile(r"(?:thanks?|thank you|thx|cheers|danke|vielen dank)\b.{0,40}", re.IGNORECASE)
_HELP = re.compile(
    r"\b(?:help|hilfe|what (?:can|do) you do|what are you|who are you|how does this work|what can i (?:do|ask|say)|"
    r"was kannst du|wer bist du|was bist du|wie funktioniert|are you (?:an? )?(?:ai|bot|real|human|claude|gpt|model)|"
    r"introduce yourself|examples?|beispiele?)\b",
    re.IGNORECASE,
)


def words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def language_of(text: str) -> Language:
    found = words(text)
    german = sum(word in _GERMAN for word in found)
    german += sum(any(char in "äöüß" for char in word) and word not in _GERMAN for word in found)
    return "de" if german > sum(word in _ENGLISH for word in found) else "en"


def wants_thinking(text: str) -> bool:
    return _THINK.search(text) is not None


def is_greeting(text: str) -> bool:
    return _GREETING.fullmatch(text.strip()) is not None


def is_thanks(text: str) -> bool:
    return _THANKS.fullmatch(text.strip()) is not None


def wants_help(text: str) -> bool:
    return len(text) < 200 and _HELP.search(text) is not None


def long_text_of(text: str) -> LongText | None:
    """The long text that is asked for; None if none is."""
    found = _WRITE.search(text)
    if found is None or _KIND.search(found["rest"]) is None:
        return None
    rest = found["rest"]
    kind = _KIND.search(rest)
    about = _ABOUT.search(rest) or _OF.search(rest)
    subject = plain(_TAIL.sub("", about["subject"])) if about is not None else ""
    language = language_of(text)
    return LongText(
        subject=subject or ("nichts Bestimmtes" if language == "de" else "nothing in particular"),
        words=_length(rest),
        story=kind is not None and kind["story"] is not None,
        language=language,
    )


def plain(text: str) -> str:
    """A few words of the user's as plain text: what Markdown or HTML would read as markup is left out."""
    text = re.sub(r"<[^<>]*>", " ", text)
    kept = "".join(char if char.isalnum() or char in " -'.,&+%/€$" else " " for char in text)
    short = " ".join(kept.split())[:MAX_SUBJECT_CHARACTERS]
    return short.strip(" .,-/'&+")


def _length(text: str) -> int:
    found = _LENGTH.search(text)
    if found is not None:
        number = int("".join(char for char in found["number"] if char.isdigit())[:9])
        number *= 1000 if found["thousands"] else 1
        return max(1, min(MAX_WORDS, number * (WORDS_PER_PAGE if found["pages"] else 1)))
    lowered = text.lower()
    for size, count in _SIZES.items():
        if re.search(rf"\b{size}\b", lowered):
            return count
    return DEFAULT_WORDS

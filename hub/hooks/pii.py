"""Takes personal data out of a message before it is stored or sent to a model. Needs the extra `hubline[pii]`.

What has a form and a check digit is found: addresses of e-mail, phone numbers, IBANs, payment cards, numbers of persons
of eleven countries. Names, street addresses and what a sentence only tells are not. Numbers that stand in a context as
JSON numbers stay: only its strings are looked at.

The same value has the same placeholder within a message (`[EMAIL_1]`), so that a model can still tell them apart.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

from phonenumbers import Leniency, PhoneNumberMatcher
from stdnum import iban, luhn
from stdnum.br import cpf
from stdnum.ch import ssn as ahv
from stdnum.de import idnr
from stdnum.es import dni, nie
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.it import codicefiscale
from stdnum.nl import bsn
from stdnum.pl import pesel
from stdnum.se import personnummer
from stdnum.us import ssn

from hub.chat.parts import Flag
from hub.hooks.base import Checked, InputFunction, UserMessage
from hub.hooks.strings import with_strings

Kind = Literal["iban", "card", "person", "email", "phone"]
KINDS: tuple[Kind, ...] = get_args(Kind)

NEAR_CHARS = 40
"""How far before a number the word stands that says what it is."""
MAX_PHONE_TRIES = 10_000

_MAY_HOLD = re.compile(r"@|\d\D{0,3}\d\D{0,3}\d")
# Scripts that put no space between words would give an address its neighbours.
_NO_SPACES = r"\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff"
_EMAIL = re.compile(
    rf"(?<![a-zA-Z0-9.+%_-])(?:[^\W{_NO_SPACES}]|[.+%'-]){{1,64}}@(?:[^\W_](?:[\w-]{{0,61}}[^\W_])?\.){{1,8}}"
    rf"[^\W\d_{_NO_SPACES}]{{2,24}}(?![a-zA-Z0-9_-])"
)
_IBAN = re.compile(r"(?<![0-9A-Za-z])[A-Za-z]{2}\d{2}(?:[ \u00a0.-]?[0-9A-Za-z]){11,30}")
_CARD = re.compile(r"(?<![\w.,+-])\d(?:[ \u00a0-]?\d){12,18}(?![\w-]|[.,]\d)")
_BRAND = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}"
    r"|(?:6011|65\d\d|35\d\d|62\d\d)\d{12}"
)
_PHONE_WORD = re.compile(
    r"phone|\btel\b|\btelef|tél|\bcall\b|\bcell|mobil|whatsapp|\bsms\b|\btext\b|\bring\b|handy|\bfax|\bruf|\banruf|"
    r"móvil|celular|portable|cellulare|\bnummer\b|numéro|número|appel|llam|chiam",
    re.IGNORECASE,
)
_PARTED = re.compile(r"\d[ ().\u00a0/-]+\d|\(")
_UNITS = ("%", "°", "€", "$", "£")
_DATE_OR_RANGE = re.compile(
    r"(?:(?:19|20)\d\d[ ./-]\d+|\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|\d{4}\s?-\s?\d{4})(?:\D.*)?", re.DOTALL
)


@dataclass(frozen=True)
class _Number:
    """A country's number of a person. Where digits alone say too little, a word before them has to say what it is."""

    pattern: re.Pattern[str]
    is_valid: Callable[[str], bool]
    word: re.Pattern[str] | None = None


def _word(words: str) -> re.Pattern[str]:
    return re.compile(words, re.IGNORECASE)


_PERSONS = (
    _Number(re.compile(r"(?<![\w.-])\d{3}-\d{2}-\d{4}(?![\w-]|\.\d)"), ssn.is_valid),
    _Number(re.compile(r"(?<![\w.-])\d{9}(?![\w-]|\.\d)"), ssn.is_valid, _word(r"\bssn\b|social security")),
    _Number(
        re.compile(r"(?<![\w.])\d{2} ?\d{3} ?\d{3} ?\d{3}(?![\w-])"), idnr.is_valid, _word(r"steuer|\bidnr|tax id")
    ),
    _Number(re.compile(r"(?<!\w)[12] ?\d{2} ?\d{2} ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}(?!\w)"), nir.is_valid),
    _Number(re.compile(r"(?<!\w)\d{8}-?[A-Za-z](?!\w)"), dni.is_valid),
    _Number(re.compile(r"(?<!\w)[XYZxyz]-?\d{7}-?[A-Za-z](?!\w)"), nie.is_valid),
    _Number(
        re.compile(r"(?<!\w)[A-Za-z]{6}\d\d[A-EHLMPR-Ta-ehlmpr-t]\d\d[A-Za-z]\d{3}[A-Za-z](?!\w)"),
        codicefiscale.is_valid,
    ),
    _Number(re.compile(r"(?<![\w.,])\d{9}(?!\w)"), bsn.is_valid, _word(r"\bbsn\b|burgerservice|sofinummer")),
    _Number(re.compile(r"(?<![\w.,])\d{11}(?!\w)"), pesel.is_valid, _word(r"pesel")),
    _Number(re.compile(r"(?<!\w)\d{3}\.\d{3}\.\d{3}-\d{2}(?!\w)"), cpf.is_valid),
    _Number(re.compile(r"(?<!\w)\d{11}(?!\w)"), cpf.is_valid, _word(r"\bcpf\b")),
    _Number(re.compile(r"(?<!\w)756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}(?!\w)"), ahv.is_valid),
    _Number(re.compile(r"(?<!\w)(?:19|20)?\d{6}[-+]\d{4}(?!\w)"), personnummer.is_valid),
    _Number(re.compile(r"(?<!\w)\d{3} ?\d{3} ?\d{4}(?!\w)"), nhs.is_valid, _word(r"\bnhs\b")),
)


@dataclass(frozen=True)
class Finding:
    """Where something stands in a text."""

    start: int
    end: int
    kind: Kind


def find(text: str, *, kinds: Sequence[Kind] = KINDS, regions: Sequence[str] = ()) -> list[Finding]:
    """What stands in a text, in order; where two things could, the one whose form says more.

    `regions` are the countries (`DE`) whose phone numbers are known without +.
    """
    if not _MAY_HOLD.search(text):
        return []
    found: list[Finding] = []
    rest = text  # with what was found masked, so that nothing else is found in its place
    for kind in KINDS:
        if kind not in kinds:
            continue
        for look in _FINDERS[kind] if kind != "phone" else _phone_finders(regions):
            spans = list(look(rest))
            found += (Finding(start, end, kind) for start, end in spans)
            rest = _masked(rest, spans)
    return sorted(found, key=lambda one: one.start)


def redactor(kinds: Sequence[Kind] = KINDS, regions: Sequence[str] = ()) -> InputFunction:
    """An input check that puts placeholders in the place of what it finds, and says so."""

    def redact(message: UserMessage) -> Checked | None:
        placeholders: dict[tuple[Kind, str], str] = {}
        counts: dict[Kind, int] = dict.fromkeys(KINDS, 0)

        def redacted(text: str) -> str:
            pieces: list[str] = []
            at = 0
            for one in find(text, kinds=kinds, regions=regions):
                value = one.kind, re.sub(r"[^\w@.+]", "", text[one.start : one.end]).lower()
                if value not in placeholders:
                    counts[one.kind] += 1
                    placeholders[value] = f"[{one.kind.upper()}_{counts[one.kind]}]"
                pieces += text[at : one.start], placeholders[value]
                at = one.end
            return "".join((*pieces, text[at:]))

        text = redacted(message.text)
        context = with_strings(message.context, redacted)
        if not placeholders:
            return None
        told = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
        flag = Flag("redacted", f"Personal data was taken out of the message: {told}.")
        return Checked(text=text, context=context, flags=(flag,))

    return redact


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    match = _IBAN.search(text)
    while match is not None:
        # What follows may be words, or another one: the country says how long it is, and only that length is valid.
        ends = (
            end
            for end in range(match.end(), match.start() + 14, -1)
            if text[end - 1].isalnum()
            and not text[end : end + 1].isalnum()
            and iban.is_valid(text[match.start() : end].replace("\u00a0", " "), check_country=False)
        )
        end = next(ends, None)
        if end is not None:
            yield match.start(), end
        match = _IBAN.search(text, match.start() + 4 if end is None else end)


def _cards(text: str) -> Iterator[tuple[int, int]]:
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if _BRAND.fullmatch(digits) and luhn.is_valid(digits):
            yield match.span()


def _persons(text: str, number: _Number) -> Iterator[tuple[int, int]]:
    for match in number.pattern.finditer(text):
        if (number.word is None or _says(number.word, text, match.start())) and number.is_valid(match[0]):
            yield match.span()


def _emails(text: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in _EMAIL.finditer(text))


def _phones(text: str, region: str | None) -> Iterator[tuple[int, int]]:
    for match in PhoneNumberMatcher(text, region, Leniency.VALID, MAX_PHONE_TRIES):
        raw = match.raw_string
        if raw.startswith(("+", "00")):
            yield match.start, match.end
        elif text[match.end : match.end + 1] in _UNITS or _DATE_OR_RANGE.fullmatch(raw):
            continue
        elif _PARTED.search(raw) or _says(_PHONE_WORD, text, match.start):
            yield match.start, match.end


_Finder = Callable[[str], Iterable[tuple[int, int]]]
_FINDERS: Mapping[Kind, Sequence[_Finder]] = {
    "iban": [_ibans],
    "card": [_cards],
    "person": [partial(_persons, number=number) for number in _PERSONS],
    "email": [_emails],
}


def _phone_finders(regions: Sequence[str]) -> list[_Finder]:
    return [partial(_phones, region=region) for region in (None, *regions)]


def _masked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text, as long as it was, without what stands at these places, which follow one another."""
    pieces: list[str] = []
    at = 0
    for start, end in spans:
        pieces += text[at:start], "|" * (end - start)
        at = end
    return "".join((*pieces, text[at:]))


def _says(word: re.Pattern[str], text: str, at: int) -> bool:
    return word.search(text, max(0, at - NEAR_CHARS), at) is not None

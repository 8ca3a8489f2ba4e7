"""The words that the demo knows, in English and German: what they mean, and which mean much the same."""

import unicodedata
from collections.abc import Mapping

MEANINGS: Mapping[str, str] = {
    phrase: meaning
    for meaning, phrases in {
        "measure:sum": "sum|sums|sum up|sum of|total|totals|total up|add up|add|altogether|in total|overall|how much|"
        "summe|summen|summiere|summier|addiere|gesamt|gesamte|gesamter|gesamten|gesamtes|insgesamt|zusammen|"
        "zusammengerechnet|wie viel|wieviel|combined|gesamtsumme",
        "measure:average": "average|averages|avg|mean|on average|durchschnitt|durchschnittlich|durchschnittliche|"
        "durchschnittlicher|durchschnittlichen|durchschnittliches|im durchschnitt|im schnitt|schnitt|mittelwert|mittel|"
        "im mittel|averaged|mittlerer|mittlere|mittleren|mittleres",
        "measure:median": "median|medians|in the middle|middle value",
        "measure:min": "min|minimum|minimal|minimale|minimaler|minimalen|smallest value|lowest value|kleinster wert",
        "measure:max": "max|maximum|maximal|maximale|maximaler|maximalen|largest value|highest value|größter wert|"
        "höchster wert",
        "measure:count": "how many|count|counts|number of|the number of|count of|wie viele|wieviele|anzahl|zähle|zähl",
        "distinct": "different|distinct|unique|verschiedene|verschiedenen|unterschiedliche|eindeutige",
        "most": "most|the most|meisten|am meisten|die meisten|das meiste",
        "least": "least|the least|fewest|the fewest|am wenigsten|wenigsten|die wenigsten",
        "top": "top|highest|largest|biggest|greatest|best|max value|höchste|höchster|höchsten|höchstes|größte|größten|"
        "größter|größtes|beste|besten|bester|bestes|leading|strongest|am höchsten|am größten|am besten|maximum value",
        "bottom": "bottom|lowest|smallest|worst|poorest|weakest|minimum value|niedrigste|niedrigsten|niedrigster|"
        "niedrigstes|kleinste|kleinsten|kleinster|kleinstes|schlechteste|schlechtesten|schlechtester|geringste|"
        "geringsten|geringster|am niedrigsten|am kleinsten|am schlechtesten",
        "top:price": "most expensive|priciest|dearest|costliest|teuerste|teuersten|teuerster|teuerstes|am teuersten",
        "bottom:price": "cheapest|least expensive|billigste|billigsten|billigster|günstigste|günstigsten|günstigster|"
        "günstigstes|am billigsten|am günstigsten",
        "top:pay": "best paid|highest paid|best-paid|earns most|earns the most|bestbezahlte|bestbezahlten|"
        "verdient am meisten|earn the most|earns best",
        "bottom:pay": "worst paid|lowest paid|least paid|earns least|earns the least|verdient am wenigsten",
        "top:date": "newest|latest|most recent|neueste|neuesten|neuester|am neuesten|zuletzt",
        "bottom:date": "earliest|früheste|frühesten|am frühesten|zuerst",
        "top:age": "oldest|eldest|älteste|ältesten|ältester|ältestes|am ältesten",
        "bottom:age": "youngest|jüngste|jüngsten|jüngster|jüngstes|am jüngsten",
        "op:>:age": "older than|älter als",
        "op:<:age": "younger than|jünger als",
        "op:>:price": "more expensive than|dearer than|teurer als",
        "op:<:price": "cheaper than|less expensive than|billiger als|günstiger als",
        "first": "first|the first|erste|ersten",
        "group": "per|by|for each|each|every|for every|grouped by|group by|broken down by|split by|by each|pro|je|nach|"
        "für jede|für jeden|für jedes|gruppiert nach|in each|jede|jeder|jedes|aufgeteilt nach",
        "list": "show|list|display|find|filter|filtered|give me|get|select|rows|row|rows where|records|entries|entry|"
        "lines|zeige|zeig|liste|auflisten|finde|filtere|filter|zeilen|zeile|einträge|eintrag|datensätze|gib mir",
        "which": "which|who|whose|what|what's|whats|where|wer|welche|welcher|welches|welchen|was|wo|wessen",
        "sort": "sort|sorted|sort by|sorted by|order by|ordered by|rank|rank by|ranked by|ranking|sortiere|sortiert|"
        "sortiere nach|sortiert nach|ordne|ordne nach|rangliste",
        "ascending": "ascending|asc|low to high|lowest first|smallest first|aufsteigend|from low to high",
        "descending": "descending|desc|high to low|highest first|largest first|biggest first|absteigend",
        "only": "just|only|nur|lediglich|bloß",
        "describe": "describe|summarise|summarize|summary|overview|statistics|stats|analyse|analyze|explore|profile|"
        "what is in|what's in|what is this|tell me about|beschreibe|beschreib|fasse|zusammenfassung|überblick|"
        "statistik|analysiere|übersicht|was steht in|summarisation|summarization|key figures|kennzahlen",
        "op:>": ">|more than|over|above|greater than|larger than|bigger than|higher than|exceeding|exceeds|exceed|"
        "after|later than|über|mehr als|größer als|höher als|nach dem|ab dem",
        "op:>=": ">=|at least|no less than|not less than|minimum of|since|from|mindestens|ab|seit|"
        "≥|starting|größer oder gleich|größer gleich|größer als oder gleich|greater or equal to|greater or equal",
        "op:<": "<|less than|fewer than|under|below|smaller than|lower than|before|earlier than|unter|weniger als|"
        "kleiner als|niedriger als|vor|vor dem",
        "op:<=": "<=|at most|no more than|not more than|up to|until|höchstens|maximal so viel wie|bis|bis zu|≤|"
        "kleiner oder gleich|kleiner gleich|kleiner als oder gleich|less or equal to|smaller or equal to|less or equal",
        "after:>=": "or more|or above|or over|or higher|or greater|or larger|or older|and more|and above|and over|"
        "and up|and higher|and older|oder mehr|oder höher|oder älter|und mehr",
        "after:<=": "or less|or fewer|or below|or under|or lower|or smaller|or younger|and less|and below|and under|"
        "and lower|and younger|oder weniger|oder niedriger|oder jünger|und weniger",
        "op:=": "=|==|equals|equal to|is equal to|exactly|gleich|genau",
        "op:!=": "!=|<>|not equal to|ungleich|≠",
        "op:contains": "contains|contain|containing|includes|including|enthält|enthalten",
        "op:between": "between|zwischen",
        "not": "is not|isn't|are not|aren't|was not|wasn't|were not|weren't|do not|don't|does not|doesn't|did not|"
        "didn't|has not|hasn't|have not|haven't|had not|cannot|can't|won't|never|no|none|kein|keine|keinen|keiner|nie|"
        "not|except|without|excluding|other than|but not|nicht|außer|ohne|apart from",
        "and": "and|und|then|also|plus|sowie|dann|as well as|&|auch|along with",
        "or": "or|oder",
        "unsupported": "deviation|stddev|variance|percentile|quartile|percentage|percent|share|ratio|chart|plot|graph|"
        "draw|forecast|predict|prediction|correlation|correlate|growth|grew|trend|difference|compared|regression|"
        "translate|pivot|diagramm|prozent|anteil|standardabweichung|varianz|prognose|wachstum|unterschied|duplicates|"
        "joke|weather|delete|remove|change|update|edit|insert|replace|email|round|multiply|divide|subtract|product of|"
        "times|minus|lösche|ändere|trends|cumulative|running|weighted|mode|outlier|outliers|without tax|convert|"
        "increase|decrease|second|third|zweite|zweiten|zweithöchste|second-highest|last|letzte|letzten|all but|neither|"
        "nor|either|if|unless|ascii",
    }.items()
    for phrase in phrases.split("|")
}

LONGEST_PHRASE = max(len(phrase.split()) for phrase in MEANINGS)

STOPWORDS = frozenset(
    "a an the this that these those is are was were be been am do does did done have has had of in on at to for with "
    "it its it's i me my we our us you your they their he she there here please can could would will shall may might "
    "tell give need want know like let see now just so well ok okay hi hello hey thanks thank all everything any some "
    "as from out up about into table data dataset sheet spreadsheet csv list value values "
    "number numbers column columns "
    "amount figure figures result results one ones much many each item items thing things people person "
    "calculate compute work find get make made what's which's me's than more less altogether again only really quickly "
    "look looking above below following pasted attached selection selected range cells cell come comes came think "
    "about slowly fast step quick answer question questions hubline demo kindly dear add across within over having "
    "der die das den dem des ein eine einen einem einer eines ist sind war waren wird werden "
    "hat haben hatte von vom in "
    "im an am auf zu zum zur mit für bei aus und mir mich uns ich wir du ihr sie er es bitte kannst können könntest "
    "möchte will wissen sag sage berechne rechne ermittle bestimme denn mal doch tabelle daten "
    "werte wert spalte spalten "
    "live lives lived living compare comparison vergleiche vergleich wohnen wohnt lebt leben "
    "alle alles dort da gibt gibt's als so viel wie hier diese dieser dieses diesem jetzt danke hallo insgesamt nur "
    "verdient verdienen hoch groß lang deren dessen ihre ihren zahl zahlen".split()
)

CRITICAL_BEFORE = frozenset(
    "of for in from at by per with where named called about von für in aus bei pro je mit namens nach within".split()
)
"""A word that is not known matters if one of these stands before it: "the average price of bananas"."""

ROW_WORDS = frozenset(
    "row rows record records entry entries line lines item items people persons person zeile zeilen eintrag einträge "
    "datensätze datensatz there them they personen leute".split()
)

NUMBER_WORDS: Mapping[str, int] = {
    word: number
    for number, words in enumerate(
        ("one eins", "two zwei", "three drei", "four vier", "five fünf", "six sechs", "seven sieben", "eight acht",
         "nine neun", "ten zehn", "eleven elf", "twelve zwölf"),
        start=1,
    )
    for word in words.split()
}  # fmt: skip

SYNONYMS: tuple[frozenset[str], ...] = tuple(
    frozenset(words.split())
    for words in (
        "revenue sales turnover umsatz sold sell sells earned income erlös umsätze einnahmen "
        "verkauft verkaufte verkaufen",
        "price cost preis kosten prices costs preise teuer expensive cheap priced",
        "quantity qty amount units unit menge stück anzahl pieces sold verkauft stueck",
        "stock inventory bestand lagerbestand lager left available vorrat quantity",
        "salary salaries pay wage wages gehalt gehälter lohn earn earns earning earnings verdienst paid verdient",
        "name employee employees staff worker workers mitarbeiter mitarbeiterin people person "
        "customer kunde angestellte",
        "product products item items article articles artikel produkt produkte goods sku",
        "region regions area areas gebiet gebiete territory",
        "department departments dept team teams abteilung abteilungen division",
        "date day datum tag when wann",
        "hired hire joined started start eingestellt einstellung eintritt",
        "city cities town stadt städte ort",
        "country countries land länder nation",
        "category categories kategorie kategorien type types typ",
        "quarter quarters quartal quartale",
        "warehouse lager lagerort location standort",
        "age alter old",
        "year jahr years jahre",
        "month monat months monate",
    )
)

HINTS: Mapping[str, frozenset[str]] = {
    "price": frozenset("price cost preis kosten amount".split()),
    "pay": frozenset("salary pay wage gehalt lohn income earnings".split()),
    "age": frozenset("age alter".split()),
}
"""The columns that a superlative speaks of, by stems. "oldest" may be a date too."""

SINGLES = frozenset(
    "price cost preis kosten salary pay wage gehalt lohn age alter rate rating score grade note temperature temperatur "
    "height weight size length width percent prozent discount rabatt margin speed year jahr".split()
)
"""Columns, by stems, of which a sum says nothing: "the highest price" of a product is that of a row."""

SINGLE_WORDS = frozenset(
    "highest lowest höchste höchsten höchster höchstes niedrigste niedrigsten niedrigster niedrigstes".split()
)
"""Superlatives that speak of single values rather than of what adds up."""

USUAL_AMOUNTS = tuple(
    "revenue sales umsatz amount betrag total value wert price preis salary gehalt units quantity".split()
)
"""By which column "the top 3" are, if the user does not say; in this order."""

QUANTITIES = frozenset("quantity qty unit units piece pieces menge stuck stuckzahl bestand stock".split())
"""What "how many" of something may mean, by stems."""

IDENTIFIERS = frozenset("id nr no number year jahr zip plz postcode code key index ref rank phone".split())
"""Columns of numbers that nobody wants summed unless they say so."""


def plain(word: str) -> str:
    """Without letter case and accents: what two spellings have in common."""
    folded = unicodedata.normalize("NFKD", word.casefold())
    return "".join(char for char in folded if not unicodedata.combining(char))


def stems(word: str) -> frozenset[str]:
    """The word and what may be its singular."""
    base = plain(word)
    found = {base}
    for ending, instead in (
        ("ies", "y"),
        ("es", ""),
        ("s", ""),
        ("'s", ""),
        ("er", ""),
        ("en", ""),
        ("e", ""),
        ("n", ""),
    ):
        if base.endswith(ending) and len(base) - len(ending) >= 3:
            found.add(base[: -len(ending)] + instead)
    return frozenset(found)

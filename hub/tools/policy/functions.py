"""The table of functions: what a sheet could do by calling each, and why that needs approval."""

import re
from typing import Literal

import msgspec

from hub.normalised import normalised
from hub.tools.policy import harmless

FunctionClass = Literal["harmless", "network", "code", "link", "unknown_function"]


class Function(msgspec.Struct, frozen=True):
    """What is known of a function. `reason` completes "NAME …"; it is empty for a harmless one."""

    name: str
    kind: FunctionClass
    reason: str = ""

    @property
    def harm(self) -> Literal["network", "code", "link"] | None:
        """How it is known to reach beyond the workbook; None also where that is not known."""
        if self.kind == "network" or self.kind == "code" or self.kind == "link":
            return self.kind
        return None


FETCHES = "fetches an address, and can send cells away in it"
ASKS_SERVICE = "sends its arguments to a service outside the workbook"
QUERIES = "queries a server outside the workbook"
FEEDS = "starts a data feed from another program or server"
CALLS = "runs code outside the sheet"
PROGRAMS = "talks to another program, or starts one"
FILES = "reads or writes files"
EVALUATES = "evaluates text as a formula, which cannot be seen here"
LINKS = "makes a link that sends whoever clicks it, and what is in its address, elsewhere"
FROM_WEB = "reads text that came from the web"

# Localised names are those of Excel in German, French, Spanish, Italian, Dutch, Portuguese, Swedish, Danish, Norwegian,
# Finnish, Polish, Czech, Hungarian, Turkish and Russian, where they differ from the English ones.
_TABLE: tuple[tuple[FunctionClass, str, str], ...] = (
    (
        "network",
        FETCHES,
        """WEBSERVICE WEBDIENST SERVICEWEB SERVICIOWEB SERVIZIO.WEB SERVIÇOWEB WEBBTJÄNST WEBTJENESTE NETTJENESTE
        VERKKOPALVELU WEBOVÁ.SLUŽBA WEBSZOLGÁLTATÁS WEBHİZMETİ ВЕБСЛУЖБА
        IMAGE BILD IMAGEN IMMAGINE AFBEELDING IMAGEM BILLEDE BILDE KUVA OBRAZ OBRÁZEK KÉP RESİM ИЗОБРАЖЕНИЕ
        IMPORTDATA IMPORTXML IMPORTHTML IMPORTRANGE IMPORTFEED IMPORTJSON IMPORTTEXT IMPORTCSV IMPORTA.TESTO""",
    ),
    ("network", FROM_WEB, "FILTERXML XMLFILTERN FILTRE.XML XMLFILTRO FILTRO.XML XML.FILTEREN FILTROXML FILTRARXML"),
    (
        "network",
        ASKS_SERVICE,
        """GOOGLEFINANCE GOOGLETRANSLATE DETECTLANGUAGE TRANSLATE STOCKHISTORY BÖRSENHISTORIE
        HISTORIQUEACTIONS COPILOT AI GEMINI GPT LABS.GENERATIVEAI FIELDVALUE CURRENCYCONVERT BDP BDH BDS BQL FDS CIQ""",
    ),
    (
        "network",
        QUERIES,
        """CUBEVALUE CUBEMEMBER CUBEMEMBERPROPERTY CUBERANKEDMEMBER CUBESET CUBESETCOUNT CUBEKPIMEMBER CUBEWERT
        CUBEELEMENT CUBEELEMENTEIGENSCHAFT CUBERANGELEMENT CUBEMENGE CUBEMENGENANZAHL CUBEKPIELEMENT VALEURCUBE
        MEMBRECUBE PROPRIETEMEMBRECUBE RANGMEMBRECUBE JEUCUBE NBJEUCUBE MEMBREKPICUBE VALORCUBO MIEMBROCUBO
        CONJUNTOCUBO VALORE.CUBO MEMBRO.CUBO SET.CUBO KUBUSWAARDE KUBUSLID MEMBROCUBO
        SQL.REQUEST SQL.OPEN SQL.EXEC.QUERY SQL.RETRIEVE SQL.BIND SQL.CLOSE SQL.ERROR SQL.ABFRAGEN""",
    ),
    ("network", FEEDS, "RTD RDTR RTG DATITEMPOREALE DADOSTEMPOREAL DANE.CZASU.RZECZYWISTEGO ДРВ GZV DDE"),
    (
        "code",
        CALLS,
        """CALL AUFRUFEN FONCTION.APPELANTE LLAMAR RICHIAMA REGISTER REGISTER.ID REGISTER.KENNUMMER
        REGISTRE.NUMERO ID.REGISTRO IDENTIFICATORE.REGISTRO UNREGISTER RUN PY PYTHON SCRIPT MACRO GOTO FORMULA.FILL
        ON.TIME ON.DATA ON.RECALC ERROR ALERT""",
    ),
    (
        "code",
        PROGRAMS,
        """EXEC EXECUTE INITIATE POKE REQUEST TERMINATE APP.ACTIVATE SEND.KEYS SEND.MAIL MAIL.SEND.MAILER
        EMBED PUBLISH.AS.WEB.PAGE WEB.PUBLISH""",
    ),
    (
        "code",
        FILES,
        """FILES DIRECTORY DOCUMENTS FOPEN FCLOSE FREAD FREADLN FWRITE FWRITELN FPOS FSIZE FILE.DELETE FILE.EXISTS OPEN
        OPEN.TEXT SAVE SAVE.AS CREATE.DIRECTORY DELETE.DIRECTORY GET.DOCUMENT GET.WORKSPACE GET.WORKBOOK
        OPEN.LINKS UPDATE.LINK CHANGE.LINK""",
    ),
    ("code", EVALUATES, "EVALUATE AUSWERTEN EVALUER EVALUAR FORMULA.ARRAY GET.CELL GET.FORMULA MULTIPLE.OPERATIONS"),
    (
        "link",
        LINKS,
        """HYPERLINK LIEN_HYPERTEXTE HIPERVINCULO HIPERVÍNCULO COLLEG.IPERTESTUALE HIPERLINK HIPERLIGAÇÃO HYPERLÄNK
        HYPERKOBLING HYPERLINKKI HIPERŁĄCZE HYPERTEXTOVÝ.ODKAZ HIPERHIVATKOZÁS KÖPRÜ ГИПЕРССЫЛКА""",
    ),
)

HARMFUL: dict[str, Function] = {
    name: Function(name, kind, reason)
    for kind, reason, names in _TABLE
    for name in (normalised("NFKC", word).upper() for word in names.split())
}

_PREFIX = re.compile(r"(?:_XLFN|_XLWS|_XLPM|_XLOP|_XLETA|_XLUDF|_XLNM|_XLDUDF|_TTC)\.")
_OF_EXCEL = re.compile(r"(?:(?:_XLFN|_XLWS|_XLPM|_XLOP|_XLETA)\.)++")
"""What a file says before a function or a parameter that older versions do not know; it changes no meaning."""

# Everyday words, which would be found in too much prose if their calls were looked for in any text.
_WORDS = frozenset(
    """AI ALERT BILD BILDE BILLEDE CALL COPILOT DIRECTORY DOCUMENTS EMBED ERROR EXECUTE FILES GEMINI GOTO GPT IMAGE
    IMAGEM IMAGEN IMMAGINE INITIATE KUVA KÉP KÖPRÜ LLAMAR MACRO OBRAZ OPEN POKE PY PYTHON REGISTER REQUEST
    RICHIAMA RTG RUN SAVE SCRIPT TERMINATE TRANSLATE""".split()
)
# Begins only where a word does, so that a long word is read once.
_CALL = re.compile(r"(?<![\w.])([^\W\d][\w.]*+)\s*+\(")


def canonical(name: str) -> str:
    """A name as sheets compare them: full-width letters as plain ones, without case."""
    return name.upper() if name.isascii() else normalised("NFKC", name).upper()


def without_prefix(name: str) -> str:
    """A canonical name without `_XLFN.` and the like."""
    prefix = _OF_EXCEL.match(name)
    return name if prefix is None else name[prefix.end() :]


def classify(written: str) -> Function:
    """What calling the function of this name can do. Case, width and Excel's own prefixes make no difference."""
    name = canonical(written)
    bare = without_prefix(name)
    known = HARMFUL.get(bare)
    if known is not None:
        return known
    # A dotless i or a long s is a plain letter in upper case: that name is not the function that it looks like.
    if bare in harmless.NAMES and (written.isascii() or not bare.isascii()):
        return Function(bare, "harmless")
    return _unknown(written, name)


def first_mentioned(text: str, *, with_everyday_words: bool = True) -> Function | None:
    """The first call of a harmful function anywhere in a text, whatever stands around it, quoted or not."""
    for call in _CALL.finditer(text):
        known = classify(call[1])
        if known.harm is not None and (with_everyday_words or known.name.upper() not in _WORDS):
            return known
    return None


def _unknown(written: str, name: str) -> Function:
    parts = _PREFIX.sub("", name).split(".")
    for start in range(max(0, len(parts) - 3), len(parts)):
        known = HARMFUL.get(".".join(parts[start:]))
        if known is not None:
            return Function(written, known.kind, known.reason)
    if name.startswith("CUBE"):
        return Function(written, "network", QUERIES)
    if name.startswith("_XLL."):
        return Function(written, "code", "is an add-in's function, which runs its code")
    if "." in name or "_" in name:
        return Function(written, "unknown_function", "is not a function of Excel: an add-in or a script may run by it")
    return Function(written, "unknown_function", "is not a function that is known here, and may be an add-in's")

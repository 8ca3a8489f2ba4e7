"""What long texts are made of. Every sentence fits any subject and claims nothing about it.

A name in braces is a slot, filled from `slots`; `{subject}` is what the user asked about.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

Language = Literal["en", "de"]


class Phrases(msgspec.Struct, frozen=True):
    """One kind of text in one language. `opening` says that it is a demo's text, once."""

    titles: tuple[str, ...]
    opening: str
    sections: tuple[str, ...]
    sentences: tuple[str, ...]
    remarks: tuple[str, ...]
    slots: Mapping[str, tuple[str, ...]]
    leads: Mapping[str, str]
    columns: tuple[str, str, str]
    closing_heading: str


_ENGLISH_SLOTS: Mapping[str, tuple[str, ...]] = {
    "aspect": (
        "the origin", "the purpose", "the cost", "the audience", "the first impression", "the daily practice",
        "the exception", "the language", "the limit", "the scale", "the rhythm", "the rule", "the surprise",
        "the alternative", "the mistake", "the next step", "the context", "the evidence", "the trade-off",
        "the small detail", "the long view",
    ),
    "person": (
        "a newcomer", "an expert", "a sceptic", "a careful reader", "a friend", "a colleague from another field",
        "a child", "a good teacher", "an impatient listener", "someone who pays for it",
        "someone who comes back to it later",
    ),
    "verb": (
        "sketch", "measure", "compare", "describe", "question", "test", "sort", "rename", "simplify", "explain",
        "write down", "examine",
    ),
    "time": (
        "in the morning", "after a week", "at the end of the day", "over a cup of tea", "before anything else",
        "once the noise has settled", "a year later", "on the second attempt", "when nobody is in a hurry",
    ),
    "quality": (
        "clear", "honest", "useful", "patient", "plain", "precise", "surprising", "modest", "worth the effort",
        "easy to check", "hard to forget",
    ),
    "image": (
        "a map drawn from memory", "a house with many doors", "a conversation that never quite ends",
        "a drawer nobody has tidied", "a bridge seen from below", "a garden in early spring", "a long train journey",
        "a well-used notebook", "a puzzle without its box", "a kitchen just before guests arrive",
    ),
}  # fmt: skip

_ENGLISH_SENTENCES = (
    "Seen from a distance, {subject} looks like {image}.",
    "It helps to {verb} {aspect} first and to leave {aspect} for later.",
    "{person} would probably begin with {aspect}.",
    "There is a difference between knowing {aspect} and being able to {verb} it.",
    "{time}, the same question tends to look smaller and more {quality}.",
    "What {person} says about {subject} is seldom what {person} would say.",
    "One can {verb} {aspect} without touching {aspect} at all.",
    "The best notes on {subject} are {quality}, and they are short.",
    "Ask {person} about {aspect}, and the answer will start somewhere else.",
    "Much depends on {aspect}, a little on {aspect}, and the rest on luck.",
    "It is tempting to {verb} everything at once; it is wiser to choose {aspect}.",
    "Every list that begins with {aspect} should end with {aspect}.",
    "{subject} rewards whoever takes the time to {verb} what is in front of them.",
    "Nothing about this has to be complicated, but it does have to be {quality}.",
    "{time}, {person} may well see {subject} as {image}.",
    "Where opinions differ, {aspect} is usually the reason.",
    "A description is {quality} when {person} can use it without asking back.",
    "Two people can {verb} {aspect} and come to opposite conclusions, both of them {quality}.",
    "The word itself, {subject}, hides more than it shows.",
    "It is no accident that {aspect} and {aspect} are so often mentioned together.",
    "To {verb} something is also to decide what to leave out.",
    "If there is one habit to keep, it is to {verb} {aspect} {time}.",
    "Some will find this {quality}; others will ask for {aspect}.",
    "The shortest way to {subject} leads past {aspect}.",
    "Imagine {image}: that is roughly how {aspect} feels at the start.",
    "Good questions are {quality}; good answers mention {aspect}.",
    "Whoever can {verb} {aspect} will hardly be troubled by {aspect}.",
    "{person} and {person} rarely agree about {aspect}, and both have their reasons.",
    "It takes a while until {subject} stops looking like {image}.",
    "Doubt is allowed here, as long as it is {quality}.",
    "Start small, {verb} one thing, and come back {time}.",
    "What remains, when all is said about {aspect}, is {aspect}.",
    "A plan that ignores {aspect} will meet it {time}.",
    "In the middle of it all stands {aspect}, rarely noticed.",
    "It may be {quality} to {verb} the obvious once more.",
    "There is no need to settle {aspect} before one begins to {verb} {aspect}.",
    "Compared with {aspect}, even {aspect} seems {quality}.",
    "Often {person} notices first what everybody else has stopped seeing.",
    "A single example can be more {quality} than a whole theory of {subject}.",
    "So much for {aspect}; {aspect} is another matter.",
)

_ENGLISH_REMARKS = (
    "{verb} it before it grows.", "Ask {person}.", "Keep it {quality}.", "Come back to it {time}.",
    "Say what it is for, in one line.", "Leave room for {aspect}.", "Do not confuse it with {aspect}.",
    "Check it against one real example.", "Show it to {person} early.", "Stop when it is {quality}.",
    "{verb} the parts that nobody mentions.", "Accept that it resembles {image}.", "Write the date next to it.",
    "Compare it with {aspect}.",
)  # fmt: skip

_ENGLISH_LEADS = {
    "list": "A few things to keep in mind about {subject}:",
    "steps": "One possible order of work:",
    "table": "The same in a table, with a weight that is only an example:",
    "code": "A small program can keep the questions together:",
}

_STORY_SENTENCES = (
    "{time}, {person} found {image} where the path used to end.",
    "Nobody had mentioned {subject} yet, but everybody was thinking of it.",
    "“We should {verb} it,” said {person}, and closed the window.",
    "The room was quiet, {quality} in its way, like {image}.",
    "{person} laughed, because {aspect} had always been the difficult part.",
    "They walked on and talked about {subject} as if it were {image}.",
    "“And what of {aspect}?” asked {person}.",
    "No answer came, only the sound of somebody trying to {verb} a very old door.",
    "{time}, the letters on the wall spelled {subject}, and then something else.",
    "It was {quality}, and it was over too soon.",
    "{person} carried a notebook in which {aspect} filled eleven pages.",
    "“You may {verb} whatever you like,” the voice said, “but not {aspect}.”",
    "Behind the hill lay {image}, or something that looked just like it.",
    "For a moment {subject} seemed near enough to touch.",
    "Rain began; {person} did not mind.",
    "Somewhere {person} was telling the same story with another ending.",
    "They decided to {verb} the map and to trust their feet.",
    "{time}, a light went on, and with it came {person}.",
    "What had looked like {image} turned out to be a beginning.",
    "“It is about {subject},” said {person}, “it always was.”",
    "The second door was harder, and more {quality}.",
    "{person} counted the steps aloud and lost count at {aspect}.",
    "Later they would disagree about {aspect}, but never about that evening.",
    "A bird settled on the fence and seemed to {verb} them both.",
    "There was soup, there was bread, and there was {subject} to talk about.",
)

_GERMAN_SLOTS: Mapping[str, tuple[str, ...]] = {
    "aspect": (
        "der Ursprung", "der Zweck", "der Preis", "der erste Eindruck", "der Alltag", "die Ausnahme", "die Sprache",
        "die Grenze", "der Maßstab", "der Rhythmus", "die Regel", "die Überraschung", "die Alternative", "der Irrtum",
        "der nächste Schritt", "der Zusammenhang", "der Beleg", "das kleine Detail", "der lange Blick",
    ),
    "person": (
        "ein Neuling", "eine Kennerin", "ein Zweifler", "eine aufmerksame Leserin", "ein Freund",
        "eine Kollegin aus einem anderen Fach", "ein Kind", "eine gute Lehrerin", "ein ungeduldiger Zuhörer",
    ),
    "verb": (
        "skizzieren", "messen", "vergleichen", "beschreiben", "hinterfragen", "prüfen", "ordnen", "vereinfachen",
        "erklären", "notieren", "betrachten",
    ),
    "time": (
        "am Morgen", "nach einer Woche", "am Ende des Tages", "bei einer Tasse Tee", "ganz am Anfang",
        "ein Jahr später", "beim zweiten Versuch", "wenn niemand es eilig hat",
    ),
    "quality": (
        "klar", "ehrlich", "nützlich", "geduldig", "schlicht", "genau", "überraschend", "bescheiden", "lohnend",
        "leicht zu prüfen", "schwer zu vergessen",
    ),
    "image": (
        "eine Karte aus dem Gedächtnis", "ein Haus mit vielen Türen", "ein Gespräch ohne rechtes Ende",
        "eine Schublade, die niemand aufräumt", "eine Brücke von unten", "ein Garten im Vorfrühling",
        "eine lange Zugfahrt", "ein viel benutztes Notizbuch", "ein Puzzle ohne Schachtel",
    ),
}  # fmt: skip

_GERMAN_SENTENCES = (
    "Von weitem betrachtet wirkt {subject} wie {image}.",
    "Oft steht {aspect} im Vordergrund, obwohl {aspect} wichtiger wäre.",
    "Hier würde {person} vermutlich anders beginnen.",
    "Es lohnt sich, das Naheliegende zuerst zu {verb}.",
    "Manches wirkt {time} kleiner und zugleich {quality}.",
    "Was {person} darüber sagt, sagt {person} selten ebenso.",
    "Gute Notizen über {subject} sind {quality}, und sie sind kurz.",
    "Vieles hängt zusammen: {aspect}, {aspect} und ein wenig Glück.",
    "Man kann alles auf einmal {verb}; klüger ist es, eines auszuwählen.",
    "Wer sich Zeit nimmt, sieht {subject} mit anderen Augen.",
    "Kompliziert muss das nicht sein, aber {quality} sollte es schon sein.",
    "Wo die Meinungen auseinandergehen, ist meist {aspect} der Grund.",
    "Eine Beschreibung ist dann {quality}, wenn {person} sie ohne Rückfrage versteht.",
    "Das Wort selbst, {subject}, verbirgt mehr, als es zeigt.",
    "Etwas zu {verb} heißt auch, etwas anderes wegzulassen.",
    "Die einen finden das {quality}, den anderen fehlt {aspect}.",
    "So ungefähr fühlt sich der Anfang an: wie {image}.",
    "Gute Fragen sind {quality}, und gute Antworten sind es auch.",
    "Zweifel sind erlaubt, solange sie {quality} bleiben.",
    "Klein anfangen, eines {verb}, später wiederkommen: mehr braucht es nicht.",
    "Mittendrin steht {aspect}, kaum beachtet.",
    "Ein einziges Beispiel ist oft {quality} und ersetzt eine ganze Theorie.",
    "So viel dazu; {aspect} ist eine andere Sache.",
    "Häufig bemerkt {person} zuerst, was alle anderen längst übersehen.",
    "Neben {subject} verblasst manches, was vorher {quality} schien.",
)

_GERMAN_REMARKS = (
    "Früh {verb}.", "Fragen: Was sagt {person} dazu?", "Es soll {quality} bleiben.", "Darauf {time} zurückkommen.",
    "In einer Zeile sagen, wozu.", "An einem echten Beispiel prüfen.", "Aufhören, sobald es {quality} ist.",
    "Das Datum danebenschreiben.", "Nicht alles auf einmal {verb}.", "Ähnlich wie {image}.",
)  # fmt: skip

ESSAY: Mapping[Language, Phrases] = {
    "en": Phrases(
        titles=("On {subject}", "{subject}, considered slowly", "Notes on {subject}", "A long look at {subject}"),
        opening="This is a demo text: it was put together by fixed rules, so it is long and tidy, and it knows nothing "
        "about {subject}. It is here to be streamed, stopped, reloaded and watched from a second tab.",
        sections=(
            "Where to begin", "{aspect}", "What {person} would ask", "{aspect} and {aspect}", "Looking again {time}",
            "How to {verb} it", "Why {aspect} matters",
        ),
        sentences=_ENGLISH_SENTENCES,
        remarks=_ENGLISH_REMARKS,
        slots=_ENGLISH_SLOTS,
        leads=_ENGLISH_LEADS,
        columns=("What", "Advice", "Weight"),
        closing_heading="In the end",
    ),
    "de": Phrases(
        titles=("Über {subject}", "{subject}, in Ruhe betrachtet", "Notizen: {subject}"),
        opening="Dies ist ein Demotext: nach festen Regeln zusammengesetzt, also lang und ordentlich, aber ohne Wissen "
        "über {subject}. Er ist zum Mitlesen, Anhalten und Neuladen da.",
        sections=("Der Anfang", "Zum Thema: {aspect}", "Was {person} fragen würde", "{aspect}, {aspect}",
            "Noch einmal, {time}"),
        sentences=_GERMAN_SENTENCES,
        remarks=_GERMAN_REMARKS,
        slots=_GERMAN_SLOTS,
        leads={
            "list": "Was man dabei im Kopf behalten kann:",
            "steps": "Eine mögliche Reihenfolge:",
            "table": "Dasselbe als Tabelle, mit einem Gewicht, das nur ein Beispiel ist:",
            "code": "Ein kleines Programm hält die Fragen zusammen:",
        },
        columns=("Was", "Rat", "Gewicht"),
        closing_heading="Zum Schluss",
    ),
}  # fmt: skip

STORY: Mapping[Language, Phrases] = {
    "en": msgspec.structs.replace(
        ESSAY["en"],
        titles=("The tale of {subject}", "{subject}: a story", "Once, {subject}"),
        opening="This is a demo story, told by fixed rules and not by an AI model; do not look for a plot. "
        "It begins, as such stories do, with {subject}.",
        sentences=_STORY_SENTENCES,
        closing_heading="The end",
    ),
    "de": ESSAY["de"],
}
